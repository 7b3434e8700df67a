// What the trie's readers and writers (trie.h, trie_edit.h) have in common: a branch in memory, and comparing keys.
#pragma once

#include <algorithm>
#include <bit>

#include "zone/trie.h"

namespace samara::zone {

inline constexpr u64 bitmap_mask = (u64{1} << symbol_count) - 1;

// Reads one branch.
class Branch {
 public:
  Branch(MemoryView memory, Twig twig) : memory_(memory), ref_(twig & ~branch_bit), head_(memory.two_words(ref_)) {}
  size_t offset() const { return head_ >> symbol_count; }
  bool holds(u8 symbol) const { return (head_ >> symbol & 1) != 0; }
  // Twigs whose symbol is less than `symbol`.
  size_t below(u8 symbol) const { return static_cast<size_t>(std::popcount(head_ & ((u64{1} << symbol) - 1))); }
  size_t count() const { return static_cast<size_t>(std::popcount(head_ & bitmap_mask)); }
  Twig twig(size_t index) const { return memory_.word(ref_ + 2 + static_cast<Ref>(index)); }
  u64 head() const { return head_; }

 private:
  MemoryView memory_;
  Ref ref_;
  u64 head_;
};

// The symbol at `offset`; 0 beyond the end, which sorts a name before the names below it.
inline u8 symbol_at(Bytes key, size_t offset) {
  return offset < key.size() ? key[offset] : u8{0};
}

// Symbols that two keys have in common from the start.
inline size_t common_symbols(Bytes a, Bytes b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t i = 0;
  for (; shorter - i >= 8; i += 8) {
    const u64 difference = load_le64(a, i) ^ load_le64(b, i);
    if (difference != 0) return i + static_cast<size_t>(std::countr_zero(difference)) / 8;
  }
  while (i < shorter && a[i] == b[i]) ++i;
  return i;
}

}  // namespace samara::zone
