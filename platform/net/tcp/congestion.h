// Congestion: how much may be under way (RFC 5681, initial window RFC 6928; in recovery RFC 6937 with selective
// acknowledgements, RFC 6582 without). What is lost and what is under way is the scoreboard's business.
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
    flight_ = std::max(flight, mss);
    delivered_ = sent_ = 0;
  }
  // RFC 6937 section 3: `arrived` octets are newly known to have, `under_way` are left. What is sent follows what arrives, in
  // the proportion that brings the flight down to the threshold when the recovery ends; below the threshold it grows again, no
  // faster than slow start does.
  void on_recovery_ack(u32 arrived, u32 under_way, u32 mss) {
    delivered_ += arrived;
    u64 more = 0;
    if (under_way > threshold_) {
      const u64 due = (delivered_ * threshold_ + flight_ - 1) / flight_;
      more = due - std::min(due, sent_);
    } else {
      const u64 owed = std::max<u64>(delivered_ - std::min(delivered_, sent_), arrived) + mss;
      more = std::min<u64>(threshold_ - under_way, owed);
    }
    window_ = under_way + static_cast<u32>(more);
  }
  void on_recovery_sent(u32 octets) { sent_ += octets; }
  void on_recovered() { window_ = threshold_; }
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
  // Everything is sent again, though nothing was lost by congestion.
  void restart(u32 mss) {
    window_ = mss;
    acked_ = 0;
  }
  // The path's segments became smaller; at least one fits.
  void on_mss(u32 mss) { window_ = std::max(window_, mss); }

  static constexpr u32 initial_window(u32 mss) { return std::min(10 * mss, std::max(2 * mss, u32{14'600})); }

 private:
  static constexpr u32 max_window = 1U << 30;  // of what windows can be scaled to (RFC 7323 section 2.3)
  u32 window_ = 0;
  u32 threshold_ = 0x7fffffff;
  u32 acked_ = 0;      // in congestion avoidance, since the window grew last
  u32 flight_ = 1;     // when the recovery began
  u64 delivered_ = 0;  // since then
  u64 sent_ = 0;       // since then
};

}  // namespace samara::net::tcp
