// PageTables: what of the machine's memory the image may touch, and how. Addresses are mapped one to one, but for the zone
// region's (memory.h); what was not asked for is not mapped, nothing is writable and executable, page 0 and the pages under the
// stacks are never mapped. Levels and bits: Intel's Software Developer's Manual, volume 3, section 4.5.
#pragma once

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal {

constexpr u64 area_size = u64{2} << 20;  // what one entry of a page directory covers

enum class Access : u8 { read, write, execute };

namespace page_tables {

// Tables are made of the pages of [begin, end), which the loader's or our own tables map already. Panics when they are used up.
void start(u64 begin, u64 end);
// Pages that map() takes at most for `size` octets anywhere.
constexpr u64 pages_for(u64 size) {
  return size / (u64{1} << 30) + 6;
}
// The rest of the memory start() was given; nothing is mapped by more tables than that.
u64 pages_left();

// [begin, end) rounded to pages.
void map(u64 begin, u64 end, Access access);
// A device's registers: whole areas of 2 MiB, not cached.
void map_device(u64 begin, u64 size);
// Tables of the firmware, read-only unless they are mapped already; whole areas of 2 MiB where nothing is.
void map_firmware(u64 begin, u64 size);
// From now on these tables are the processor's.
void use();

// The entry for the area around `address`, which is inside something that prepare_areas() was called for.
u64& area_entry(u64 address);
// Makes the directories for [begin, end), so that area entries can be changed without taking memory.
void prepare_areas(u64 begin, u64 end);

// Bits of entries, for whoever changes areas.
constexpr u64 present = 1;
constexpr u64 writable = 2;
constexpr u64 uncached = 0x18;
constexpr u64 large = 0x80;
constexpr u64 no_execute = u64{1} << 63;
constexpr u64 address_bits = 0x000f'ffff'ffff'f000;
constexpr u64 data_page = present | writable | no_execute;

}  // namespace page_tables
}  // namespace samara::hal
