// What the boot loader tells: hvm_start_info of the PVH boot protocol (Xen's public/arch-x86/hvm/start_info.h, version 1),
// copied to where it is safe.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "platform/base/types.h"

namespace samara::hal {

struct PhysicalRange {
  u64 begin = 0;
  u64 end = 0;
  u64 size() const { return end - begin; }
};

class StartInfo {
 public:
  static constexpr size_t max_ram_ranges = 32;
  static constexpr size_t max_command_line = 2048;

  // `address` is what the loader left in ebx, inside the first gigabyte. False: no PVH loader was here.
  bool read(u64 address);

  std::span<const PhysicalRange> ram() const { return std::span(ram_).first(ram_count_); }
  std::string_view command_line() const { return {command_line_.data(), command_line_size_}; }
  // The first module: the boot configuration. Empty: there is none.
  PhysicalRange module() const { return module_; }
  // Where ACPI's root pointer is; 0: the loader knows of none.
  u64 acpi_root() const { return acpi_root_; }

 private:
  std::array<PhysicalRange, max_ram_ranges> ram_{};
  size_t ram_count_ = 0;
  std::array<char, max_command_line> command_line_{};
  size_t command_line_size_ = 0;
  PhysicalRange module_;
  u64 acpi_root_ = 0;
};

}  // namespace samara::hal
