// SendQueue: what was given to send and is not acknowledged yet, from SND.UNA on.
#pragma once

#include <algorithm>

#include "platform/net/tcp/block_ring.h"

namespace samara::net::tcp {

class SendQueue {
 public:
  explicit SendQueue(std::span<BlockRing::Row> rows) : ring_(rows) {}

  u32 size() const { return static_cast<u32>(end_ - begin_); }
  // Appends a copy of as much of `octets` as there are blocks for; how much.
  size_t append(BlockPool& pool, Bytes octets) {
    const size_t count = ring_.write(pool, end_, octets, 0);
    end_ += count;
    return count;
  }
  // Copies from `offset` octets behind the front.
  void read(const BlockPool& pool, u32 offset, MutableBytes into) const { ring_.read(pool, begin_ + offset, into); }
  void drop_front(BlockPool& pool, u32 count) {
    const u64 first = BlockRing::block_of(begin_);
    begin_ += std::min(count, size());
    // The last block goes with its last octet, also when it is not full.
    ring_.release(pool, first, BlockRing::block_of(begin_) + (begin_ == end_ ? 1 : 0));
  }
  void clear(BlockPool& pool) { drop_front(pool, size()); }

 private:
  BlockRing ring_;
  u64 begin_ = 0;
  u64 end_ = 0;
};

}  // namespace samara::net::tcp
