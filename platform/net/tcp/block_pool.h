// BlockPool: the memory of all queues, in blocks of one size. A queue takes blocks as octets come and gives them back as they
// go, so an idle connection holds none.
#pragma once

#include <array>
#include <vector>

#include "platform/base/panic.h"
#include "platform/base/types.h"
#include "platform/net/tcp/tcp.h"

namespace samara::net::tcp {

using BlockIndex = u32;
constexpr BlockIndex no_block = 0xffffffff;

class BlockPool {
 public:
  explicit BlockPool(u32 count) : blocks_(count), free_(count), free_count_(count) {
    for (u32 i = 0; i < count; ++i) free_[i] = count - 1 - i;
  }

  u32 capacity() const { return static_cast<u32>(blocks_.size()); }
  u32 free_count() const { return free_count_; }
  u32 in_use() const { return capacity() - free_count_; }

  // A block with whatever it held last, or no_block. `reserve` blocks are left to others.
  BlockIndex take(u32 reserve = 0) {
    if (free_count_ <= reserve) return no_block;
    return free_[--free_count_];
  }
  void give(BlockIndex block) {
    if (free_count_ == capacity()) panic("a block was given back twice");
    free_[free_count_++] = block;
  }
  MutableBytes octets(BlockIndex block) { return blocks_[block].octets; }
  Bytes octets(BlockIndex block) const { return blocks_[block].octets; }

 private:
  // Not zeroed: memory that no connection has needed yet is not touched.
  struct Block {
    Block() {}  // NOLINT(modernize-use-equals-default)
    std::array<u8, block_size> octets;
  };
  std::vector<Block> blocks_;
  std::vector<BlockIndex> free_;  // a stack: the block used last is in the cache
  u32 free_count_;
};

}  // namespace samara::net::tcp
