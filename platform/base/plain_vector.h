// PlainVector: a vector for large tables of plain values. An element that is made without a value is not written when its type
// leaves it open (no constructor, no initialisers), so that a table costs time and memory where it is used and not where it is
// made; whoever reads must know what was written. In all else std::vector, checks included.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

namespace samara {

// Only what is made without a value is made here: with more, vectors would copy element by element when they grow.
template <class T>
struct PlainAllocator : std::allocator<T> {
  template <class Other>
  struct rebind {
    using other = PlainAllocator<Other>;
  };
  template <class Item>
  void construct(Item* at) {
    ::new (static_cast<void*>(at)) Item;
  }
};

template <class T>
using PlainVector = std::vector<T, PlainAllocator<T>>;

// `size` elements that are `value`, set in one sweep.
template <class T>
PlainVector<T> filled(size_t size, T value) {
  PlainVector<T> elements(size);
  std::ranges::fill(elements, value);
  return elements;
}

}  // namespace samara
