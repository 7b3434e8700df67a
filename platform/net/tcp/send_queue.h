// SendQueue: what was given to send and is not acknowledged yet, from SND.UNA on.
#pragma once

#include <algorithm>

#include "platform/net/tcp/block_budget.h"
#include "platform/net/tcp/block_ring.h"

namespace samara::net::tcp {

class SendQueue {
 public:
  explicit SendQueue(std::span<BlockRing::Row> rows) : ring_(rows) {}

  u32 size() const { return static_cast<u32>(end_ - begin_); }
  u32 lent() const { return lent_; }
  // How many octets more there are blocks for.
  u64 room(const BlockBudget& budget, u32 group) const {
    const u64 blocks = BlockBudget::own_blocks + budget.allowance(group, lent_);
    return (BlockRing::block_of(begin_) + blocks) * block_size - end_;
  }
  // Appends a copy of as much of `octets` as there are blocks for; how much.
  size_t append(const BlockSource& source, Bytes octets) {
    const u64 fits = room(source.budget, source.group);
    const size_t count = ring_.write(source.pool, end_, octets.first(std::min<u64>(octets.size(), fits)));
    end_ += count;
    settle(source);
    return count;
  }
  // Copies from `offset` octets behind the front.
  void read(const BlockPool& pool, u32 offset, MutableBytes into) const { ring_.read(pool, begin_ + offset, into); }
  void drop_front(const BlockSource& source, u32 count) {
    const u64 first = BlockRing::block_of(begin_);
    begin_ += std::min(count, size());
    // The last block goes with its last octet, also when it is not full.
    if (begin_ == end_) begin_ = end_ = BlockRing::block_start_from(end_);
    ring_.release(source.pool, first, BlockRing::block_of(begin_));
    settle(source);
  }
  void clear(const BlockSource& source) { drop_front(source, size()); }

 private:
  void settle(const BlockSource& source) {
    const u32 held = ring_.blocks();
    const u32 now = held - std::min(held, BlockBudget::own_blocks);
    if (now != lent_) source.budget.change(source.group, lent_, now);
  }

  BlockRing ring_;
  u32 lent_ = 0;  // of its blocks
  u64 begin_ = 0;
  u64 end_ = 0;
};

}  // namespace samara::net::tcp
