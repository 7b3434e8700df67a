#include "server/update_log.h"

#include <algorithm>

#include "platform/base/counted.h"
#include "platform/base/log.h"

namespace samara::server {

void UpdateLog::made(Instant now, const dns::Name& zone, dns::Serial serial, const Requester& requester) {
  if (!log_enabled(Level::info)) return;
  if (now >= next_ + Duration::seconds(1)) {
    const auto earned = static_cast<u64>((now - next_).seconds());
    left_ = static_cast<u32>(std::min<u64>(burst, left_ + earned));
    next_ = now;
  }
  if (left_ != 0 && summed_ == 0) {
    --left_;
    log(Level::info, "zone ", zone, ": serial ", serial.value(), " by update of ", Sender{requester});
    return;
  }
  if (summed_++ == 0) since_ = now;
  const auto same = [&](const Summed& one) {
    const bool known = requester.key.has_value() ? one.requester.key == requester.key
                                                 : !one.requester.key.has_value() && one.requester.address == requester.address;
    return known && one.zone == zone;
  };
  auto found = std::ranges::find_if(by_key_, same);
  if (found == by_key_.end()) {
    if (by_key_.size() == max_summed) return;
    found = by_key_.insert(by_key_.end(), Summed{.zone = zone, .requester = requester, .serial = serial});
  }
  ++found->updates;
  found->serial = serial;
}

void UpdateLog::sum_up(Instant now) {
  if (now < next_deadline()) return;
  u64 others = summed_;
  for (const Summed& one : by_key_) {
    others -= one.updates;
    log(Level::info, "zone ", one.zone, ": serial ", one.serial.value(), " by ", Counted{one.updates, "update"}, " of ",
        Sender{one.requester}, " in the last second");
  }
  if (others != 0) log(Level::info, "updates: ", others, " more in the last second, of other zones or keys");
  by_key_.clear();
  summed_ = 0;
  // The summary has used what was earned meanwhile.
  next_ = now;
}

}  // namespace samara::server
