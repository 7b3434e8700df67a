// TokenBucket: at most `burst` at once and `per_second` in the long run; for what strangers make us send (RFC 1812 section
// 4.3.2.8, RFC 4443 section 2.4 (f)).
#pragma once

#include <algorithm>

#include "platform/base/time.h"

namespace samara::net {

class TokenBucket {
 public:
  constexpr TokenBucket(u32 per_second, u32 burst)
      : interval_(Duration::nanoseconds(1'000'000'000 / per_second)), depth_(interval_ * burst) {}
  bool take(Instant now) {
    // The bucket is full again at full_at_: one interval for each token taken.
    const Instant from = std::max(now, full_at_);
    if (from + interval_ - now > depth_) return false;
    full_at_ = from + interval_;
    return true;
  }

 private:
  Duration interval_;
  Duration depth_;
  Instant full_at_;
};

}  // namespace samara::net
