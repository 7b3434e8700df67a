// Pages and ranges of a machine's physical memory.
#pragma once

#include "platform/base/text_writer.h"
#include "platform/base/types.h"

namespace samara::hal {

constexpr u64 page_size = 4096;
constexpr u64 megabyte = u64{1} << 20;
constexpr u64 first_gigabyte = u64{1} << 30;    // mapped by entry.S
constexpr u64 end_of_addresses = u64{1} << 52;  // no processor has more

constexpr u64 region_window = u64{1} << 46;  // where the zone region is seen (memory.h); devices lie below

constexpr u64 page_down(u64 address) {
  return address & ~(page_size - 1);
}
constexpr u64 page_up(u64 address) {
  return page_down(address + page_size - 1);
}

struct PhysicalRange {
  u64 begin = 0;
  u64 end = 0;
  u64 size() const { return end - begin; }
  void write_text(TextWriter& out) const {
    out.put("0x");
    out.hex(begin, 10);
    out.put(" to 0x");
    out.hex(end, 10);
  }
  friend bool operator==(const PhysicalRange&, const PhysicalRange&) = default;
};

}  // namespace samara::hal
