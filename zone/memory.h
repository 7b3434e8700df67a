// Zone memory: one region, reserved once, in which all zones live. A reference is a 32-bit number of 4-octet words from the
// region's start, so zones are position independent, half the size, and can be read by processes that map the region at any
// address. 31 bits are used (the trie takes the top one): 8 GiB.
//
//   ZoneMemory    the owner: hands out extents to builders and takes them back
//   ExtentWriter  appends objects to one extent while a zone is built, or to one after the other while it grows (growth.h)
//   MemoryView    the reader: bounds-checked loads at a reference
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/base/result.h"
#include "platform/base/types.h"
#include "zone/build_error.h"

namespace samara::zone {

using Ref = u32;  // 0 is "none": no object starts at the region's first word

constexpr size_t max_zone_memory = size_t{1} << 33;

struct Extent {
  size_t offset = 0;  // octets from the region's start, a multiple of extent_alignment
  size_t size = 0;    // octets
  friend bool operator==(const Extent&, const Extent&) = default;
};
// Extents start and end at page boundaries, so that one that is given back can be returned to the machine.
constexpr size_t extent_alignment = 4096;

class MemoryView {
 public:
  explicit MemoryView(Bytes region) : region_(region) {}
  // A reference is far from the end of the range of size_t, so that one comparison checks both ends.
  u32 word(Ref ref) const { return load_le32(region_.first(size_t{ref} * 4 + 4).last(4)); }
  u64 two_words(Ref ref) const { return load_le64(region_.first(size_t{ref} * 4 + 8).last(8)); }
  // `count` octets from `offset` octets after `ref`.
  Bytes octets(Ref ref, size_t offset, size_t count) const { return region_.subspan(size_t{ref} * 4 + offset, count); }

 private:
  Bytes region_;
};

class Growth;

class ExtentWriter {
 public:
  // `region` is the whole region, `extent` the part to fill. When it is full, `more` gives the next one.
  ExtentWriter(MutableBytes region, Extent extent, Growth* more = nullptr)
      : region_(region), start_(extent.offset), limit_(extent.offset + extent.size), next_(extent.offset), more_(more) {
    if (next_ == 0) next_ = 4;  // reference 0 stays "none"
  }
  // `count` octets, word aligned, with what was there before; nothing when the extent is full (and from then on).
  std::optional<Ref> take(size_t count) {
    const size_t rounded = (count + 3) & ~size_t{3};
    if (full_ || (rounded > limit_ - next_ && !go_on(rounded))) {
      full_ = true;
      return std::nullopt;
    }
    const Ref ref = static_cast<Ref>(next_ / 4);
    next_ += rounded;
    return ref;
  }
  // The same writer, in an extent that ends at `limit`.
  ExtentWriter cut(size_t limit, Growth* more) const {
    ExtentWriter cut = *this;
    cut.limit_ = limit;
    cut.more_ = more;
    return cut;
  }
  // Takes back `ref` and everything after it.
  void drop_from(Ref ref) { next_ = size_t{ref} * 4; }
  MutableBytes octets(Ref ref, size_t offset, size_t count) { return region_.subspan(size_t{ref} * 4 + offset, count); }
  void set_word(Ref ref, u32 value) { store_le32(region_, size_t{ref} * 4, value); }
  u32 word(Ref ref) const { return load_le32(region_, size_t{ref} * 4); }
  u64 two_words(Ref ref) const { return load_le64(region_, size_t{ref} * 4); }
  void set_two_words(Ref ref, u64 value) { store_le64(region_, size_t{ref} * 4, value); }
  MemoryView view() const { return MemoryView(region_); }
  bool full() const { return full_; }
  // Where the next object will be, in octets from the region's start.
  size_t next() const { return next_; }
  // Octets written, in all extents.
  size_t used() const { return used_before_ + next_ - start_; }

 private:
  // Changes to an extent with room for `octets`.
  bool go_on(size_t octets);

  MutableBytes region_;
  size_t start_;
  size_t limit_;
  size_t next_;
  size_t used_before_ = 0;  // in the extents before this one
  Growth* more_;
  bool full_ = false;
};

class ZoneMemory {
 public:
  // `region` is at most max_zone_memory octets, read as zeros where never written, and outlives this.
  explicit ZoneMemory(MutableBytes region);

  MemoryView view() const { return MemoryView(region_); }
  MutableBytes region() { return region_; }
  // Memory takes everything from as low as it fits: what was given back below is used again before pages that were never
  // touched, which a small machine may not have.

  // For what is written before its size is known: write(extent) writes, shrink()s the extent to what it used and returns a
  // Result<…, BuildError>. `expected` octets are a guess: the first free extent that has them is tried, after out_of_memory a
  // larger one, at last the largest. The extent of a failed try is given back.
  template <class Write>
  auto fill(size_t expected, Write&& write) -> decltype(write(Extent{})) {
    std::optional<Extent> before;
    for (;;) {
      const auto extent = take_first(expected);
      if (extent.has_value() && extent == before) give_back(*extent);
      if (!extent.has_value() || extent == before) return fail(BuildError::out_of_memory);
      auto written = write(*extent);
      if (written.ok()) return written;
      give_back(*extent);
      if (written.error() != BuildError::out_of_memory || extent->size < expected) return written;
      before = extent;
      expected = extent->size + 1;
    }
  }
  // The same for work with pauses (pause.h), in which others want memory: it holds no more than it is likely to need. Only
  // where that is not to be had does it take what there is.
  template <class Write>
  auto fill_beside_others(size_t expected, Write&& write) -> decltype(write(Extent{})) {
    for (size_t size = expected;; size *= 2) {
      const auto extent = take(size);
      if (!extent.has_value()) return fill(size, write);
      auto written = write(*extent);
      if (written.ok()) return written;
      give_back(*extent);
      if (written.error() != BuildError::out_of_memory) return written;
    }
  }
  // The first free extent of `expected` octets, whole, or the largest where none has so many. Nothing when no memory is free.
  std::optional<Extent> take_first(size_t expected);
  // `size` octets, rounded up to pages, out of the first free extent that has them.
  std::optional<Extent> take(size_t size);
  // Nothing is taken from behind the region's first `octets` any more; what is in use there stays until it is given back.
  void end_at(size_t octets);
  // Keeps the first `used` octets of an extent (rounded up to pages) and frees the rest; returns what is kept.
  Extent shrink(Extent extent, size_t used);
  void give_back(Extent extent);
  size_t in_use() const { return in_use_; }
  // Octets that may be in use.
  size_t usable() const { return end_; }
  // Whether an eighth or less is left: what can be done without gives way then.
  bool is_scarce() const { return in_use_ > end_ / 8 * 7; }

 private:
  MutableBytes region_;
  size_t end_ = 0;            // of what may be taken, a multiple of extent_alignment
  std::vector<Extent> free_;  // by offset, neighbours merged
  size_t in_use_ = 0;
};

}  // namespace samara::zone
