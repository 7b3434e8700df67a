// SeqNumber: a TCP sequence number (RFC 9293 section 3.4). The numbers are a circle, so there is no operator<; two of them
// compare as long as they are less than half the circle apart, which windows of at most 2^30 octets guarantee.
#pragma once

#include <compare>

#include "platform/base/types.h"

namespace samara::net::tcp {

class SeqNumber {
 public:
  constexpr SeqNumber() = default;
  constexpr explicit SeqNumber(u32 value) : value_(value) {}
  constexpr u32 value() const { return value_; }

  friend constexpr bool operator==(SeqNumber, SeqNumber) = default;
  friend constexpr SeqNumber operator+(SeqNumber s, u32 octets) { return SeqNumber(s.value_ + octets); }
  friend constexpr SeqNumber operator-(SeqNumber s, u32 octets) { return SeqNumber(s.value_ - octets); }

 private:
  u32 value_ = 0;
};

// Octets from `from` to `to`; negative when `to` comes first.
constexpr i32 distance(SeqNumber from, SeqNumber to) {
  return static_cast<i32>(to.value() - from.value());
}
// Nothing is known of two numbers at opposite ends of the circle.
constexpr std::partial_ordering compare(SeqNumber a, SeqNumber b) {
  if (b.value() - a.value() == 0x80000000U) return std::partial_ordering::unordered;
  return 0 <=> distance(a, b);
}
constexpr bool before(SeqNumber a, SeqNumber b) {
  return compare(a, b) < 0;
}
constexpr bool after(SeqNumber a, SeqNumber b) {
  return compare(a, b) > 0;
}
constexpr bool at_or_before(SeqNumber a, SeqNumber b) {
  return compare(a, b) <= 0;
}
constexpr SeqNumber later(SeqNumber a, SeqNumber b) {
  return before(a, b) ? b : a;
}
constexpr SeqNumber earlier(SeqNumber a, SeqNumber b) {
  return before(a, b) ? a : b;
}
// Octets in [from, to); 0 when `to` does not come after `from`.
constexpr u32 octets_between(SeqNumber from, SeqNumber to) {
  const i32 d = distance(from, to);
  return d > 0 ? static_cast<u32>(d) : 0;
}

}  // namespace samara::net::tcp
