// PlainVector: a vector for large tables of plain values. An element that is made without a value is not written when its type
// leaves it open (no constructor, no initialisers), so that a table costs time and memory where it is used and not where it is
// made; whoever reads must know what was written. Elements made from a value are set in one sweep. In all else std::vector,
// checks included.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace samara {

template <class T>
struct PlainAllocator : std::allocator<T> {
  template <class Other>
  struct rebind {
    using other = PlainAllocator<Other>;
  };
  template <class Item, class... Values>
  void construct(Item* at, Values&&... values) {
    if constexpr (sizeof...(Values) == 0) {
      ::new (static_cast<void*>(at)) Item;
    } else {
      ::new (static_cast<void*>(at)) Item(std::forward<Values>(values)...);
    }
  }
};

template <class T>
using PlainVector = std::vector<T, PlainAllocator<T>>;

}  // namespace samara
