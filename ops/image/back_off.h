// BackOff: how long to wait before an image that ended is started again. The first time a second, then twice as long each time,
// so that one that cannot live does not keep the machine busy; one that lived for a while begins anew.
#pragma once

#include <algorithm>
#include <chrono>

#include "platform/base/types.h"

namespace samara::ops {

class BackOff {
 public:
  using Duration = std::chrono::seconds;
  static constexpr Duration first{1};
  static constexpr Duration longest{60};
  static constexpr Duration settled{300};  // one that lived so long begins anew

  // An image ended that had lived for `life`; how long to wait.
  Duration on_end(std::chrono::steady_clock::duration life) {
    if (life >= settled) next_ = first;
    const Duration wait = next_;
    next_ = std::min(next_ * 2, longest);
    ++ends_;
    return wait;
  }
  // Since the command was started.
  u64 ends() const { return ends_; }

 private:
  Duration next_ = first;
  u64 ends_ = 0;
};

}  // namespace samara::ops
