// The machine's memory beside the image: one arena. The zone region grows up from its beginning, page by page as it is written
// to, each page zeroed at its first touch (so that a large machine boots as fast as a small one); the heap grows down from
// its end. Where they meet, memory is used up, and a line says by what. The region has addresses of its own (a window), because
// it is as large as the arena: at the arena's own addresses a write beyond what is left would not fault but hit the heap.
#pragma once

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal::memory {

struct Gauges {
  u64 arena = 0;           // octets the machine has for region and heap
  u64 region_touched = 0;  // octets of the region that have memory
  u64 heap_given = 0;      // octets the heap has taken, tables of the region's pages included
  u64 left_out = 0;        // octets of other pieces of memory, which nobody uses
};

// [begin, end) is RAM nobody uses; its page directories are prepared, and those of a window of its size. `left_out` octets are
// elsewhere.
void start(u64 begin, u64 end, u64 left_out);
// The zone region: at most `wanted` octets, and no more than is there. Once.
MutableBytes take_region(u64 wanted);
// The pages inside [offset, offset + length) of the region read as zeros from now on. Their memory stays the region's.
void release(size_t offset, size_t length);
// At least `size` octets in front of what the heap was given last; nothing when the arena is used up.
MutableBytes grow_heap(size_t size);
// A page fault. True: it was the first touch of a page of the region, which is there now.
bool on_fault(u64 address);
Gauges gauges();
// The heap takes nothing of the region's first `size` octets from now on, nor of what the tables for their pages need.
void keep_for_region(u64 size);
// Octets that the heap may still take.
u64 left();
// Where the region ends when `more` octets of what is left are its own: octets from its beginning.
size_t region_end(u64 more);
// Says what the memory is used for, and ends: `wanted` more octets are not there.
[[noreturn]] void end_without(size_t wanted);

}  // namespace samara::hal::memory
