// compact_sort: sorts by insertion what is short, and a heap what is long. Its code is a fraction of std::ranges::sort's,
// which counts in an image that sorts in twenty places; long ranges take more comparisons, at most 3 n log n. So it is for what
// an owner, a configuration or a message holds, and std::ranges::sort for what a zone holds. Not stable.
#pragma once

#include <algorithm>
#include <span>
#include <utility>

#include "platform/base/types.h"

namespace samara {

// before(const Item&, const Item&): a strict weak order.
template <class Range, class Before>
void compact_sort(Range& range, Before before) {
  constexpr size_t few = 12;
  const std::span items(range);
  using Item = typename decltype(items)::value_type;
  if (items.size() > few) {
    std::ranges::make_heap(items, before);
    std::ranges::sort_heap(items, before);
    return;
  }
  for (size_t i = 1; i < items.size(); ++i) {
    if (!before(items[i], items[i - 1])) continue;
    Item moved = std::move(items[i]);
    size_t at = i;
    for (; at > 0 && before(moved, items[at - 1]); --at) items[at] = std::move(items[at - 1]);
    items[at] = std::move(moved);
  }
}

}  // namespace samara
