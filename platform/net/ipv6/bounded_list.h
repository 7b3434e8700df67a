// BoundedList<T, N>: up to N values in place, in the order they were added. Nothing is allocated.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "platform/base/types.h"

namespace samara::net::ipv6 {

template <class T, size_t N>
class BoundedList {
 public:
  static constexpr size_t capacity() { return N; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool full() const { return size_ == N; }

  // False, and nothing added, when it is full.
  constexpr bool add(const T& value) {
    if (full()) return false;
    values_[size_++] = value;
    return true;
  }
  constexpr void remove_at(size_t index) {
    const auto rest = std::span(values_).subspan(index, size_ - index);
    std::move(rest.begin() + 1, rest.end(), rest.begin());
    values_[--size_] = T{};
  }
  // Removes all that `unwanted` says true to.
  template <class Predicate>
  constexpr void remove_if(Predicate unwanted) {
    for (size_t i = size_; i-- > 0;) {
      if (unwanted(values_[i])) remove_at(i);
    }
  }
  constexpr void clear() {
    std::fill_n(values_.begin(), size_, T{});
    size_ = 0;
  }

  constexpr std::span<T> values() { return std::span<T, N>(values_).first(size_); }
  constexpr std::span<const T> values() const { return std::span<const T, N>(values_).first(size_); }
  constexpr T& operator[](size_t index) { return values()[index]; }
  constexpr const T& operator[](size_t index) const { return values()[index]; }
  constexpr auto begin() { return values().begin(); }
  constexpr auto end() { return values().end(); }
  constexpr auto begin() const { return values().begin(); }
  constexpr auto end() const { return values().end(); }

  friend constexpr bool operator==(const BoundedList& a, const BoundedList& b) {
    return std::ranges::equal(a.values(), b.values());
  }

 private:
  std::array<T, N> values_{};
  size_t size_ = 0;
};

}  // namespace samara::net::ipv6
