#include "platform/hal/boot/start_info.h"

#include <algorithm>

#include "platform/base/byte_order.h"
#include "platform/hal/boot/cpu.h"

namespace samara::hal {
namespace {

constexpr u32 magic = 0x336ec578;
constexpr size_t size_of_info = 56;
constexpr size_t size_of_module = 32;
constexpr size_t size_of_memory_entry = 24;
constexpr u32 type_ram = 1;
constexpr u64 first_gigabyte = u64{1} << 30;

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

}  // namespace

bool StartInfo::read(u64 address) {
  if (!reachable(address, size_of_info)) return false;
  const Bytes info = memory_at(address, size_of_info);
  if (load_le32(info, 0) != magic) return false;
  acpi_root_ = load_le64(info, at_acpi_root);

  if (const u64 modules = load_le64(info, at_modules);
      load_le32(info, at_module_count) > 0 && reachable(modules, size_of_module)) {
    const Bytes first = memory_at(modules, size_of_module);
    const u64 begin = load_le64(first, 0);
    const u64 size = load_le64(first, 8);
    if (size <= UINT64_MAX - begin) module_ = {begin, begin + size};
  }

  if (const u64 text = load_le64(info, at_command_line); reachable(text, max_command_line)) {
    const Bytes characters = memory_at(text, max_command_line);
    while (command_line_size_ < characters.size() && characters[command_line_size_] != 0) {
      command_line_[command_line_size_] = static_cast<char>(characters[command_line_size_]);
      ++command_line_size_;
    }
  }

  const u64 map = load_le64(info, at_memory_map);
  const u64 count = std::min<u64>(load_le32(info, at_memory_map_count), 128);
  if (load_le32(info, at_version) < 1 || !reachable(map, count * size_of_memory_entry)) return true;
  for (u64 i = 0; i < count && ram_count_ < max_ram_ranges; ++i) {
    const Bytes entry = memory_at(map + i * size_of_memory_entry, size_of_memory_entry);
    const u64 begin = load_le64(entry, 0);
    const u64 size = load_le64(entry, 8);
    if (load_le32(entry, 16) == type_ram && size <= UINT64_MAX - begin) ram_[ram_count_++] = {begin, begin + size};
  }
  return true;
}

}  // namespace samara::hal
