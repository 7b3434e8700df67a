// What an image wants to know of ACPI's definition block (ACPI specification 6.4, chapter 20): the block is searched for the
// few byte sequences that matter, not interpreted. Whatever is in it, nothing outside it is read.
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal::acpi {

struct Register {
  enum class Space : u8 { memory = 0, io = 1 };
  Space space = Space::io;
  u64 address = 0;  // 0: there is none
  bool present() const { return address != 0; }
};

struct MmioDevice {
  u64 address = 0;
  u32 interrupt = 0;
};
// The next virtio-mmio device ("LNRO0005") in a definition block at or after `position`, which moves behind it.
std::optional<MmioDevice> next_virtio_device(Bytes definitions, size_t& position);
// The event register of a generic event device in a definition block.
Register find_generic_events(Bytes definitions);
// Where the hypervisor keeps the generation of the machine ("VM_Gen_Counter", Microsoft's Virtual Machine Generation ID), in a
// definition block: the address of 16 octets, a multiple of 8.
std::optional<u64> find_generation(Bytes definitions);
// Where a host bridge says that PCI's configuration space is in memory (_CBA); 0: nowhere.
u64 find_configuration_base(Bytes definitions);
// The first window below 4 GiB that a host bridge of PCI passes on; empty when there is none.
PhysicalRange find_memory_window(Bytes definitions);
// The S5 sleep type in a definition block.
std::optional<u8> find_sleep_type(Bytes definitions);

}  // namespace samara::hal::acpi
