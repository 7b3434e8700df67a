// Heap: memory in pieces of any size, from chunks that are given to it. Every block begins with a header that names its own
// and its predecessor's size, so a freed block finds its neighbours and merges with them; free blocks wait in lists by size.
// A header that was overwritten, and a block freed twice, is found when the block or its neighbour is freed, and is a panic.
//
//   gauges()                  what is in use, at most was, and was given
//   allocate(size, alignment) nothing when no chunk has room and the source has none
//   release(block)
//   donate(memory)            a chunk that nobody else uses any more
#pragma once

#include <array>

#include "platform/base/types.h"

namespace samara::runtime {

struct HeapGauges {
  size_t in_use = 0;  // octets of blocks, their headers included
  size_t peak = 0;
  size_t given = 0;  // octets of all chunks
};

class Heap {
 public:
  // Octets of a header, and what every block is aligned to at least.
  static constexpr size_t header_size = 16;
  // Where more memory comes from: at least `size` octets, aligned to 16, or nothing. A chunk that ends where the one given
  // last began makes that one larger.
  using Source = MutableBytes (*)(size_t size);

  explicit constexpr Heap(Source source) : source_(source) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  void* allocate(size_t size, size_t alignment = header_size);
  void release(void* block);
  // Octets that may be used in the block, at least what was asked for.
  static size_t usable_size(const void* block);
  void donate(MutableBytes memory);
  const HeapGauges& gauges() const { return gauges_; }

 private:
  struct Block;
  static constexpr size_t bins = 40;

  Block* find(size_t size);
  void add_chunk(MutableBytes memory);
  void list(Block* block);
  void unlist(Block* block);
  Block* split(Block* block, size_t size);
  Block* merge(Block* block);

  Source source_;
  std::array<Block*, bins> free_{};
  Block* lowest_ = nullptr;  // the first block of the chunk that was added last
  HeapGauges gauges_;
};

}  // namespace samara::runtime
