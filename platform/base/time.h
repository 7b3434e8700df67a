// Time as the pure core sees it: an Instant on a clock that never goes back, a Duration between two, and a UnixTime for what
// must agree with the world (signatures, TSIG, log lines). All three are given to the code that needs them; none is read.
#pragma once

#include <compare>

#include "platform/base/types.h"

namespace samara {

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration nanoseconds(i64 n) { return Duration(n); }
  static constexpr Duration microseconds(i64 n) { return Duration(n * 1'000); }
  static constexpr Duration milliseconds(i64 n) { return Duration(n * 1'000'000); }
  static constexpr Duration seconds(i64 n) { return Duration(n * 1'000'000'000); }
  constexpr i64 nanoseconds() const { return nanoseconds_; }
  constexpr i64 milliseconds() const { return nanoseconds_ / 1'000'000; }
  constexpr i64 seconds() const { return nanoseconds_ / 1'000'000'000; }
  friend constexpr auto operator<=>(const Duration&, const Duration&) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return Duration(a.nanoseconds_ + b.nanoseconds_); }
  friend constexpr Duration operator-(Duration a, Duration b) { return Duration(a.nanoseconds_ - b.nanoseconds_); }
  friend constexpr Duration operator*(Duration a, i64 n) { return Duration(a.nanoseconds_ * n); }

 private:
  constexpr explicit Duration(i64 n) : nanoseconds_(n) {}
  i64 nanoseconds_ = 0;
};

class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant since_boot(Duration d) { return Instant(d); }
  static constexpr Instant never() { return Instant(Duration::nanoseconds(INT64_MAX)); }
  constexpr Duration since_boot() const { return since_boot_; }
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant a, Duration d) { return Instant(a.since_boot_ + d); }
  friend constexpr Duration operator-(Instant a, Instant b) { return a.since_boot_ - b.since_boot_; }

 private:
  constexpr explicit Instant(Duration d) : since_boot_(d) {}
  Duration since_boot_;
};

// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
struct UnixTime {
  i64 seconds = 0;
  friend constexpr auto operator<=>(const UnixTime&, const UnixTime&) = default;
};

}  // namespace samara
