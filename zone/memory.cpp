#include "zone/memory.h"

#include <algorithm>

#include "platform/base/panic.h"
#include "zone/growth.h"

namespace samara::zone {

bool ExtentWriter::go_on(size_t octets) {
  if (more_ == nullptr) return false;
  const auto extent = more_->extend(octets);
  if (!extent.has_value()) return false;
  used_before_ += next_ - start_;
  start_ = extent->offset;
  limit_ = extent->offset + extent->size;
  next_ = start_ == 0 ? 4 : start_;
  return octets <= limit_ - next_;
}

ZoneMemory::ZoneMemory(MutableBytes region) : region_(region) {
  end_ = std::min(region.size(), max_zone_memory) / extent_alignment * extent_alignment;
  if (end_ != 0) free_.push_back({0, end_});
}

void ZoneMemory::end_at(size_t octets) {
  end_ = std::min(end_, octets / extent_alignment * extent_alignment);
  while (!free_.empty() && free_.back().offset >= end_) free_.pop_back();
  if (!free_.empty()) free_.back().size = std::min(free_.back().size, end_ - free_.back().offset);
}

std::optional<Extent> ZoneMemory::take_first(size_t expected) {
  auto found = std::ranges::find_if(free_, [&](const Extent& extent) { return extent.size >= expected; });
  if (found == free_.end()) found = std::ranges::max_element(free_, {}, &Extent::size);
  if (found == free_.end()) return std::nullopt;
  const Extent taken = *found;
  free_.erase(found);
  in_use_ += taken.size;
  return taken;
}

std::optional<Extent> ZoneMemory::take(size_t size) {
  const size_t wanted = (size + extent_alignment - 1) / extent_alignment * extent_alignment;
  const auto first = std::ranges::find_if(free_, [&](const Extent& extent) { return extent.size >= wanted; });
  if (first == free_.end() || wanted == 0) return std::nullopt;
  const Extent taken{first->offset, wanted};
  first->offset += wanted;
  first->size -= wanted;
  if (first->size == 0) free_.erase(first);
  in_use_ += wanted;
  return taken;
}

Extent ZoneMemory::shrink(Extent extent, size_t used) {
  const size_t kept = (used + extent_alignment - 1) / extent_alignment * extent_alignment;
  if (kept > extent.size) panic("zone memory: an extent cannot grow");
  if (kept < extent.size) give_back({extent.offset + kept, extent.size - kept});
  return {extent.offset, kept};
}

void ZoneMemory::give_back(Extent extent) {
  if (extent.size == 0) return;
  in_use_ -= extent.size;
  extent.size = std::min(extent.size, end_ - std::min(end_, extent.offset));
  if (extent.size == 0) return;
  const auto after = std::ranges::lower_bound(free_, extent.offset, {}, &Extent::offset);
  const auto inserted = free_.insert(after, extent);
  const size_t at = static_cast<size_t>(inserted - free_.begin());
  if (at + 1 < free_.size() && free_[at].offset + free_[at].size == free_[at + 1].offset) {
    free_[at].size += free_[at + 1].size;
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  if (at > 0 && free_[at - 1].offset + free_[at - 1].size == free_[at].offset) {
    free_[at - 1].size += free_[at].size;
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

}  // namespace samara::zone
