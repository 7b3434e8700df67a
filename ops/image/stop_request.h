// StopRequest: what the signals that ask for an end mean. The first asks the image to end in order; another one ends it at
// once, but only a second later: managers and `timeout` send the same wish twice within a millisecond, to a process and to its
// group. So does the end of patience.
#pragma once

#include <chrono>
#include <optional>

namespace samara::ops {

class StopRequest {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds patience{10};  // between a request to stop and the end of it
  static constexpr std::chrono::seconds apart{1};      // two wishes

  enum class Then { ask, wait, end };
  Then on_signal(Clock::time_point now) {
    if (!asked_) {
      asked_ = now;
      return Then::ask;
    }
    return now - *asked_ >= apart ? Then::end : Then::wait;
  }
  bool is_asked() const { return asked_.has_value(); }
  // Absent: for ever.
  std::optional<Clock::time_point> deadline() const {
    if (!asked_ || is_late_) return {};
    return *asked_ + patience;
  }
  // Once.
  bool is_too_late(Clock::time_point now) {
    if (!deadline() || now < *deadline()) return false;
    is_late_ = true;
    return true;
  }

 private:
  std::optional<Clock::time_point> asked_;
  bool is_late_ = false;
};

}  // namespace samara::ops
