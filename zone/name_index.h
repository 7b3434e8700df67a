// NameIndex: a hash table from names to nodes, for names that are wanted exactly. It is an accelerator beside a trie, which has
// the last word: a name whose neighbourhood is full (bad luck, or names made up to collide) is left out of the table, and then
// a search for it ends undecided. So each search looks at few slots, whatever names a zone holds.
//
// The table is cut into pages, found over a directory, or two levels of them where there are many, so that a new version of a
// zone copies but the page of each name that changes and the directories above it. Neighbourhoods do not leave their page:
// behind its last slot comes its first.
//
//   index      word 0: how many bits of the hash are a slot's number; word 1: slots that are not free; then the pages, or where
//              there are more than 128 the directories of each 128
//   page       128 slots of two words: other bits of the hash, the node's reference. All 0: free. Where a name was removed and
//              a search must go on, its node stays, with the bits inverted: no search for its name stops there, and others
//              see that the name is not theirs
#pragma once

#include <optional>
#include <vector>

#include "platform/base/heap_room.h"
#include "zone/growth.h"
#include "zone/memory.h"
#include "zone/pause.h"

namespace samara::zone {

class NameIndex {
 public:
  // Slots a name can be in: the one its hash says and those behind it.
  static constexpr size_t reach = 16;
  static constexpr u32 page_bits = 7;
  static constexpr u32 directory_bits = 7;
  static constexpr size_t page_slots = size_t{1} << page_bits;
  static constexpr size_t directory_pages = size_t{1} << directory_bits;

  NameIndex(MemoryView memory, Ref ref) : memory_(memory), ref_(ref), bits_(memory.word(ref)) {}

  // The node with this hash for which `same(Ref)` holds; 0 when there is none; nothing when only the trie knows.
  template <class Same>
  std::optional<Ref> find(u64 hash, Same&& same) const {
    const u32 tag = tag_of(hash);
    size_t slot = slot_of(hash, bits_);
    Ref page = ref_ + fixed_words;
    if (has_two_levels(bits_)) {
      page = memory_.word(memory_.word(page + directory_at(slot)) + page_at(slot));
    } else {
      page = memory_.word(page + static_cast<Ref>(slot >> page_bits));
    }
    for (size_t i = 0; i < reach; ++i, ++slot) {
      const u64 entry = memory_.two_words(page + entry_at(slot));
      const Ref node = static_cast<Ref>(entry >> 32);
      if (node == 0) return Ref{0};
      if (static_cast<u32>(entry) == tag && same(node)) return node;
    }
    return std::nullopt;
  }

  // Slots, and how many of them are not free.
  size_t slots() const { return size_t{1} << bits_; }
  size_t taken() const { return memory_.word(ref_ + 1); }

  static constexpr u32 tag_of(u64 hash) { return static_cast<u32>(hash); }
  static constexpr size_t slot_of(u64 hash, u32 bits) { return hash >> (64 - bits); }
  static constexpr bool has_two_levels(u32 bits) { return bits > page_bits + directory_bits; }
  static constexpr Ref fixed_words = 2;
  // Where a slot is: words from the upper directory, the lower (or only) one, and the page.
  static constexpr Ref directory_at(size_t slot) { return static_cast<Ref>(slot >> (page_bits + directory_bits)); }
  static constexpr Ref page_at(size_t slot) { return static_cast<Ref>(slot >> page_bits & (directory_pages - 1)); }
  static constexpr Ref entry_at(size_t slot) { return 2 * static_cast<Ref>(slot & (page_slots - 1)); }

 private:
  MemoryView memory_;
  Ref ref_;
  u32 bits_;
};
static_assert(NameIndex::page_slots > NameIndex::reach);

class NameIndexBuilder {
 public:
  // False: the heap has no room for so many.
  [[nodiscard]] bool reserve(size_t names) { return make_room(entries_, names); }
  // False: the heap has no room for one more.
  [[nodiscard]] bool add(u64 hash, Ref node) {
    if (entries_.size() == entries_.capacity() && !make_room(entries_, 1)) return false;
    entries_.push_back({hash, node});
    return true;
  }
  // Where a table of so many names comes, its pages in one piece: the largest of a zone's objects by far, which finds room most
  // easily when it is taken first. Nothing when the extent is full.
  struct Place {
    u32 bits;
    Ref pages;
    Ref index;
    Ref directories;
  };
  static std::optional<Place> take(ExtentWriter& out, size_t names);
  // Writes the table of no more names than the place is for.
  Ref finish(ExtentWriter& out, const Place& place, Pace& pace) const;
  // 0 when the extent is full.
  Ref finish(ExtentWriter& out, Pace& pace) const {
    const auto place = take(out, entries_.size());
    return place.has_value() ? finish(out, *place, pace) : 0;
  }
  Ref finish(ExtentWriter& out) const {
    Pace pace;
    return finish(out, pace);
  }

 private:
  struct Entry {
    u64 hash;
    Ref node;
  };
  std::vector<Entry> entries_;
};

// Changes an index by copying what it touches. Each change is false when memory is full. The trie knows which names there are:
// add() only those that are not in it, replace() and remove() only those that are.
class NameIndexEditor {
 public:
  NameIndexEditor(Growth& growth, Ref index)
      : growth_(growth), out_(growth.writer()), index_(index), bits_(growth.writer().word(index)) {}

  [[nodiscard]] bool add(u64 hash, Ref node);
  [[nodiscard]] bool replace(u64 hash, Ref before, Ref node);
  [[nodiscard]] bool remove(u64 hash, Ref node);
  Ref index() const { return index_; }

 private:
  // The slot of this entry in its neighbourhood; nothing when it was left out.
  std::optional<size_t> slot_with(u64 hash, u64 entry) const;
  Ref page_of(size_t slot) const;
  u64 entry(Ref page, size_t slot) const { return out_.two_words(page + NameIndex::entry_at(slot)); }
  // Whether names may have been left out because this slot is taken, or put behind it.
  bool others_depend_on(Ref page, size_t slot) const;
  bool put(size_t slot, u64 entry);
  // The object of `words` words at `ref`, ready to be changed: itself, or a copy; 0: no memory.
  Ref owned(Ref ref, size_t words);

  Growth& growth_;
  ExtentWriter& out_;
  Ref index_;
  u32 bits_;
};

}  // namespace samara::zone
