// WallClock: seconds since 1970 on a machine whose counter may be wrong in its frequency, and which is stopped, saved or moved
// without being told. It is compared with the machine's own clock (the battery clock, which shows whole seconds, or kvmclock)
// every few seconds, and goes on from the counter between two looks.
//
// A battery clock tells more than seconds when it is looked at where its second should end: either the second is over or it is
// not, so each look halves what is not known, until changes of the counter's frequency are what is left. A look that cannot be
// true makes the clock a stopped one, which is set anew. Only this clock is set; whether instants go on by
// as much is its owner's affair.
#pragma once

#include <optional>

#include "platform/base/time.h"

namespace samara::hal {

// What a clock of the machine showed at some moment between two instants: a time from `earliest` up to, but not including,
// `latest`, in nanoseconds since 1970.
struct ClockReading {
  Instant before;
  Instant after;
  i64 earliest = 0;
  i64 latest = 0;
};

class WallClock {
 public:
  // A machine without a clock of its own: `at_start` was the time at the instant 0.
  explicit WallClock(UnixTime at_start) : offset_(at_start.seconds * second) {}
  explicit WallClock(const ClockReading& first);

  UnixTime at(Instant now) const;
  // When the machine's clock is to be looked at again; never where it has none.
  Instant next_look() const { return next_look_; }
  // A look, which sets the clock. When it was off by two seconds or more, this is by how much it was behind.
  std::optional<Duration> compare(const ClockReading& reading);
  // All instants are `by` later from here on; what is shown stays as it is.
  void on_skip(Duration by);
  // The machine's clock could not be read now.
  void skip(Instant now);
  // Half of what is not known of the time.
  Duration uncertainty() const { return Duration::nanoseconds((most_ - least_) / 2); }

 private:
  static constexpr i64 second = 1'000'000'000;

  i64 shown(Instant now) const { return offset_ + now.since_boot().nanoseconds(); }
  void move(i64 by);
  void plan_look(Instant now);

  i64 offset_ = 0;  // nanoseconds since 1970 at the instant 0
  // The true time is this much later than what is shown: at least, and at most.
  i64 least_ = 0;
  i64 most_ = 0;
  Instant last_look_;
  Instant next_look_ = Instant::never();
};

}  // namespace samara::hal
