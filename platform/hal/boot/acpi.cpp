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

size_t find(Bytes in, size_t from, std::string_view what) {
  const auto found = std::search(in.begin() + static_cast<std::ptrdiff_t>(from), in.end(), what.begin(), what.end(),
                                 [](u8 a, char b) { return a == static_cast<u8>(b); });
  return static_cast<size_t>(found - in.begin());
}

}  // namespace

Tables::Tables(u64 root) {
  constexpr size_t root_size = 36;
  if (root < page_size) return;
  page_tables::map_firmware(root, root_size);
  const Bytes pointer = memory_at(root, root_size);
  if (!has_signature(pointer, "RSD PTR ")) return;
  const bool extended = pointer[15] >= 2 && load_le64(pointer, 24) != 0;
  const Bytes list = table_at(extended ? load_le64(pointer, 24) : load_le32(pointer, 16));
  if (list.empty()) return;
  const size_t step = extended ? 8 : 4;
  for (size_t at = header_size; at + step <= list.size(); at += step) {
    const Bytes table = table_at(extended ? load_le64(list, at) : load_le32(list, at));
    if (has_signature(table, "FACP")) fixed_ = table;
  }
  // ACPI 6.4 section 5.2.9: DSDT at 40, X_DSDT at 140.
  if (fixed_.size() < 44) return;
  const u64 wide = fixed_.size() >= 148 ? load_le64(fixed_, 140) : 0;
  definitions_ = table_at(wide != 0 ? wide : load_le32(fixed_, 40));
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
  registers.sleep_type = find_sleep_type(definitions_);
  return registers;
}

// NameOp "_S5_" PackageOp length count elements: the first element is the value for PM1a (sections 7.4.2 and 20.2.5).
std::optional<u8> find_sleep_type(Bytes definitions) {
  constexpr u8 package_op = 0x12;
  constexpr u8 byte_prefix = 0x0a;
  const size_t name = find(definitions, 0, "_S5_");
  if (definitions.size() - name < 12 || definitions[name + 4] != package_op) return std::nullopt;
  const size_t length_octets = 1 + (definitions[name + 5] >> 6);
  const size_t element = name + 5 + length_octets + 1;
  if (definitions.size() - element < 2) return std::nullopt;
  if (definitions[element] == byte_prefix) return definitions[element + 1];
  if (definitions[element] <= 1) return definitions[element];  // ZeroOp, OneOp
  return std::nullopt;
}

// Behind the name there is a _CRS with a 32-bit fixed memory descriptor and an extended interrupt (sections 6.4.3.4, 6.4.3.6).
std::optional<MmioDevice> next_virtio_device(Bytes definitions, size_t& position) {
  constexpr size_t reach = 160;
  constexpr std::string_view memory32{"\x86\x09\x00", 3};
  constexpr std::string_view interrupt{"\x89\x06\x00", 3};
  const size_t name = find(definitions, position, "LNRO0005");
  if (name >= definitions.size()) return std::nullopt;
  position = name + 8;
  const Bytes near = definitions.subspan(name, std::min(reach, definitions.size() - name));
  const size_t memory = find(near, 0, memory32);
  const size_t line = find(near, 0, interrupt);
  if (near.size() < memory + 12 || near.size() < line + 9) return MmioDevice{};
  return MmioDevice{load_le32(near, memory + 4), load_le32(near, line + 5)};
}

}  // namespace samara::hal::acpi
