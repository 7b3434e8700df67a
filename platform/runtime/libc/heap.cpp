#include "platform/runtime/libc/heap.h"

#include <algorithm>
#include <bit>

#include "platform/base/panic.h"

namespace samara::runtime {

// A chunk is blocks without gaps and, at its end, a header of a used block without content. Sizes include the header and are
// multiples of 16; bit 0 of `tag` says that the block is in use.
struct Heap::Block {
  size_t tag;
  size_t previous_size;  // 0: the first of its chunk
  // Only while free:
  Block* next;
  Block* before;

  static constexpr size_t used_bit = 1;
  size_t size() const { return tag & ~size_t{15}; }
  bool used() const { return (tag & used_bit) != 0; }
  void set(size_t size, bool used) { tag = size | (used ? used_bit : 0); }
  u8* octets() { return reinterpret_cast<u8*>(this); }
  Block* following() { return reinterpret_cast<Block*>(octets() + size()); }
  Block* preceding() { return reinterpret_cast<Block*>(octets() - previous_size); }
  void* content() { return octets() + header_size; }
  static Block* of(void* content) { return reinterpret_cast<Block*>(static_cast<u8*>(content) - header_size); }
};

namespace {

constexpr size_t smallest_block = 32;
constexpr size_t largest_block = size_t{1} << 40;
// Blocks of one list that are looked at before one of the next, where each is large enough, is taken.
constexpr u32 patience = 16;

constexpr size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) & ~(unit - 1);
}
size_t bin_of(size_t size) {
  return static_cast<size_t>(std::bit_width(size) - 1);
}

}  // namespace

void Heap::list(Block* block) {
  Block*& head = free_[bin_of(block->size())];
  block->next = head;
  block->before = nullptr;
  if (head != nullptr) head->before = block;
  head = block;
}

void Heap::unlist(Block* block) {
  if (block->next != nullptr) block->next->before = block->before;
  if (block->before != nullptr) {
    block->before->next = block->next;
  } else {
    free_[bin_of(block->size())] = block->next;
  }
}

Heap::Block* Heap::find(size_t size) {
  const size_t own = bin_of(size);
  u32 left = patience;
  for (Block* block = free_[own]; block != nullptr && left > 0; block = block->next, --left) {
    if (block->size() >= size) return block;
  }
  for (size_t bin = own + 1; bin < bins; ++bin) {
    if (free_[bin] != nullptr) return free_[bin];
  }
  return nullptr;
}

// `block` is in no list; its end is cut off as a free block when that is worth one.
Heap::Block* Heap::split(Block* block, size_t size) {
  const size_t rest = block->size() - size;
  if (rest < smallest_block) return block;
  Block* const after = block->following();
  block->set(size, block->used());
  Block* const cut = block->following();
  cut->set(rest, false);
  cut->previous_size = size;
  after->previous_size = rest;
  list(merge(cut));
  return block;
}

// With its free neighbours; the result is in no list.
Heap::Block* Heap::merge(Block* block) {
  if (Block* const after = block->following(); !after->used()) {
    unlist(after);
    block->set(block->size() + after->size(), false);
  }
  if (block->previous_size != 0) {
    if (Block* const before = block->preceding(); !before->used()) {
      unlist(before);
      before->set(before->size() + block->size(), false);
      block = before;
    }
  }
  block->following()->previous_size = block->size();
  return block;
}

void Heap::add_chunk(MutableBytes memory) {
  const size_t size = memory.size() & ~size_t{15};
  auto* const first = reinterpret_cast<Block*>(memory.data());
  gauges_.given += size;
  const bool extends = memory.data() + size == reinterpret_cast<u8*>(lowest_);
  first->previous_size = 0;
  first->set(extends ? size : size - header_size, false);
  if (!extends) first->following()->set(0, true);
  first->following()->previous_size = first->size();
  lowest_ = first;
  list(merge(first));
}

void Heap::donate(MutableBytes memory) {
  const size_t skip = std::min(
      memory.size(), round_up(reinterpret_cast<size_t>(memory.data()), header_size) - reinterpret_cast<size_t>(memory.data()));
  memory = memory.subspan(skip);
  if (memory.size() < smallest_block + header_size) return;
  Block* const last_grown = lowest_;
  add_chunk(memory);
  lowest_ = last_grown;
}

void* Heap::allocate(size_t size, size_t alignment) {
  if (size > largest_block || alignment > largest_block) return nullptr;
  const size_t needed = std::max(smallest_block, round_up(size, header_size) + header_size);
  const size_t slack = alignment > header_size ? alignment + smallest_block : 0;
  Block* block = find(needed + slack);
  if (block == nullptr) {
    const MutableBytes chunk = source_(needed + slack + header_size);
    if (chunk.empty()) return nullptr;
    add_chunk(chunk);
    block = find(needed + slack);
    if (block == nullptr) return nullptr;
  }
  unlist(block);
  block->set(block->size(), true);
  if (slack != 0) {
    const size_t at = reinterpret_cast<size_t>(block->content());
    // What is skipped must be a block itself, or nothing.
    size_t wanted = round_up(at, alignment);
    if (wanted != at && wanted - at < smallest_block) wanted = round_up(at + smallest_block, alignment);
    if (const size_t skip = wanted - at; skip != 0) {
      const size_t rest = block->size() - skip;
      Block* const after = block->following();
      block->set(skip, false);
      Block* const aligned = block->following();
      aligned->set(rest, true);
      aligned->previous_size = skip;
      after->previous_size = rest;
      list(merge(block));
      block = aligned;
    }
  }
  split(block, needed);
  gauges_.in_use += block->size();
  gauges_.peak = std::max(gauges_.peak, gauges_.in_use);
  return block->content();
}

void Heap::release(void* content) {
  if (content == nullptr) return;
  Block* const block = Block::of(content);
  if (!block->used() || block->size() < smallest_block || block->following()->previous_size != block->size() ||
      (block->previous_size != 0 && block->preceding()->size() != block->previous_size)) {
    panic("the heap is damaged: a block was freed twice, or something wrote behind its end");
  }
  gauges_.in_use -= block->size();
  block->set(block->size(), false);
  list(merge(block));
}

size_t Heap::usable_size(const void* content) {
  return Block::of(const_cast<void*>(content))->size() - header_size;
}

}  // namespace samara::runtime
