#include "platform/hal/boot/pci.h"

#include "platform/hal/boot/cpu.h"

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
constexpr u16 capabilities = 0x34;
constexpr u32 max_capabilities = 48;  // what 192 octets can hold: a list that is longer goes in circles

u32 address_of_word(const Function& at, u16 offset) {
  return enable_bit | u32{at.bus} << 16 | u32{at.device} << 11 | u32{at.function} << 8 | (offset & 0xfcu);
}

}  // namespace

u32 Function::read32(u16 offset) const {
  out32(address_port, address_of_word(*this, offset));
  return in32(data_port);
}

void Function::write16(u16 offset, u16 value) const {
  out32(address_port, address_of_word(*this, offset));
  out16(static_cast<u16>(data_port + (offset & 2)), value);
}

std::optional<u64> Function::base_address(u8 index) const {
  constexpr u8 count = 6;
  constexpr u32 is_io = 1;
  constexpr u32 type_mask = 6;
  constexpr u32 type_64 = 4;
  if (index >= count) return std::nullopt;
  const u16 offset = static_cast<u16>(base_addresses + 4 * index);
  const u32 low = read32(offset);
  if ((low & is_io) != 0) return std::nullopt;
  u64 address = low & ~u32{15};
  if ((low & type_mask) == type_64) {
    if (index + 1 >= count) return std::nullopt;
    address |= u64{read32(static_cast<u16>(offset + 4))} << 32;
  }
  if (address == 0) return std::nullopt;
  return address;
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
