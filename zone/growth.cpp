#include "zone/growth.h"

#include "platform/base/panic.h"

namespace samara::zone {
namespace {

// A part of the base that is small beside it and large beside a change.
constexpr size_t base_per_first_growth = 64;

// What is not used yet of the last extent is less than this part of the rest, or a page.
constexpr size_t part_in_small_steps = 8;

// Extents double up to this part of memory: what one zone has not used yet of its last is no more.
constexpr size_t memory_per_extent = 64;

// No extent yet. (One at 0 would count the word that is kept free there.)
constexpr Extent nowhere{extent_alignment, 0};

size_t first_size(size_t base) {
  return std::clamp(base / base_per_first_growth, extent_alignment, largest_first_growth);
}

}  // namespace

Growth::Growth(ZoneMemory& memory, size_t base, Steps steps)
    : memory_(memory),
      steps_(steps),
      first_(steps == Steps::whole ? base : first_size(base)),
      writer_(memory.region(), nowhere, this),
      before_(writer_) {}

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
  taken_over_ = 0;
  first_ = first_size(base);
  writer_ = ExtentWriter(memory_.region(), nowhere, this);
  return taken;
}

void Growth::take_over(Growth& copy) {
  if (!extents_.empty()) panic("growth: it has begun");
  extents_.swap(copy.extents_);
  taken_over_ = extents_.size();
  Extent& last = extents_.back();
  last = memory_.shrink(last, copy.writer_.next() - last.offset);
  writer_ = copy.writer_.cut(last.offset + last.size, this);
  first_ = first_size(used());
}

std::optional<Extent> Growth::extend(size_t octets) {
  // Reference 0 stays "none": the region's first word cannot be used.
  const size_t needed = octets + 4;
  const size_t last = extents_.size() == taken_over_ ? 0 : extents_.back().size;
  const size_t next = steps_ == Steps::small   ? used() / part_in_small_steps
                      : steps_ == Steps::whole ? 0
                                               : std::min(2 * last, memory_.usable() / memory_per_extent);
  size_t wanted = std::max({first_, next, needed});
  auto extent = memory_.take(wanted);
  while (!extent.has_value() && wanted > needed) {
    wanted = std::max(wanted / 2, needed);
    extent = memory_.take(wanted);
  }
  if (extent.has_value()) extents_.push_back(*extent);
  return extent;
}

}  // namespace samara::zone
