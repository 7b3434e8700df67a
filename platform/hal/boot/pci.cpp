#include "platform/hal/boot/pci.h"

#include <algorithm>

#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/page_tables.h"

namespace samara::hal::pci {
namespace {

constexpr u16 address_port = 0xcf8;
constexpr u16 data_port = 0xcfc;
constexpr u32 enable_bit = u32{1} << 31;

constexpr u16 command = 0x04;
constexpr u16 command_memory = 1 << 1;
constexpr u16 command_master = 1 << 2;
constexpr u16 status = 0x06;
constexpr u16 status_has_capabilities = 1 << 4;
constexpr u16 base_addresses = 0x10;
constexpr u8 base_address_count = 6;
constexpr u32 base_is_io = 1;
constexpr u32 base_type_mask = 6;
constexpr u32 base_type_64 = 4;
constexpr u16 capabilities = 0x34;
constexpr u32 max_capabilities = 48;  // what 192 octets can hold: a list that is longer goes in circles

u32 address_of_word(const Function& at, u16 offset) {
  return enable_bit | u32{at.bus} << 16 | u32{at.device} << 11 | u32{at.function} << 8 | (offset & 0xfcu);
}

u64 memory_base = 0;  // 0: by ports

u64 memory_address(const Function& at, u16 offset) {
  return memory_base + (u64{at.bus} << 20 | u64{at.device} << 15 | u64{at.function} << 12 | offset);
}

}  // namespace

void use_memory(u64 base) {
  memory_base = base;
}

void prepare_bus(u32 bus) {
  constexpr u64 size = 1 << 20;
  if (memory_base != 0) page_tables::map_device(memory_base + bus * size, size);
}

u32 Function::read32(u16 offset) const {
  if (memory_base != 0) return read_register<u32>(memory_address(*this, offset & 0xfffcu));
  out32(address_port, address_of_word(*this, offset));
  return in32(data_port);
}

void Function::write16(u16 offset, u16 value) const {
  if (memory_base != 0) return write_register<u16>(memory_address(*this, offset), value);
  out32(address_port, address_of_word(*this, offset));
  out16(static_cast<u16>(data_port + (offset & 2)), value);
}

void Function::write32(u16 offset, u32 value) const {
  if (memory_base != 0) return write_register<u32>(memory_address(*this, offset), value);
  out32(address_port, address_of_word(*this, offset));
  out32(data_port, value);
}

std::optional<u64> Function::base_address(u8 index) const {
  if (index >= base_address_count) return std::nullopt;
  const u16 offset = static_cast<u16>(base_addresses + 4 * index);
  const u32 low = read32(offset);
  if ((low & base_is_io) != 0) return std::nullopt;
  u64 address = low & ~u32{15};
  if ((low & base_type_mask) == base_type_64) {
    if (index + 1 >= base_address_count) return std::nullopt;
    address |= u64{read32(static_cast<u16>(offset + 4))} << 32;
  }
  if (address == 0) return std::nullopt;
  return address;
}

void Function::assign(PhysicalRange& window) const {
  for (u8 index = 0; index < base_address_count; ++index) {
    const u16 offset = static_cast<u16>(base_addresses + 4 * index);
    const u32 before = read32(offset);
    const bool wide = (before & base_is_io) == 0 && (before & base_type_mask) == base_type_64;
    if ((before & base_is_io) == 0 && !base_address(index).has_value()) {
      // PCI Local Bus 3.0 section 6.2.5.1: the bits that can be set tell the size.
      write32(offset, ~u32{0});
      const u32 settable = read32(offset) & ~u32{15};
      write32(offset, before);
      const u64 size = std::max<u64>(u64{~settable} + 1, page_size);
      const u64 place = (window.begin + size - 1) / size * size;
      if (settable != 0 && place + size <= window.end) {
        write32(offset, static_cast<u32>(place));
        if (wide) write32(static_cast<u16>(offset + 4), 0);
        window.begin = place + size;
      }
    }
    if (wide) ++index;
  }
}

u8 Function::next_capability(u8 id, u8 after) const {
  if ((read16(status) & status_has_capabilities) == 0) return 0;
  u8 at = after == 0 ? read8(capabilities) : read8(static_cast<u16>(after + 1));
  for (u32 left = max_capabilities; left > 0 && at >= 0x40; --left) {
    at &= 0xfc;
    if (read8(at) == id) return at;
    at = read8(static_cast<u16>(at + 1));
  }
  return 0;
}

void Function::enable() const {
  write16(command, static_cast<u16>(read16(command) | command_memory | command_master));
}

bool present() {
  out32(address_port, enable_bit);
  return in32(address_port) == enable_bit;
}

}  // namespace samara::hal::pci
