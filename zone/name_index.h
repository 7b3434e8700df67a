// NameIndex: a hash table from names to nodes, for names that are wanted exactly. It is an accelerator beside a trie, which has
// the last word: a name whose neighbourhood is full (bad luck, or names made up to collide) is left out of the table, and then
// a search for it ends undecided. So each search looks at few slots, whatever names a zone holds.
//
//   word 0    how many bits of the hash are a slot's number
//   then      the slots, two words each: other bits of the hash, the node's reference (0: free)
#pragma once

#include <optional>
#include <vector>

#include "zone/memory.h"

namespace samara::zone {

class NameIndex {
 public:
  // Slots a name can be in: the one its hash says and those behind it.
  static constexpr size_t reach = 16;

  NameIndex(MemoryView memory, Ref ref) : memory_(memory), ref_(ref), bits_(memory.word(ref)) {}

  // The node with this hash for which `same(Ref)` holds; 0 when there is none; nothing when only the trie knows.
  template <class Same>
  std::optional<Ref> find(u64 hash, Same&& same) const {
    const u32 tag = tag_of(hash);
    size_t slot = slot_of(hash, bits_);
    for (size_t i = 0; i < reach; ++i, ++slot) {
      const u64 entry = memory_.two_words(ref_ + 1 + 2 * static_cast<Ref>(slot));
      const Ref node = static_cast<Ref>(entry >> 32);
      if (node == 0) return Ref{0};
      if (static_cast<u32>(entry) == tag && same(node)) return node;
    }
    return std::nullopt;
  }

  static constexpr u32 tag_of(u64 hash) { return static_cast<u32>(hash); }
  static constexpr size_t slot_of(u64 hash, u32 bits) { return hash >> (64 - bits); }

 private:
  MemoryView memory_;
  Ref ref_;
  u32 bits_;
};

class NameIndexBuilder {
 public:
  void reserve(size_t names) { entries_.reserve(names); }
  void add(u64 hash, Ref node) { entries_.push_back({hash, node}); }
  // Writes the table; 0 when the extent is full.
  Ref finish(ExtentWriter& out) const;

 private:
  struct Entry {
    u64 hash;
    Ref node;
  };
  std::vector<Entry> entries_;
};

}  // namespace samara::zone
