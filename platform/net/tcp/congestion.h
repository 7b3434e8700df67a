// Congestion: how much may be under way (RFC 5681, NewReno's exit from recovery RFC 6582, initial window RFC 6928). What is
// lost and what is under way is the scoreboard's business.
#pragma once

#include <algorithm>

#include "platform/base/types.h"

namespace samara::net::tcp {

class Congestion {
 public:
  // RFC 6928 section 2; after a lost SYN one segment (RFC 5681 section 3.1).
  void start(u32 mss, bool syn_lost) {
    window_ = syn_lost ? mss : initial_window(mss);
    threshold_ = 0x7fffffff;
    acked_ = 0;
  }
  u32 window() const { return window_; }
  u32 threshold() const { return threshold_; }

  // `acked` octets left the network in order. `limited`: the window was used up; it does not grow unused (RFC 7661).
  void on_ack(u32 acked, u32 mss, bool limited) {
    if (!limited) return;
    if (window_ < threshold_) {
      // RFC 3465 with L = 2: an acknowledgement for many segments does not burst.
      window_ = std::min(window_ + std::min(acked, 2 * mss), max_window);
      return;
    }
    acked_ += acked;
    if (acked_ < window_) return;
    acked_ -= window_;
    window_ = std::min(window_ + mss, max_window);
  }
  // RFC 5681 section 3.2, RFC 6675 section 5: `flight` octets were under way.
  void on_loss(u32 flight, u32 mss) {
    threshold_ = std::max(flight / 2, 2 * mss);
    window_ = threshold_;
    acked_ = 0;
  }
  // RFC 6582 section 3.2 step 3: a full acknowledgement ends recovery without a burst.
  void on_recovered(u32 flight, u32 mss) { window_ = std::min(threshold_, std::max(flight, mss) + mss); }
  // RFC 5681 section 3.1: the threshold falls at the first timeout of a segment only.
  void on_timeout(u32 flight, u32 mss, bool first) {
    if (first) threshold_ = std::max(flight / 2, 2 * mss);
    window_ = mss;
    acked_ = 0;
  }
  // RFC 5681 section 4.1: nothing was sent for a retransmission timeout.
  void on_idle(u32 mss) { window_ = std::min(window_, initial_window(mss)); }
  // The path's segments became smaller; at least one fits.
  void on_mss(u32 mss) { window_ = std::max(window_, mss); }

  static constexpr u32 initial_window(u32 mss) { return std::min(10 * mss, std::max(2 * mss, u32{14'600})); }

 private:
  static constexpr u32 max_window = 1U << 30;  // of what windows can be scaled to (RFC 7323 section 2.3)
  u32 window_ = 0;
  u32 threshold_ = 0x7fffffff;
  u32 acked_ = 0;  // in congestion avoidance, since the window grew last
};

}  // namespace samara::net::tcp
