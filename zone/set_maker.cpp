#include "zone/set_maker.h"

#include <algorithm>

namespace samara::zone {

void ZoneSetMaker::keep_room(std::span<const ZoneSetEntry> entries) {
  // A set takes the same memory whether its zones have data or not.
  const auto set = build_zone_set(memory_, entries);
  if (!set.ok()) return;
  const Extent extent = set.value().extent();
  memory_.give_back(extent);
  keep(extent.size, 2);
}

void ZoneSetMaker::keep(size_t size, size_t count) {
  std::erase_if(aside_, [&](const Extent& extent) {
    if (extent.size >= size) return false;
    memory_.give_back(extent);
    return true;
  });
  while (aside_.size() < count) {
    const auto extent = memory_.take(size);
    if (!extent.has_value()) return;
    aside_.push_back(*extent);
  }
}

std::optional<ZoneSet> ZoneSetMaker::next(std::span<const ZoneSetEntry> entries, u64 generation) {
  auto set = build_zone_set(memory_, entries);
  while (!set.ok() && !aside_.empty()) {
    memory_.give_back(aside_.back());
    aside_.pop_back();
    set = build_zone_set(memory_, entries);
  }
  if (!set.ok()) return std::nullopt;
  if (last_.has_value()) retired_.add(*last_, generation);
  last_ = set.value().extent();
  refill();
  return set.value();
}

}  // namespace samara::zone
