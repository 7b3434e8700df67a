// Untrusted<T>: a count or length that came from a peer. It cannot be used as a number until it has passed a check.
#pragma once

#include <optional>

namespace samara {

template <class T>
class Untrusted {
 public:
  constexpr explicit Untrusted(T value) : value_(value) {}
  // The number, if it is at most `limit`.
  constexpr std::optional<T> at_most(T limit) const {
    if (value_ > limit) return std::nullopt;
    return value_;
  }
  // The number, if low <= number <= high.
  constexpr std::optional<T> within(T low, T high) const {
    if (value_ < low || value_ > high) return std::nullopt;
    return value_;
  }

 private:
  T value_;
};

}  // namespace samara
