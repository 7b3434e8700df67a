#include "platform/hal/boot/memory.h"

#include <algorithm>

#include "platform/base/log.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/page_tables.h"
#include "platform/hal/boot/power.h"

namespace samara::hal::memory {
namespace {

using namespace page_tables;

constexpr u64 pages_of_area = area_size / page_size;
// What the heap takes at a time: fewer, larger steps make fewer chunks.
constexpr u64 heap_step = u64{64} << 10;

u64 arena_begin = 0;
u64 arena_end = 0;
u64 floor_of_heap = 0;
u64 region_size = 0;  // of the window that the role was given
u64 region_used = 0;  // end, in the arena, of the highest page that was touched
u64 region_kept = 0;  // end, in the arena, of what the heap leaves to the region and its tables
u64 pages_touched = 0;
u64 memory_left_out = 0;

u64* page_table(u64 area) {
  return reinterpret_cast<u64*>(area & address_bits);
}
bool is_table(u64 area) {
  return (area & present) != 0 && (area & large) == 0;
}
u64& page_entry(u64 area, u64 address) {
  return page_table(area)[(address / page_size) % pages_of_area];
}

void map_for_heap(u64 begin, u64 end) {
  for (u64 at = begin & ~(area_size - 1); at < end; at += area_size) {
    u64& area = area_entry(at);
    if (area == 0) {
      area = at | data_page | large;
    } else if (is_table(area)) {
      const u64 last = std::min(end, at + area_size);
      for (u64 page = std::max(begin, at); page < last; page += page_size) page_entry(area, page) = page | data_page;
    }
  }
}

// Pages in front of the heap, above `least`; 0: they are used up.
u64 lower_floor(u64 size, u64 least) {
  if (size > floor_of_heap - std::min(floor_of_heap, least)) return 0;
  floor_of_heap -= size;
  map_for_heap(floor_of_heap, floor_of_heap + size);
  return floor_of_heap;
}

// The entry of a page in the window, in a table that is made when there is none; null: no memory for it.
u64* region_entry(u64 address) {
  u64& area = area_entry(address);
  if (area == 0) {
    const u64 table = lower_floor(page_size, region_used);
    if (table == 0) return nullptr;
    zero_page(table);
    area = table | present | writable;
  }
  return &page_entry(area, address);
}

}  // namespace

void start(u64 begin, u64 end, u64 left_out) {
  memory_left_out = left_out;
  arena_begin = page_up(begin);
  arena_end = page_down(end);
  floor_of_heap = arena_end;
  region_used = arena_begin;
  region_kept = arena_begin;
  // Tables of the firmware may lie behind the arena's last page: its area is writable before they are mapped.
  map_for_heap(arena_end - page_size, arena_end);
}

MutableBytes take_region(u64 wanted) {
  region_size = std::min(page_up(wanted), floor_of_heap - arena_begin);
  return {reinterpret_cast<u8*>(region_window), region_size};
}

void release(size_t offset, size_t length) {
  const u64 begin = std::min<u64>(offset, region_size);
  const u64 end = begin + std::min<u64>(length, region_size - begin);
  for (u64 at = region_window + page_up(begin); at + page_size <= region_window + end; at += page_size) {
    const u64 area = area_entry(at);
    if (area == 0) continue;
    u64& entry = page_entry(area, at);
    if ((entry & present) == 0) continue;
    entry = 0;
    forget_page(at);
    --pages_touched;
  }
}

MutableBytes grow_heap(size_t size) {
  if (size > arena_end - arena_begin) return {};
  const u64 least = std::max(region_used, region_kept);
  u64 at = lower_floor((size + heap_step - 1) / heap_step * heap_step, least);
  if (at != 0) return {reinterpret_cast<u8*>(at), (size + heap_step - 1) / heap_step * heap_step};
  at = lower_floor(page_up(size), least);  // the last pages
  if (at == 0) return {};
  return {reinterpret_cast<u8*>(at), page_up(size)};
}

bool on_fault(u64 address) {
  if (address < region_window || address - region_window >= region_size) return false;
  const u64 page = page_down(address);
  const u64 memory = arena_begin + (page - region_window);
  u64* const entry = memory < floor_of_heap ? region_entry(page) : nullptr;  // which may take the page that was left
  if (entry == nullptr || memory >= floor_of_heap) end_without(page_size);
  if ((*entry & present) != 0) return false;
  *entry = memory | data_page;
  zero_page(page);
  region_used = std::max(region_used, memory + page_size);
  ++pages_touched;
  return true;
}

Gauges gauges() {
  return {.arena = arena_end - arena_begin,
          .region_touched = pages_touched * page_size,
          .heap_given = arena_end - floor_of_heap,
          .left_out = memory_left_out};
}

void keep_for_region(u64 size) {
  const u64 tables = size / area_size + 2;
  region_kept = std::min(floor_of_heap, arena_begin + page_up(size) + tables * page_size);
}

u64 left() {
  return floor_of_heap - std::max(region_used, region_kept);
}

size_t region_end(u64 more) {
  return std::min(region_size, region_used - arena_begin + more);
}

void end_without(size_t wanted) {
  const Gauges now = gauges();
  log(Level::error, "out of memory: of ", now.arena >> 10, " KiB zones use ", now.region_touched >> 10,
      " KiB, everything else ", now.heap_given >> 10, " KiB, and ", wanted,
      " octets more are asked for; give the machine more");
  power::end(ExitCode::unavailable);
}

}  // namespace samara::hal::memory
