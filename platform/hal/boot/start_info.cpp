#include "platform/hal/boot/start_info.h"

#include <algorithm>
#include <utility>

#include "platform/base/byte_order.h"

namespace samara::hal {
namespace {

constexpr u32 magic = 0x336ec578;
constexpr size_t size_of_info = 56;
constexpr size_t size_of_module = 32;
constexpr size_t size_of_memory_entry = 24;
// What entries of the memory map are (as BIOS function e820 numbers them): RAM, or RAM that firmware has taken for itself, its
// ACPI tables and what it keeps over a sleep.
constexpr u32 type_ram = 1;
constexpr u32 last_type_of_memory = 4;
constexpr size_t max_map_entries = 128;

// Where in hvm_start_info.
constexpr size_t at_version = 4;
constexpr size_t at_module_count = 12;
constexpr size_t at_modules = 16;
constexpr size_t at_command_line = 24;
constexpr size_t at_acpi_root = 32;
constexpr size_t at_memory_map = 40;
constexpr size_t at_memory_map_count = 48;

bool reachable(u64 address, u64 size) {
  return address != 0 && address < first_gigabyte && size <= first_gigabyte - address;
}

// A module, or an entry of the memory map: where it begins, and its size.
PhysicalRange range_at(Bytes entry) {
  const u64 begin = load_le64(entry, 0);
  const u64 size = load_le64(entry, 8);
  if (size == 0 || begin > end_of_addresses || size > end_of_addresses - begin) return {};
  return {begin, begin + size};
}

// Whether ranges of the map, which may touch each other in any order, have all of `range`.
bool covered(const PhysicalRange& range, std::span<const PhysicalRange> map) {
  u64 at = range.begin;
  const auto holds = [&](const PhysicalRange& entry) { return entry.begin <= at && at < entry.end; };
  while (at < range.end) {
    const auto found = std::ranges::find_if(map, holds);
    if (found == map.end()) return false;
    at = found->end;
  }
  return true;
}

}  // namespace

bool StartInfo::read(u64 address, Memory memory) {
  if (!reachable(address, size_of_info)) return false;
  const Bytes info = memory(address, size_of_info);
  if (load_le32(info, 0) != magic) return false;
  acpi_root_ = load_le64(info, at_acpi_root);

  if (const u64 modules = load_le64(info, at_modules);
      load_le32(info, at_module_count) > 0 && reachable(modules, size_of_module)) {
    module_ = range_at(memory(modules, size_of_module));
  }

  if (const u64 text = load_le64(info, at_command_line); reachable(text, max_command_line)) {
    const Bytes characters = memory(text, max_command_line);
    while (command_line_size_ < characters.size() && characters[command_line_size_] != 0) {
      command_line_[command_line_size_] = static_cast<char>(characters[command_line_size_]);
      ++command_line_size_;
    }
  }

  const u64 map = load_le64(info, at_memory_map);
  const u64 count = std::min<u64>(load_le32(info, at_memory_map_count), max_map_entries);
  std::array<PhysicalRange, max_map_entries> memory_ranges{};
  size_t ranges = 0;
  if (load_le32(info, at_version) >= 1 && reachable(map, count * size_of_memory_entry)) {
    for (u64 i = 0; i < count; ++i) {
      const Bytes entry = memory(map + i * size_of_memory_entry, size_of_memory_entry);
      const PhysicalRange range = range_at(entry);
      const u32 type = load_le32(entry, 16);
      if (range.size() == 0 || type < type_ram || type > last_type_of_memory) continue;
      memory_ranges[ranges++] = range;
      if (type == type_ram && ram_count_ < max_ram_ranges) ram_[ram_count_++] = range;
    }
  }
  if (!covered(module_, std::span(memory_ranges).first(ranges))) impossible_module_ = std::exchange(module_, {});
  return true;
}

FreeMemory::FreeMemory(const StartInfo& start, const PhysicalRange& image) {
  for (const PhysicalRange& ram : start.ram()) add({page_up(std::max(ram.begin, megabyte)), page_down(ram.end)});
  cut({page_down(image.begin), page_up(image.end)});
  const PhysicalRange module = start.module();
  if (module.size() != 0) cut({page_down(module.begin), page_up(module.end)});
}

PhysicalRange* FreeMemory::largest() {
  const auto found = std::ranges::max_element(pieces(), {}, &PhysicalRange::size);
  return found == pieces().end() ? nullptr : &*found;
}

PhysicalRange* FreeMemory::reachable(u64 size) {
  const auto found = std::ranges::find_if(pieces(), [&](const PhysicalRange& piece) {
    return piece.size() >= size && piece.begin < first_gigabyte && size <= first_gigabyte - piece.begin;
  });
  return found == pieces().end() ? nullptr : &*found;
}

void FreeMemory::add(PhysicalRange piece) {
  if (piece.begin < piece.end && count_ < pieces_.size()) pieces_[count_++] = piece;
}

void FreeMemory::cut(PhysicalRange out) {
  const size_t before = count_;
  for (size_t i = 0; i < before; ++i) {
    const PhysicalRange piece = pieces_[i];
    if (out.end <= piece.begin || out.begin >= piece.end) continue;
    pieces_[i] = {piece.begin, std::max(piece.begin, std::min(out.begin, piece.end))};
    add({out.end, piece.end});
  }
}

}  // namespace samara::hal
