#include "platform/hal/boot/acpi_definitions.h"

#include <algorithm>
#include <array>

#include "platform/base/byte_order.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal::acpi {
namespace {

size_t find(Bytes in, size_t from, std::string_view what) {
  const auto found = std::search(in.begin() + static_cast<std::ptrdiff_t>(from), in.end(), what.begin(), what.end(),
                                 [](u8 a, char b) { return a == static_cast<u8>(b); });
  return static_cast<size_t>(found - in.begin());
}

// An integer of up to 32 bits (ACPI 6.4 section 20.2.3) at `position`, which moves behind it.
std::optional<u32> take_integer(Bytes from, size_t& position) {
  if (position >= from.size()) return std::nullopt;
  const u8 op = from[position++];
  if (op <= 1) return op;  // ZeroOp, OneOp
  constexpr std::array<size_t, 3> sizes{1, 2, 4};
  constexpr u8 byte_prefix = 0x0a;
  if (op < byte_prefix || op - byte_prefix >= int{sizes.size()}) return std::nullopt;
  const size_t size = sizes[op - byte_prefix];
  if (from.size() - position < size) return std::nullopt;
  u32 value = 0;
  for (size_t i = size; i > 0; --i) value = value << 8 | from[position + i - 1];
  position += size;
  return value;
}

// Name (ADDR, Package (2) { low half, high half }).
std::optional<u64> take_address(Bytes from, size_t position) {
  const auto low = take_integer(from, position);
  const auto high = take_integer(from, position);
  if (!low.has_value() || !high.has_value()) return std::nullopt;
  return u64{*high} << 32 | *low;
}

}  // namespace

// QEMU computes ADDR in a method, from a name that the firmware sets to a page; the number stands 40 octets into that
// (docs/specs/vmgenid of QEMU). Others give ADDR as it is.
std::optional<u64> find_generation(Bytes definitions) {
  constexpr size_t offset_in_page = 40;
  constexpr size_t octets = 16;
  constexpr std::string_view page{
      "\x08"
      "VGIA\x0c",
      6};
  constexpr std::string_view address{
      "\x08"
      "ADDR\x12",
      6};
  const size_t device = std::min(find(definitions, 0, "VM_Gen_Counter"), find(definitions, 0, "VM_GEN_COUNTER"));
  if (device == definitions.size()) return std::nullopt;
  std::optional<u64> found;
  if (const size_t name = find(definitions, 0, page); definitions.size() - name >= page.size() + 4) {
    found = load_le32(definitions, name + page.size());
    if (*found != 0) *found += offset_in_page;
  } else if (const size_t package = find(definitions, device, address) + address.size(); package + 2 < definitions.size()) {
    const size_t length_octets = 1 + (definitions[package] >> 6);
    found = take_address(definitions, package + length_octets + 1);
  }
  if (!found.has_value() || *found < page_size || *found % 8 != 0 || *found > region_window - octets) return std::nullopt;
  return found;
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

// OperationRegion "EREG" SystemMemory DWordConst (section 20.2.5.2); the name is what QEMU gives the register.
Register find_generic_events(Bytes definitions) {
  constexpr std::string_view region{
      "\x5b\x80"
      "EREG\x00\x0c",
      8};
  const size_t at = find(definitions, 0, region);
  if (definitions.size() < at + region.size() + 4) return {};
  return {Register::Space::memory, load_le32(definitions, at + region.size())};
}

// NameOp or MethodOp, length, "_CBA", flags, ReturnOp; then DWordConst or QWordConst (PCI Firmware Specification 3.3
// section 4.1.3; sections 20.2.3 and 20.2.5).
u64 find_configuration_base(Bytes definitions) {
  constexpr u8 return_op = 0xa4;
  constexpr u8 dword_prefix = 0x0c;
  constexpr u8 qword_prefix = 0x0e;
  const size_t name = find(definitions, 0, "_CBA");
  if (definitions.size() - name < 15) return 0;
  const size_t at = name + (definitions[name + 5] == return_op ? 6 : 4);
  if (definitions[at] == dword_prefix) return load_le32(definitions, at + 1);
  return definitions[at] == qword_prefix ? load_le64(definitions, at + 1) : 0;
}

// A 32-bit address space descriptor (section 6.4.3.5.2) for memory: granularity, first, last, translation, length behind three
// octets of kind and flags.
PhysicalRange find_memory_window(Bytes definitions) {
  constexpr std::string_view descriptor{"\x87\x17\x00\x00", 4};
  constexpr size_t size = 26;
  constexpr u64 megabytes_16 = u64{16} << 20;
  for (size_t at = find(definitions, 0, descriptor); at + size <= definitions.size();
       at = find(definitions, at + 1, descriptor)) {
    const u64 first = load_le32(definitions, at + 10);
    const u64 end = u64{load_le32(definitions, at + 14)} + 1;
    const u64 translation = load_le32(definitions, at + 18);
    const u64 length = load_le32(definitions, at + 22);
    if (translation == 0 && first >= megabytes_16 && first < end && end - first == length) return {first, end};
  }
  return {};
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
