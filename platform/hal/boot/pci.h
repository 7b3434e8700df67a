// PCI configuration space by the old mechanism of ports 0xcf8 and 0xcfc (PCI Local Bus 3.0 section 3.2.2.3.2), which every PC
// has, or in memory (PCI Express 3.0 section 7.2.2). Base addresses are as the firmware set them; where there is none that
// does, as on machines that have the space in memory alone, assign() sets them.
#pragma once

#include <optional>

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal::pci {

struct Function {
  u8 bus = 0;
  u8 device = 0;
  u8 function = 0;

  u32 read32(u16 offset) const;
  u16 read16(u16 offset) const { return static_cast<u16>(read32(offset) >> (offset & 2) * 8); }
  u8 read8(u16 offset) const { return static_cast<u8>(read32(offset) >> (offset & 3) * 8); }
  void write16(u16 offset, u16 value) const;
  void write32(u16 offset, u32 value) const;
  // Where memory base address `index` points, or nothing where it is none, or one for ports.
  std::optional<u64> base_address(u8 index) const;
  // Gives memory base addresses that point nowhere a place at the beginning of `window`, which is shortened.
  void assign(PhysicalRange& window) const;
  // The next capability of kind `id` behind the one at `after` (0: from the start); 0: none.
  u8 next_capability(u8 id, u8 after) const;
  // Lets the device answer at its memory addresses and write to memory of its own accord.
  void enable() const;
};

// By ports.
bool present();
// From now on configuration space is in memory at `base`.
void use_memory(u64 base);
// Before the first look at one of its functions.
void prepare_bus(u32 bus);
constexpr u32 last_possible_bus = 255;

// Calls f(function, vendor, device) for every function of the buses `bus` to `last_bus` and of those that the firmware numbered
// behind their bridges. Returns the first bus that was not looked at. Other roots of buses (pxb) have numbers that no bridge
// tells.
template <class F>
u32 each(u32 bus, u32 last_bus, F&& f) {
  constexpr u8 header_type = 0x0e;
  constexpr u8 many_functions = 0x80;
  constexpr u8 bridge = 1;
  constexpr u8 secondary_bus = 0x19;
  for (; bus <= last_bus; ++bus) {
    prepare_bus(bus);
    for (u8 device = 0; device < 32; ++device) {
      for (u8 number = 0; number < 8; ++number) {
        const Function at{static_cast<u8>(bus), device, number};
        const u32 ids = at.read32(0);
        if ((ids & 0xffff) == 0xffff) {
          if (number == 0) break;
          continue;
        }
        const u8 kind = at.read8(header_type);
        if ((kind & ~many_functions) == bridge && at.read8(secondary_bus) > last_bus) last_bus = at.read8(secondary_bus);
        f(at, static_cast<u16>(ids), static_cast<u16>(ids >> 16));
        if (number == 0 && (kind & many_functions) == 0) break;
      }
    }
  }
  return bus;
}

}  // namespace samara::hal::pci
