// ReceiveQueue: what has arrived, in order for the application to take, and beyond gaps for later (RFC 9293 SHLD-31).
//
// What lies beyond gaps is bounded by the window and by max_ranges. Every octet of the window has its block (BlockBudget), so
// what was reported to the peer is never thrown away (reneging, RFC 2018 section 8) as long as the connection lives.
#pragma once

#include <array>

#include "platform/net/tcp/block_ring.h"

namespace samara::net::tcp {

class ReceiveQueue {
 public:
  // Each range beyond a gap costs a comparison per segment. A window of 256 KiB with every second segment lost has 90.
  static constexpr size_t max_ranges = 96;

  explicit ReceiveQueue(std::span<BlockRing::Row> rows) : ring_(rows) {}

  // Octets the application can take.
  u32 readable() const { return static_cast<u32>(next_ - begin_); }
  bool has_gaps() const { return range_count_ != 0; }

  enum class Outcome : u8 {
    in_order,
    filled_gap,    // and what lay beyond it joined
    out_of_order,  // kept
    duplicate,     // all of it was there
    no_memory      // nothing of it was kept
  };
  struct Stored {
    Outcome outcome;
    u32 advanced;  // how far the next expected octet has moved
  };
  // `offset`: octets from the next expected one to the first of `octets`. What lies beyond `blocks` blocks is not taken.
  Stored insert(BlockPool& pool, u32 offset, Bytes octets, u32 blocks);
  // How many octets from the next expected one on have a place in `blocks` blocks.
  u64 room(u32 blocks) const { return (BlockRing::block_of(begin_) + blocks) * block_size - next_; }
  // How many blocks a window of so many octets needs, what is held included.
  u32 blocks_for(u32 window) const {
    const u64 end = next_ + window;
    return end == begin_ ? 0 : static_cast<u32>(BlockRing::block_of(end - 1) - BlockRing::block_of(begin_) + 1);
  }
  size_t read(BlockPool& pool, MutableBytes into);
  // Forgets what is readable.
  void discard_readable(BlockPool& pool);
  // Forgets what lies beyond gaps.
  void forget_ranges(BlockPool& pool);
  void clear(BlockPool& pool);

  // Octets beyond a gap, as offsets from the next expected one.
  struct Range {
    u32 begin;
    u32 end;
  };
  // RFC 2018 section 4: the range that the newest segment is in comes first, then those reported before, newest first.
  size_t newest_ranges(std::span<Range> into) const;

 private:
  struct Held {
    u64 begin;
    u64 end;
    u64 stamp;  // larger: touched later
  };
  void release_front(BlockPool& pool, u64 first_block);
  bool hold(u64 begin, u64 end);
  void erase(size_t first, size_t count);

  BlockRing ring_;
  u64 begin_ = 0;  // the next octet to give to the application
  u64 next_ = 0;   // the next octet expected
  // In order, disjoint, not touching, all beyond next_; not set from range_count_ on.
  std::array<Held, max_ranges> ranges_;
  size_t range_count_ = 0;
  u64 stamp_ = 0;
};

}  // namespace samara::net::tcp
