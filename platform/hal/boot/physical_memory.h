// Pages and ranges of a machine's physical memory.
#pragma once

#include "platform/base/types.h"

namespace samara::hal {

constexpr u64 page_size = 4096;
constexpr u64 megabyte = u64{1} << 20;
constexpr u64 first_gigabyte = u64{1} << 30;    // mapped by entry.S
constexpr u64 end_of_addresses = u64{1} << 52;  // no processor has more

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
  friend bool operator==(const PhysicalRange&, const PhysicalRange&) = default;
};

}  // namespace samara::hal
