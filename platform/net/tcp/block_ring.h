// BlockRing: part of a stream in blocks of the pool, each octet at the place its position in the stream gives it. Parts may be
// missing, so that what arrives out of order is written once and stays where it is.
#pragma once

#include <vector>

#include "platform/base/types.h"
#include "platform/net/tcp/block_pool.h"

namespace samara::net::tcp {

class BlockRing {
 public:
  // Positions in use at one time are less than `limit` octets apart.
  explicit BlockRing(u32 limit);

  // Copies `octets` to `position`. How many: fewer when no block is to be had that leaves `reserve` others.
  size_t write(BlockPool& pool, u64 position, Bytes octets, u32 reserve);
  // Copies what was written at `position` before.
  void read(const BlockPool& pool, u64 position, MutableBytes into) const;
  // Gives back the blocks numbered [first, end); block_of() numbers them.
  void release(BlockPool& pool, u64 first, u64 end);
  u32 blocks() const { return blocks_; }

  static constexpr u64 block_of(u64 position) { return position / block_size; }

 private:
  BlockIndex& slot(u64 block) { return slots_[block & (slots_.size() - 1)]; }
  BlockIndex slot(u64 block) const { return slots_[block & (slots_.size() - 1)]; }

  std::vector<BlockIndex> slots_;  // a power of two of them
  u32 blocks_ = 0;
};

}  // namespace samara::net::tcp
