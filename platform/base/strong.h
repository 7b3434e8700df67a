// Strong<Tag, T>: a number that knows what it counts. Two with different tags do not mix; nothing converts silently.
#pragma once

#include <compare>

namespace samara {

template <class Tag, class T>
class Strong {
 public:
  using Underlying = T;
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(value) {}
  constexpr T value() const { return value_; }
  friend constexpr bool operator==(const Strong&, const Strong&) = default;
  // Only where an order makes sense; circular numbers (Serial, SeqNumber) are their own types and have none.
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

 private:
  T value_{};
};

using Port = Strong<struct PortTag, unsigned short>;

}  // namespace samara
