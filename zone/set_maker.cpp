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

void ZoneSetMaker::touch(const dns::Name& apex) {
  if (whole_) return;
  if (touched_.size() * zones_per_change >= apexes_) return touch_all();
  touched_.push_back(apex);
}

bool ZoneSetMaker::shares() const {
  if (whole_ || !last_.has_value()) return false;
  const size_t size = last_->extent().size;
  return size >= least_to_share && growth_.used() <= size / 2 && !last_->is_index_full();
}

ZoneSetEditor ZoneSetMaker::begin_change() {
  written_.octets -= growth_.used();
  growth_.begin();
  return {growth_, *last_};
}

bool ZoneSetMaker::end_change(std::optional<ZoneSet> made) {
  if (made.has_value()) {
    growth_.commit();
    last_ = made;
    touched_.clear();
  } else {
    growth_.roll_back();
  }
  written_.octets += growth_.used();
  return made.has_value();
}

std::optional<ZoneSet> ZoneSetMaker::next_whole(std::span<const ZoneSetEntry> entries, u64 generation) {
  touch_all();
  auto set = build_zone_set(memory_, entries);
  while (!set.ok() && !aside_.empty()) {
    memory_.give_back(aside_.back());
    aside_.pop_back();
    set = build_zone_set(memory_, entries);
  }
  if (!set.ok()) return std::nullopt;
  const Extent extent = set.value().extent();
  if (last_.has_value()) retired_.add(last_->extent(), generation);
  for (const Extent& grown : growth_.take_extents(extent.size)) retired_.add(grown, generation);
  last_ = set.value();
  apexes_ = entries.size();
  whole_ = false;
  written_.octets += extent.size;
  ++written_.whole;
  refill();
  return last_;
}

}  // namespace samara::zone
