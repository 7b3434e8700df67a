// RefusalLog: lines about what a worker has refused, for the log of a person who looks for the reason. Anybody on the network
// can cause them, so there are only so many in a while, and the next line says how many were left out.
#pragma once

#include <algorithm>

#include "platform/base/counted.h"
#include "platform/base/log.h"
#include "platform/base/time.h"

namespace samara::server {

class RefusalLog {
 public:
  // At once, after a time without any; then one a second. An operator who tries something sees all of it.
  static constexpr u32 burst = 20;

  template <class... Pieces>
  void line(Instant now, const Pieces&... pieces) {
    if (!log_enabled(Level::warning)) return;
    if (now >= next_ + Duration::seconds(1)) {
      const auto earned = static_cast<u64>((now - next_).seconds());
      left_ = static_cast<u32>(std::min<u64>(burst, left_ + earned));
      next_ = now;
    }
    if (left_ == 0) {
      ++left_out_;
      return;
    }
    --left_;
    if (left_out_ != 0) {
      log(Level::warning, pieces..., " (and ", Counted{left_out_, "refusal"}, " before it)");
    } else {
      log(Level::warning, pieces...);
    }
    left_out_ = 0;
  }

 private:
  Instant next_;  // since when lines are earned
  u32 left_ = burst;
  u64 left_out_ = 0;
};

}  // namespace samara::server
