#include "zone/growth.h"

#include "platform/base/panic.h"

namespace samara::zone {
namespace {

// A part of the base that is small beside it and large beside a change.
constexpr size_t base_per_first_growth = 64;

// What is not used yet of the last extent is less than this part of the rest, or a page.
constexpr size_t part_in_small_steps = 8;

// No extent yet. (One at 0 would count the word that is kept free there.)
constexpr Extent nowhere{extent_alignment, 0};

size_t first_size(size_t base) {
  return std::clamp(base / base_per_first_growth, extent_alignment, largest_first_growth);
}

}  // namespace

Growth::Growth(ZoneMemory& memory, size_t base, Steps steps)
    : memory_(memory), steps_(steps), first_(first_size(base)), writer_(memory.region(), nowhere, this), before_(writer_) {}

void Growth::begin() {
  if (begun_) panic("growth: a change within a change");
  begun_ = true;
  before_ = writer_;
  extents_before_ = extents_.size();
}

void Growth::roll_back() {
  begun_ = false;
  back_to({before_, extents_before_});
}

void Growth::back_to(const Mark& mark) {
  if (begun_) panic("growth: taken back in a change");
  writer_ = mark.writer;
  while (extents_.size() > mark.extents) {
    memory_.give_back(extents_.back());
    extents_.pop_back();
  }
}

bool Growth::fresh(Ref ref) const {
  const size_t at = size_t{ref} * 4;
  const auto holds = [at](const Extent& extent) { return at >= extent.offset && at - extent.offset < extent.size; };
  for (size_t i = extents_before_; i < extents_.size(); ++i) {
    if (holds(extents_[i])) return true;
  }
  return extents_before_ != 0 && holds(extents_[extents_before_ - 1]) && at >= before_.next();
}

std::vector<Extent> Growth::take_extents(size_t base) {
  if (begun_) panic("growth: taken away in a change");
  std::vector<Extent> taken;
  taken.swap(extents_);
  first_ = first_size(base);
  writer_ = ExtentWriter(memory_.region(), nowhere, this);
  return taken;
}

std::optional<Extent> Growth::extend(size_t octets) {
  // Reference 0 stays "none": the region's first word cannot be used.
  const size_t needed = octets + 4;
  const size_t next = steps_ == Steps::small ? used() / part_in_small_steps : 2 * (extents_.empty() ? 0 : extents_.back().size);
  const size_t wanted = std::max({first_, next, needed});
  auto extent = memory_.take(wanted);
  if (!extent.has_value()) extent = memory_.take(needed);
  if (extent.has_value()) extents_.push_back(*extent);
  return extent;
}

}  // namespace samara::zone
