#include "platform/hal/boot/wall_clock.h"

#include <algorithm>

namespace samara::hal {
namespace {

// A look costs a dozen exits to the hypervisor. A machine that was stopped may have been copied meanwhile: it is to notice
// before it has asked much with what its copy asks with too.
constexpr Duration look_interval = Duration::seconds(2);
// What the counter's frequency may be off by, as a power of two: 977 ppm, 2 ms between two looks. A counter that is worse is
// now and then taken for one that stood still: then its clock is right to half a second, which is no reason to say anything.
constexpr u32 drift_shift = 10;
// Less than this is not a pause that anybody would miss, and may be a bad counter and two readings that are a second apart.
constexpr i64 worth_telling = 2'000'000'000;
// Below this the edge of a second is not looked for: a battery clock cannot be read while it changes.
constexpr i64 close_enough = 20'000'000;

}  // namespace

WallClock::WallClock(const ClockReading& first) : last_look_(first.after) {
  least_ = first.earliest - shown(first.after);
  most_ = first.latest - shown(first.before);
  move((least_ + most_) / 2);
  plan_look(first.after);
}

UnixTime WallClock::at(Instant now) const {
  return {shown(now) / second};
}

void WallClock::move(i64 by) {
  offset_ += by;
  least_ -= by;
  most_ -= by;
}

std::optional<Duration> WallClock::compare(const ClockReading& reading) {
  const i64 drift = (reading.after - last_look_).nanoseconds() >> drift_shift;
  last_look_ = reading.after;
  const i64 least = reading.earliest - shown(reading.after);
  const i64 most = reading.latest - shown(reading.before);
  least_ = std::max(least_ - drift, least);
  most_ = std::min(most_ + drift, most);
  if (least_ > most_) {  // it was stopped, or somebody set the machine's clock
    least_ = least;
    most_ = most;
  }
  const i64 behind = (least_ + most_) / 2;
  move(behind);
  plan_look(reading.after);
  if (behind < worth_telling && behind > -worth_telling) return std::nullopt;
  return Duration::nanoseconds(behind);
}

void WallClock::on_skip(Duration by) {
  offset_ -= by.nanoseconds();
  last_look_ = last_look_ + by;
  next_look_ = next_look_ + by;
}

void WallClock::skip(Instant now) {
  plan_look(now);
}

void WallClock::plan_look(Instant now) {
  next_look_ = now + look_interval;
  // To the end of a second as it is shown now, or to its middle.
  const i64 wanted = most_ - least_ > close_enough ? 0 : second / 2;
  const i64 fraction = shown(next_look_) % second;
  next_look_ = next_look_ + Duration::nanoseconds((wanted + second - fraction) % second);
}

}  // namespace samara::hal
