// The two clocks. Both are read through the vDSO where the machine's clock source allows it, without a system call.
#pragma once

#include "platform/base/time.h"

namespace samara::hal {

// CLOCK_MONOTONIC; never goes back.
Instant monotonic_now();
// CLOCK_REALTIME.
UnixTime wall_now();

// Wall time for each turn of a loop without a second clock reading: the distance between the clocks is measured once a second.
class WallClock {
 public:
  UnixTime at(Instant now) {
    if (now >= measure_at_) [[unlikely]] {
      measure(now);
    }
    return UnixTime{(now.since_boot() + distance_).seconds()};
  }

 private:
  void measure(Instant now);

  Instant measure_at_;
  Duration distance_;
};

}  // namespace samara::hal
