#include "platform/hal/boot/page_tables.h"

#include <algorithm>

#include "platform/base/panic.h"
#include "platform/hal/boot/cpu.h"

namespace samara::hal::page_tables {
namespace {

constexpr u32 entries = 512;
constexpr u32 level_root = 3;
constexpr u32 level_area = 1;
constexpr u32 level_page = 0;

u64 next_table = 0;
u64 tables_end = 0;
u64 root = 0;

u64* table_at(u64 address) {
  return reinterpret_cast<u64*>(address & address_bits);
}

u64 take_table() {
  if (next_table >= tables_end) panic("no memory is left for page tables");
  const u64 table = next_table;
  next_table += page_size;
  zero_page(table);
  return table;
}

u64& entry_of(u64* table, u64 address, u32 level) {
  return table[(address >> (12 + 9 * level)) % entries];
}

// The entry for `address` at `level`; tables on the way are made.
u64& walk(u64 address, u32 level) {
  u64* table = table_at(root);
  for (u32 at = level_root; at > level; --at) {
    u64& entry = entry_of(table, address, at);
    if ((entry & present) == 0) entry = take_table() | present | writable;
    if ((entry & large) != 0) panic("a mapping crosses a larger one");
    table = table_at(entry);
  }
  return entry_of(table, address, level);
}

u64 bits_of(Access access) {
  switch (access) {
    case Access::read: return present | no_execute;
    case Access::write: return data_page;
    case Access::execute: return present;
  }
  return 0;
}

}  // namespace

void start(u64 begin, u64 end) {
  next_table = page_up(begin);
  tables_end = page_down(end);
  root = take_table();
}

u64 pages_left() {
  return (tables_end - next_table) / page_size;
}

void map(u64 begin, u64 end, Access access) {
  const u64 bits = bits_of(access);
  end = page_up(end);
  for (u64 at = page_down(begin); at < end;) {
    if (at % area_size == 0 && end - at >= area_size) {
      walk(at, level_area) = at | bits | large;
      at += area_size;
    } else {
      const u64 area_end = std::min(end, (at | (area_size - 1)) + 1);
      for (u64* entry = &walk(at, level_page); at < area_end; at += page_size) *entry++ = at | bits;
    }
  }
}

void map_device(u64 begin, u64 size) {
  if (root == 0) return;
  for (u64 at = begin & ~(area_size - 1); at < begin + size; at += area_size) {
    u64& entry = walk(at, level_area);
    if (entry == 0) entry = at | data_page | large | uncached;
    forget_page(at);
  }
}

void map_firmware(u64 begin, u64 size) {
  if (root == 0) return;  // entry.S has mapped the first gigabyte
  for (u64 at = page_down(begin); at < begin + size; at += page_size) {
    u64& area = walk(at, level_area);
    if (area == 0) area = (at & ~(area_size - 1)) | bits_of(Access::read) | large;
    if ((area & large) != 0) continue;
    u64& page = walk(at, level_page);
    if (page == 0) page = at | bits_of(Access::read);
  }
}

void use() {
  load_page_tables(root);
}

u64& area_entry(u64 address) {
  u64* table = table_at(root);
  for (u32 level = level_root; level > level_area; --level) table = table_at(entry_of(table, address, level));
  return entry_of(table, address, level_area);
}

void prepare_areas(u64 begin, u64 end) {
  constexpr u64 directory_size = area_size * entries;
  for (u64 at = begin & ~(directory_size - 1); at < end; at += directory_size) walk(at, level_area);
}

}  // namespace samara::hal::page_tables
