// From ticks of the time-stamp counter to nanoseconds: plain arithmetic, apart from the clock that reads the counter.
#pragma once

#include <bit>

#include "platform/base/types.h"

namespace samara::hal {

// A counter of known or estimated frequency as a clock that never goes back.
class TimeScale {
 public:
  TimeScale() = default;
  // `ticks` is now, `nanoseconds` what the clock shows now.
  TimeScale(u64 ticks, u64 nanoseconds, u64 hertz)
      : ticks_(ticks), nanoseconds_(nanoseconds), per_tick_((u64{1'000'000'000} << fraction_bits) / hertz) {}

  u64 at(u64 ticks) const {
    if (ticks <= ticks_) return nanoseconds_;
    return nanoseconds_ + static_cast<u64>((Wide{ticks - ticks_} * per_tick_) >> fraction_bits);
  }
  // The frequency is known better now: goes on from what the clock shows.
  void correct(u64 ticks, u64 hertz) { *this = TimeScale(ticks, at(ticks), hertz); }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr u32 fraction_bits = 32;

  u64 ticks_ = 0;
  u64 nanoseconds_ = 0;
  u64 per_tick_ = 0;  // nanoseconds, with fraction_bits behind the point
};

// What KVM and Xen write into a page of ours (Linux: Documentation/virt/kvm/x86/msr.rst, pvclock_vcpu_time_info).
struct PvClockTime {
  u32 version = 0;  // odd while it is written
  u32 reserved = 0;
  u64 tsc = 0;
  u64 nanoseconds = 0;
  u32 multiplier = 0;
  signed char shift = 0;
  u8 flags = 0;
  u16 reserved_2 = 0;
};
static_assert(sizeof(PvClockTime) == 32);

inline u64 nanoseconds_at(const PvClockTime& time, u64 tsc) {
  __extension__ using Wide = unsigned __int128;
  const u64 passed = tsc > time.tsc ? tsc - time.tsc : 0;
  const u64 scaled = time.shift >= 0 ? passed << (time.shift & 63) : passed >> (-time.shift & 63);
  return time.nanoseconds + static_cast<u64>((Wide{scaled} * time.multiplier) >> 32);
}

// Days from 1970-01-01 to a date of the Gregorian calendar, month 1 to 12, day from 1.
constexpr i64 days_since_1970(i64 year, i64 month, i64 day) {
  // Years that begin in March, so that the leap day is the last: 146,097 days in 400 of them.
  const i64 y = month > 2 ? year : year - 1;
  const i64 m = month > 2 ? month - 3 : month + 9;
  return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719'468;
}

}  // namespace samara::hal
