// BlockPool: the memory of all queues, in blocks of one size. A queue takes blocks as octets come and gives them back as they
// go, so an idle connection holds none.
#pragma once

#include <array>
#include <vector>

#include "platform/base/panic.h"
#include "platform/base/plain_vector.h"
#include "platform/base/types.h"
#include "platform/net/tcp/tcp.h"

namespace samara::net::tcp {

using BlockIndex = u32;
constexpr BlockIndex no_block = 0xffffffff;

class BlockPool {
 public:
  explicit BlockPool(u32 count) : blocks_(count) { free_.reserve(count); }

  u32 capacity() const { return static_cast<u32>(blocks_.size()); }
  u32 free_count() const { return capacity() - in_use(); }
  u32 in_use() const { return ever_used_ - static_cast<u32>(free_.size()); }

  // A block with whatever it held last, or no_block. How many a queue may hold is told by BlockBudget.
  BlockIndex take() {
    if (free_count() == 0) return no_block;
    if (free_.empty()) return ever_used_++;
    const BlockIndex block = free_.back();
    free_.pop_back();
    return block;
  }
  void give(BlockIndex block) {
    if (in_use() == 0) panic("a block was given back twice");
    free_.push_back(block);
  }
  MutableBytes octets(BlockIndex block) { return blocks_[block].octets; }
  Bytes octets(BlockIndex block) const { return blocks_[block].octets; }

 private:
  // Memory that no connection has needed yet is not touched.
  struct Block {
    std::array<u8, block_size> octets;
  };
  PlainVector<Block> blocks_;
  std::vector<BlockIndex> free_;  // a stack: the block used last is in the cache
  u32 ever_used_ = 0;             // the first so many
};

}  // namespace samara::net::tcp
