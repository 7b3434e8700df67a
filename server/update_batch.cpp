#include "server/update_batch.h"

#include <algorithm>

#include "dns-core/rdata/rdata_text.h"
#include "platform/base/log.h"
#include "server/update.h"

namespace samara::server {
namespace {

using dns::Rcode;

}  // namespace

void UpdateBatch::on_update(u32 worker, const UpdateRelay& update, const Times& at) {
  if (zones_.is_settling_due()) settle();
  const size_t before = unsettled_.size();
  UpdateDone done = decide(update, at);
  done.tag = update.tag;
  std::optional<SeenUpdates::Mark> mark;
  if (update.key.has_value()) mark = {*update.key, update.signed_at, update.mac_start};
  if (done.rcode == Rcode::SERVFAIL) forget(mark);
  outcomes_.push_back({worker, done, unsettled_.size() != before, mark});
}

void UpdateBatch::settle() {
  if (unsettled_.empty()) return;
  const bool durable = zones_.settle();
  for (Outcome& outcome : outcomes_) {
    if (!durable && outcome.unsettled) {
      outcome.done.rcode = Rcode::SERVFAIL;
      outcome.done.why = dns::ExtendedError::not_ready;
      outcome.done.reason = "the change could not be stored";
      forget(outcome.mark);
    }
    outcome.unsettled = false;
  }
  if (durable) {
    for (const dns::Name& zone : unsettled_) add_changed(zone);
    changed_ = true;
  }
  unsettled_.clear();
}

void UpdateBatch::add_changed(const dns::Name& zone) {
  if (std::ranges::find(changed_zones_, zone) == changed_zones_.end()) changed_zones_.push_back(zone);
}

void UpdateBatch::forget(const std::optional<SeenUpdates::Mark>& mark) {
  if (mark.has_value() && mark->key < config_.keys.size()) seen_.forget(*mark);
}

UpdateDone UpdateBatch::decide(const UpdateRelay& update, const Times& at) {
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
  const Requester requester = access_.requester(update.peer.address, update.key, update.address_shown);
  const auto refused = [&](std::string_view why) {
    refusals_.line(at.now, "zone ", name, ": update of ", Sender{requester}, " refused: ", why);
    UpdateDone done = only(Rcode::REFUSED);
    done.why = dns::ExtendedError::prohibited;
    done.reason = why;
    return done;
  };
  if (zones_.is_generated(name)) return refused("the server makes this catalog itself");
  if (update.key.has_value() && !seen_.is_new({*update.key, update.signed_at, update.mac_start}, at.wall)) {
    return refused("this update has come before");
  }
  const ZoneLimits of_zone = config_.limits_of(settings_.of(name));
  const UpdateRoom room{
      .limits = {.max_records = std::min(config_.update_limits.max_records, of_zone.max_records),
                 .max_octets = std::min(config_.update_limits.max_octets, of_zone.max_octets),
                 .max_records_per_rrset = config_.update_limits.max_records_per_rrset,
                 .max_types_per_name = std::min(config_.update_limits.max_types_per_name, of_zone.max_types_per_name)},
      .most_records_per_rrset = of_zone.max_records_per_rrset,
      .zone_octets = zones_.content_octets(name),
      .scarce = zones_.is_room_scarce()};
  UpdateOutcome outcome = apply_update(*zone, message.value(), access_.rights(requester, *zone), room);
  if (outcome.patch.has_value()) {
    if (const auto changed = zones_.change(name, *outcome.patch, outcome.growth); !changed.ok()) {
      refusals_.line(at.now, "zone ", name, ": update of ", Sender{requester}, " not made: ", changed.error());
      UpdateDone done = only(Rcode::SERVFAIL);
      done.why = dns::ExtendedError::not_ready;
      done.reason = changed.error();
      return done;
    }
    unsettled_.push_back(name);
    made_.made(at.now, name, outcome.serial, requester);
  } else if (outcome.rcode == Rcode::REFUSED) {
    refusals_.line(at.now, "zone ", name, ": update of ", Sender{requester}, " refused: ", outcome.reason.view());
  } else {
    log(Level::debug, "zone ", name, ": update of ", Sender{requester}, " changed nothing: ", dns::RcodeText{outcome.rcode});
  }
  UpdateDone done = only(outcome.rcode);
  done.why = outcome.why;
  done.reason = outcome.reason.view();
  return done;
}

void UpdateBatch::on_transfer_note(u32 worker, const TransferNote& note) {
  if (note.kind == LoaderMessage::hold) {
    zones_.hold({.worker = worker, .tag = note.tag, .zone = note.zone, .generation = note.generation});
    notes_.put(worker, encoded(note, LoaderMessage::held));
  } else if (note.kind == LoaderMessage::let_go) {
    zones_.let_go(worker, note.tag);
  }
}

void UpdateBatch::make_room() {
  const auto slowest = zones_.transfer_to_end();
  if (!slowest.has_value()) return;
  notes_.put(slowest->worker, encoded({.tag = slowest->tag, .generation = slowest->generation, .zone = slowest->zone},
                                      LoaderMessage::end_transfer));
}

void UpdateBatch::on_reloaded(std::span<const dns::Name> changed) {
  changed_zones_.insert(changed_zones_.end(), changed.begin(), changed.end());
}

}  // namespace samara::server
