#include "server/update_batch.h"

#include <algorithm>

#include "dns-core/rdata/rdata_text.h"
#include "platform/base/log.h"
#include "server/update.h"

namespace samara::server {
namespace {

using dns::Rcode;

// Who sent it: "KEY at ADDRESS", or the address alone.
struct Sender {
  const Requester& requester;
  void write_text(TextWriter& out) const {
    if (requester.key.has_value()) {
      requester.key_name.write_text(out);
      out.put(" at ");
    }
    requester.address.write_text(out);
  }
};

}  // namespace

void UpdateBatch::on_update(u32 worker, const UpdateRelay& update) {
  const size_t changed_before = changed_;
  UpdateDone done = decide(update);
  done.tag = update.tag;
  outcomes_.push_back({worker, done, changed_ != changed_before});
}

void UpdateBatch::on_published() {
  changed_ = 0;
  if (zones_.is_durable()) return;
  for (Outcome& outcome : outcomes_) {
    if (!outcome.changed) continue;
    outcome.done.rcode = Rcode::SERVFAIL;
    outcome.changed = false;
  }
}

UpdateDone UpdateBatch::decide(const UpdateRelay& update) {
  const auto only = [](Rcode rcode) {
    UpdateDone done;
    done.rcode = rcode;
    return done;
  };
  if (update.key.has_value() && *update.key >= config_.keys.size()) return only(Rcode::SERVFAIL);
  const auto message = UpdateMessage::read(update.message);
  if (!message.ok()) return only(message.error());
  const dns::Name& name = message.value().zone();
  const auto zone = zones_.zone_in_service(name);
  if (!zone.has_value()) return only(Rcode::NOTAUTH);
  const Requester requester = access_.requester(update.peer.address, update.key);
  UpdateOutcome outcome = apply_update(*zone, message.value(), access_.rights(requester, *zone));
  if (outcome.patch.has_value()) {
    if (const auto changed = zones_.change(name, *outcome.patch); !changed.ok()) return only(changed.error());
    ++changed_;
    if (std::ranges::find(changed_zones_, name) == changed_zones_.end()) changed_zones_.push_back(name);
    log(Level::info, "zone ", name, ": serial ", outcome.serial.value(), " by update of ", Sender{requester});
  } else if (outcome.rcode == Rcode::REFUSED) {
    log(Level::warning, "zone ", name, ": update of ", Sender{requester}, " refused: ", outcome.reason);
  } else {
    log(Level::debug, "zone ", name, ": update of ", Sender{requester}, " changed nothing: ", dns::rcode_name(outcome.rcode));
  }
  UpdateDone done = only(outcome.rcode);
  done.why = outcome.why;
  done.reason = outcome.reason;
  return done;
}

void UpdateBatch::on_reloaded(std::span<const dns::Name> changed) {
  changed_zones_.insert(changed_zones_.end(), changed.begin(), changed.end());
}

}  // namespace samara::server
