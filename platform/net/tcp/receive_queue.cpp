#include "platform/net/tcp/receive_queue.h"

#include <algorithm>

namespace samara::net::tcp {

ReceiveQueue::Stored ReceiveQueue::insert(BlockPool& pool, u32 offset, Bytes octets, u32 blocks) {
  const u64 begin = next_ + offset;
  const u64 space = room(blocks);
  if (offset >= space) return {Outcome::no_memory, 0};
  octets = octets.first(std::min<u64>(octets.size(), space - offset));
  if (offset == 0) {
    const size_t written = ring_.write(pool, next_, octets);
    if (written == 0) return {Outcome::no_memory, 0};
    const u64 before = next_;
    next_ += written;
    size_t joined = 0;
    while (joined < range_count_ && ranges_[joined].begin <= next_) next_ = std::max(next_, ranges_[joined++].end);
    erase(0, joined);
    return {joined > 0 ? Outcome::filled_gap : Outcome::in_order, static_cast<u32>(next_ - before)};
  }
  const u64 end = begin + octets.size();
  for (size_t i = 0; i < range_count_; ++i) {
    if (ranges_[i].begin <= begin && end <= ranges_[i].end) {
      ranges_[i].stamp = ++stamp_;
      return {Outcome::duplicate, 0};
    }
  }
  const size_t written = ring_.write(pool, begin, octets);
  if (written == 0) return {Outcome::no_memory, 0};
  if (hold(begin, begin + written)) return {Outcome::out_of_order, 0};
  // No range to remember it by: its blocks go back as far as nothing else is in them.
  const u64 last_end = range_count_ > 0 ? ranges_[range_count_ - 1].end : next_;
  if (begin > last_end) ring_.release(pool, BlockRing::block_of(last_end) + 1, BlockRing::block_of(begin + written) + 1);
  return {Outcome::no_memory, 0};
}

// Adds [begin, end) to the ranges, joining those it touches. False: there is no room for one more.
bool ReceiveQueue::hold(u64 begin, u64 end) {
  size_t first = 0;
  while (first < range_count_ && ranges_[first].end < begin) ++first;
  size_t last = first;
  while (last < range_count_ && ranges_[last].begin <= end) {
    begin = std::min(begin, ranges_[last].begin);
    end = std::max(end, ranges_[last].end);
    ++last;
  }
  if (last == first) {
    if (range_count_ == max_ranges) return false;
    for (size_t i = range_count_++; i > first; --i) ranges_[i] = ranges_[i - 1];
  } else {
    erase(first + 1, last - first - 1);
  }
  ranges_[first] = {begin, end, ++stamp_};
  return true;
}

void ReceiveQueue::erase(size_t first, size_t count) {
  if (count == 0) return;
  for (size_t i = first + count; i < range_count_; ++i) ranges_[i - count] = ranges_[i];
  range_count_ -= count;
}

void ReceiveQueue::forget_ranges(BlockPool& pool) {
  if (range_count_ == 0) return;
  const u64 end = BlockRing::block_of(ranges_[range_count_ - 1].end) + 1;
  // A block that also holds octets in order stays.
  const u64 first = next_ > begin_ ? BlockRing::block_of(next_ - 1) + 1 : BlockRing::block_of(next_);
  ring_.release(pool, first, end);
  range_count_ = 0;
  if (begin_ == next_) begin_ = next_ = BlockRing::block_start_from(next_);
}

void ReceiveQueue::release_front(BlockPool& pool, u64 first_block) {
  const bool empty = begin_ == next_ && range_count_ == 0;
  if (empty) begin_ = next_ = BlockRing::block_start_from(next_);
  ring_.release(pool, first_block, BlockRing::block_of(begin_));
}

size_t ReceiveQueue::read(BlockPool& pool, MutableBytes into) {
  const size_t count = std::min<size_t>(into.size(), readable());
  ring_.read(pool, begin_, into.first(count));
  const u64 first = BlockRing::block_of(begin_);
  begin_ += count;
  release_front(pool, first);
  return count;
}

void ReceiveQueue::discard_readable(BlockPool& pool) {
  const u64 first = BlockRing::block_of(begin_);
  begin_ = next_;
  release_front(pool, first);
}

void ReceiveQueue::clear(BlockPool& pool) {
  discard_readable(pool);
  forget_ranges(pool);
}

size_t ReceiveQueue::newest_ranges(std::span<Range> into) const {
  size_t found = 0;
  u64 below = stamp_ + 1;
  while (found < into.size() && found < range_count_) {
    const Held* newest = nullptr;
    for (const Held& held : std::span(ranges_).first(range_count_)) {
      if (held.stamp < below && (newest == nullptr || held.stamp > newest->stamp)) newest = &held;
    }
    if (newest == nullptr) break;
    below = newest->stamp;
    into[found++] = {static_cast<u32>(newest->begin - next_), static_cast<u32>(newest->end - next_)};
  }
  return found;
}

}  // namespace samara::net::tcp
