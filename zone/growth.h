// Growth: the extents in which the later versions of a zone lie, each version behind the one before. What a change writes stays
// invisible until a header that refers to it is published, so a change that fails is taken back by forgetting where it ended.
// Nothing in them is freed by itself: they are given back together, when the zone is compacted or replaced (revision.h).
//
// Order of calls: begin(), write with writer(), then commit() or roll_back(); again and again. mark() and back_to() take back
// several changes at once, none of which has been published.
// Capacity: zone memory. The extents double, so there are few of them and less than half of their octets are not used yet; in
// small steps they grow to a part of what is used. What is to be copied whole has one extent where there is one so large. Where
// memory has no such extents, smaller ones are taken.
#pragma once

#include <vector>

#include "zone/memory.h"

namespace samara::zone {

// The first extent is a page for a small zone; a large one starts with more than a few changes need, up to this.
constexpr size_t largest_first_growth = size_t{1} << 20;

class Growth {
 public:
  enum class Steps : u8 { doubled, small, whole };

  // `base`: octets of the zone that grows.
  Growth(ZoneMemory& memory, size_t base, Steps steps = Steps::doubled);
  Growth(const Growth&) = delete;
  Growth& operator=(const Growth&) = delete;

  void begin();
  void commit() { begun_ = false; }
  // Gives back what was taken since begin().
  void roll_back();
  // Between two changes: where they ended, and back to there.
  struct Mark {
    ExtentWriter writer;
    size_t extents;
  };
  Mark mark() const { return {writer_, extents_.size()}; }
  void back_to(const Mark& mark);
  ExtentWriter& writer() { return writer_; }
  // Whether what is at `ref` was written since begin(): nobody has seen it, so it may be changed in place.
  bool fresh(Ref ref) const;
  // What another one has written is the beginning of this one, which is empty; that one is empty then.
  void take_over(Growth& copy);
  // Octets written in all.
  size_t used() const { return writer_.used(); }
  const std::vector<Extent>& extents() const { return extents_; }
  // Begins anew beside a zone of `base` octets; the extents are the caller's from now on.
  std::vector<Extent> take_extents(size_t base);

  // For the writer: an extent with room for `octets`.
  std::optional<Extent> extend(size_t octets);

 private:
  ZoneMemory& memory_;
  Steps steps_;
  size_t first_;
  std::vector<Extent> extents_;
  size_t taken_over_ = 0;  // of them
  ExtentWriter writer_;
  // As it was at begin().
  ExtentWriter before_;
  size_t extents_before_ = 0;
  bool begun_ = false;
};

}  // namespace samara::zone
