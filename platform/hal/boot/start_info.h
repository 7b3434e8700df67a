// What the boot loader tells: hvm_start_info of the PVH boot protocol (Xen's public/arch-x86/hvm/start_info.h, version 1),
// copied to where it is safe; and what memory is free by it. Nothing of it is believed that could not be true of a machine.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal {

class StartInfo {
 public:
  static constexpr size_t max_ram_ranges = 32;
  static constexpr size_t max_command_line = 2048;

  // Memory of the first gigabyte; asked for nothing else.
  using Memory = Bytes (*)(u64 address, size_t size);
  // `address` is what the loader left in ebx. False: no PVH loader was here.
  bool read(u64 address, Memory memory);

  std::span<const PhysicalRange> ram() const { return std::span(ram_).first(ram_count_); }
  std::string_view command_line() const { return {command_line_.data(), command_line_size_}; }
  // The first module: the boot configuration. Empty: there is none, or it does not lie in memory. Firmware grows its own memory
  // before the loader puts the module where it thinks there is room, so some of it, or all, may lie in what firmware reserved:
  // it was written last, and is whole.
  PhysicalRange module() const { return module_; }
  // Where the loader says that a module is which does not lie in memory.
  PhysicalRange impossible_module() const { return impossible_module_; }
  // Where ACPI's root pointer is; 0: the loader knows of none.
  u64 acpi_root() const { return acpi_root_; }

 private:
  std::array<PhysicalRange, max_ram_ranges> ram_{};
  size_t ram_count_ = 0;
  std::array<char, max_command_line> command_line_{};
  size_t command_line_size_ = 0;
  PhysicalRange module_;
  PhysicalRange impossible_module_;
  u64 acpi_root_ = 0;
};

// Main memory above the first megabyte without the image and the module, in whole pages.
class FreeMemory {
 public:
  FreeMemory(const StartInfo& start, const PhysicalRange& image);

  std::span<PhysicalRange> pieces() { return std::span(pieces_).first(count_); }
  // The largest piece; nothing when there is none.
  PhysicalRange* largest();
  // The first piece that has `size` octets below the first gigabyte at its beginning.
  PhysicalRange* reachable(u64 size);

 private:
  void add(PhysicalRange piece);
  void cut(PhysicalRange out);

  // Each of the two that are cut out may halve each piece.
  std::array<PhysicalRange, 4 * StartInfo::max_ram_ranges> pieces_{};
  size_t count_ = 0;
};

}  // namespace samara::hal
