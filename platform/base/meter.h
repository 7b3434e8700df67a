// Meter: a token bucket in eight octets, for tables with one for each entry: some at once, and one each interval in the long
// run. Who asks knows the rate.
#pragma once

#include <algorithm>

#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara {

class Meter {
 public:
  // When the next may go; a moment that has been, when one may go now.
  constexpr Instant next(Duration interval, u32 burst) const {
    const Duration ahead = interval * i64{burst - 1};
    const Duration full = full_at_.since_boot();
    return full <= ahead ? Instant() : Instant::since_boot(full - ahead);
  }
  // Whether one may go now, which then counts.
  constexpr bool take(Instant now, Duration interval, u32 burst) {
    if (next(interval, burst) > now) return false;
    count(now, interval);
    return true;
  }
  constexpr void count(Instant now, Duration interval) { full_at_ = std::max(full_at_, now) + interval; }
  // From when on a burst may go again.
  constexpr Instant full_at() const { return full_at_; }

 private:
  Instant full_at_;
};

}  // namespace samara
