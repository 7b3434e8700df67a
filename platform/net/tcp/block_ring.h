// BlockRing: part of a stream in blocks of the pool, each octet at the place its position in the stream gives it. Parts may be
// missing, so that what arrives out of order is written once and stays where it is.
#pragma once

#include <array>
#include <bit>
#include <span>

#include "platform/base/types.h"
#include "platform/net/tcp/block_pool.h"

namespace samara::net::tcp {

class BlockRing {
 public:
  // Where blocks stand. Not set before the first write(): a connection that never carries octets does not touch them.
  static constexpr size_t row_size = 64;
  struct Row {
    std::array<BlockIndex, row_size> slots;
  };
  // Rows for a ring whose positions in use at one time are less than `limit` octets apart.
  static constexpr size_t rows_for(u32 limit) { return std::bit_ceil((limit / block_size + 2 + row_size - 1) / row_size); }
  // `rows`: as many as rows_for() says, the ring's alone as long as it lives.
  explicit BlockRing(std::span<Row> rows) : rows_(rows) {}

  // Copies `octets` to `position`. How many: fewer when the pool is empty.
  size_t write(BlockPool& pool, u64 position, Bytes octets);
  // Copies what was written at `position` before.
  void read(const BlockPool& pool, u64 position, MutableBytes into) const;
  // Gives back the blocks numbered [first, end); block_of() numbers them.
  void release(BlockPool& pool, u64 first, u64 end);
  u32 blocks() const { return blocks_; }

  static constexpr u64 block_of(u64 position) { return position / block_size; }
  // The first position of a block at or behind `position`: where an empty queue goes on, so that what comes next has all of it.
  static constexpr u64 block_start_from(u64 position) { return (position + block_size - 1) / block_size * block_size; }

 private:
  size_t size() const { return rows_.size() * row_size; }
  BlockIndex& slot(u64 block) { return rows_[block / row_size & (rows_.size() - 1)].slots[block % row_size]; }
  BlockIndex slot(u64 block) const { return rows_[block / row_size & (rows_.size() - 1)].slots[block % row_size]; }

  std::span<Row> rows_;  // a power of two of them
  bool set_ = false;     // all slots have a value
  u32 blocks_ = 0;
};

}  // namespace samara::net::tcp
