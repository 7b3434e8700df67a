#include "platform/hal/linux/clock.h"

#include <time.h>

namespace samara::hal {
namespace {

Duration read_clock(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return Duration::seconds(t.tv_sec) + Duration::nanoseconds(t.tv_nsec);
}

}  // namespace

Instant monotonic_now() {
  return Instant::since_boot(read_clock(CLOCK_MONOTONIC));
}

UnixTime wall_now() {
  return UnixTime{read_clock(CLOCK_REALTIME).seconds()};
}

void WallClock::measure(Instant now) {
  distance_ = read_clock(CLOCK_REALTIME) - now.since_boot();
  measure_at_ = now + Duration::seconds(1);
}

}  // namespace samara::hal
