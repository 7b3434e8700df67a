#include "platform/hal/boot/acpi.h"

#include <algorithm>
#include <string_view>

#include "platform/base/byte_order.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/page_tables.h"

namespace samara::hal::acpi {
namespace {

constexpr size_t header_size = 36;
constexpr u32 max_table = 1 << 20;

bool has_signature(Bytes table, std::string_view signature) {
  return table.size() >= signature.size() &&
         std::ranges::equal(table.first(signature.size()), signature, {}, {}, [](char c) { return static_cast<u8>(c); });
}

// A table with its header; empty when there is none.
Bytes table_at(u64 address) {
  if (address < page_size) return {};
  page_tables::map_firmware(address, header_size);
  const u32 size = load_le32(memory_at(address, header_size), 4);
  if (size < header_size || size > max_table) return {};
  page_tables::map_firmware(address, size);
  return memory_at(address, size);
}

Register io_register(Bytes table, size_t offset) {
  if (table.size() < offset + 4) return {};
  return {Register::Space::io, load_le32(table, offset)};
}

// ACPI 6.4 section 5.2.3.2: generic address structure.
Register generic_register(Bytes table, size_t offset) {
  if (table.size() < offset + 12 || table[offset] > 1) return {};
  return {static_cast<Register::Space>(table[offset]), load_le64(table, offset + 4)};
}

}  // namespace

Tables::Tables(u64 root) {
  constexpr size_t root_size = 36;
  if (root < page_size) return;
  page_tables::map_firmware(root, root_size);
  const Bytes pointer = memory_at(root, root_size);
  if (!has_signature(pointer, "RSD PTR ")) return;
  const bool extended = pointer[15] >= 2 && load_le64(pointer, 24) != 0;
  wide_ = extended;
  list_ = table_at(extended ? load_le64(pointer, 24) : load_le32(pointer, 16));
  each([&](Bytes table) {
    if (has_signature(table, "FACP")) fixed_ = table;
  });
  // ACPI 6.4 section 5.2.9: DSDT at 40, X_DSDT at 140.
  if (fixed_.size() < 44) return;
  const u64 wide = fixed_.size() >= 148 ? load_le64(fixed_, 140) : 0;
  definitions_ = table_at(wide != 0 ? wide : load_le32(fixed_, 40));
}

template <class Call>
void Tables::each(Call call) const {
  const size_t step = wide_ ? 8 : 4;
  for (size_t at = header_size; at + step <= list_.size(); at += step) {
    call(table_at(wide_ ? load_le64(list_, at) : load_le32(list_, at)));
  }
}

Bytes Tables::generation() const {
  std::optional<u64> address = find_generation(definitions_);
  each([&](Bytes table) {
    if (!address.has_value() && has_signature(table, "SSDT")) address = find_generation(table);
  });
  if (!address.has_value()) return {};
  page_tables::map_firmware(*address, 16);
  return memory_at(*address, 16);
}

u64 Tables::pci_configuration() const {
  constexpr size_t first = 44;  // eight octets are reserved; base, segment, first and last bus
  Bytes found;
  each([&](Bytes table) {
    if (has_signature(table, "MCFG")) found = table;
  });
  if (found.size() < first + 16) return find_configuration_base(definitions_);
  const bool from_first_bus = (load_le32(found, first + 8) & 0xffffff) == 0;
  return from_first_bus ? load_le64(found, first) : 0;
}

PowerRegisters Tables::power() const {
  PowerRegisters registers;
  // ACPI 6.4 section 5.2.9, table 5.9: where these are in the FADT.
  registers.events = io_register(fixed_, 56);
  registers.control = io_register(fixed_, 64);
  registers.timer = io_register(fixed_, 76);
  if (fixed_.size() > 128 && (load_le32(fixed_, 112) & (u32{1} << 10)) != 0) {  // RESET_REG_SUP
    registers.reset = generic_register(fixed_, 116);
    registers.reset_value = fixed_[128];
  }
  registers.sleep = generic_register(fixed_, 244);
  registers.generic_events = find_generic_events(definitions_);
  registers.sleep_type = find_sleep_type(definitions_);
  return registers;
}

}  // namespace samara::hal::acpi
