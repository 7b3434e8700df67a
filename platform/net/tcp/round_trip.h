// RoundTrip: the round-trip time and the retransmission timeout made of it (RFC 6298). Samples of segments that were sent more
// than once are for the caller to leave out (Karn's algorithm), or to take from timestamps (RFC 7323 section 4).
//
// Left out on purpose: the lower bound of one second (RFC 6298 section 2.4, a SHOULD). Like other hosts today we add at least
// 200 ms to the smoothed time, more than peers delay an acknowledgement; a lost last segment then costs a fifth of a second.
#pragma once

#include <algorithm>

#include "platform/base/time.h"

namespace samara::net::tcp {

// Of the clock that timestamps are read from (RFC 7323 section 5.4): what is measured by them is right to this.
constexpr Duration timestamp_tick = Duration::milliseconds(1);

class RoundTrip {
 public:
  static constexpr Duration initial_timeout = Duration::seconds(1);  // RFC 6298 section 2.1
  static constexpr Duration max_timeout = Duration::seconds(60);     // RFC 6298 section 2.5
  static constexpr Duration min_variance = Duration::milliseconds(200);

  // RFC 6298 sections 2.2 and 2.3: alpha is 1/8, beta 1/4, K 4.
  void on_sample(Duration measured) {
    const i64 r = std::max<i64>(measured.nanoseconds(), 0);
    if (!measured_) {
      smoothed_ = r;
      variation_ = r / 2;
      measured_ = true;
    } else {
      const i64 error = smoothed_ > r ? smoothed_ - r : r - smoothed_;
      variation_ += (error - variation_) / 4;
      smoothed_ += (r - smoothed_) / 8;
    }
    base_ = Duration::nanoseconds(smoothed_ + std::max(4 * variation_, min_variance.nanoseconds()));
    base_ = std::min(base_, max_timeout);
    back_offs_ = 0;
  }
  Duration timeout() const {
    // Doubled each time (section 5.5); six doublings take even 1 s beyond the maximum.
    return std::min(base_ * (i64{1} << std::min<u32>(back_offs_, 9)), max_timeout);
  }
  void back_off() { ++back_offs_; }
  void end_back_off() { back_offs_ = 0; }
  // Section 5.7: the SYN was lost, so data start with 3 seconds, unless a sample says better.
  void on_syn_lost() {
    if (!measured_) base_ = Duration::seconds(3);
  }
  bool measured() const { return measured_; }
  Duration smoothed() const { return Duration::nanoseconds(smoothed_); }

 private:
  i64 smoothed_ = 0;   // SRTT
  i64 variation_ = 0;  // RTTVAR
  Duration base_ = initial_timeout;
  u32 back_offs_ = 0;
  bool measured_ = false;
};

}  // namespace samara::net::tcp
