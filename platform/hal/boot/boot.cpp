// boot_main(): from the first 64-bit instruction to main(). Makes the page tables and the arena, installs the tables of traps,
// starts the interrupt controller, and calls the role's main() as the C library of a hosted image would.
#include <algorithm>
#include <array>

#include "platform/base/log.h"
#include "platform/hal/boot/apic.h"
#include "platform/hal/boot/clock.h"
#include "platform/hal/boot/console.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/crash_record.h"
#include "platform/hal/boot/descriptor_tables.h"
#include "platform/hal/boot/image_layout.h"
#include "platform/hal/boot/machine.h"
#include "platform/hal/boot/machine_log.h"
#include "platform/hal/boot/memory.h"
#include "platform/hal/boot/page_tables.h"
#include "platform/hal/boot/power.h"
#include "platform/runtime/libc/allocator.h"

extern "C" {
using Constructor = void (*)();
extern const Constructor init_array_start[];
extern const Constructor init_array_end[];
int main(int argc, char** argv);
[[noreturn]] void boot_main(samara::u64 start_info);
}

namespace samara::hal {
namespace {

// Page tables for the image, the first megabyte, the module's ends, devices and the firmware's tables, besides the arena's.
constexpr u64 other_tables = 28;
constexpr u64 smallest_arena = 2 * megabyte;

constinit Machine the_machine;

[[noreturn]] void too_little_memory() {
  log(Level::error, "the machine has too little memory; an image needs 4 MiB and what its zones take");
  power::end(ExitCode::unavailable);
}

// The largest piece becomes the arena; page tables are taken from the first one that is mapped now and has the room.
void lay_out_memory(const StartInfo& start) {
  FreeMemory unused(start, {address_of(image_start), address_of(reserved_end)});
  const PhysicalRange* const largest = unused.largest();
  if (largest == nullptr) too_little_memory();
  const u64 tables = (other_tables + 2 * page_tables::pages_for(largest->size())) * page_size;
  PhysicalRange* const first = unused.reachable(tables);
  if (first == nullptr) too_little_memory();
  page_tables::start(first->begin, first->begin + tables);
  const u64 tables_begin = first->begin;
  first->begin += tables;
  if (largest->size() < smallest_arena) too_little_memory();

  page_tables::map(page_size, 0xa0000, Access::write);
  page_tables::map(0xa0000, megabyte, Access::read);
  page_tables::map(address_of(image_start), address_of(constants_start), Access::execute);
  page_tables::map(address_of(constants_start), address_of(data_start), Access::read);
  page_tables::map(address_of(data_start), address_of(main_guard), Access::write);
  page_tables::map(address_of(main_guard) + page_size, address_of(fault_guard), Access::write);
  page_tables::map(address_of(fault_guard) + page_size, address_of(critical_guard), Access::write);
  page_tables::map(address_of(critical_guard) + page_size, address_of(reserved_end), Access::write);
  for (u64 at = tables_begin; at < tables_begin + tables; at += page_size) {
    page_tables::map(at, at + page_size, Access::write);
  }
  page_tables::map(start.module().begin, start.module().end, Access::write);
  page_tables::prepare_areas(largest->begin, largest->end);
  page_tables::prepare_areas(region_window, region_window + largest->size());
  page_tables::use();
  u64 all = 0;
  for (const PhysicalRange& piece : unused.pieces()) all += piece.size();
  memory::start(largest->begin, largest->end, all - largest->size());
}

// AVX, which GMP uses when CPUID has it, whether it was turned on or not.
void enable_vectors() {
  constexpr u32 has_xsave = 26;
  constexpr u32 has_avx = 28;
  const u32 features = cpuid(1).ecx;
  if (!bit(features, has_xsave)) return;
  constexpr u64 osxsave = u64{1} << 18;
  u64 control;
  asm volatile("mov %%cr4, %0" : "=r"(control));
  asm volatile("mov %0, %%cr4" : : "r"(control | osxsave));
  const u32 state = bit(features, has_avx) ? 7 : 3;
  asm volatile("xsetbv" : : "c"(0), "a"(state), "d"(0));
}

constexpr size_t max_arguments = 32;

// The command line's words as main() wants them.
struct Arguments {
  std::array<char, StartInfo::max_command_line + 32> text{};
  std::array<char*, max_arguments + 1> words{};
  int count = 0;

  void add(size_t& used, std::string_view word) {
    if (count == static_cast<int>(max_arguments) || used + word.size() + 1 > text.size()) return;
    words[static_cast<size_t>(count++)] = text.data() + used;
    std::ranges::copy(word, text.data() + used);
    used += word.size() + 1;
  }
};
constinit Arguments arguments;

}  // namespace

Machine& machine() {
  return the_machine;
}

}  // namespace samara::hal

void boot_main(samara::u64 start_info) {
  using namespace samara::hal;
  console::start();
  install_machine_log("samara");
  descriptor_tables::start();
  Machine& here = machine();
  if (!here.start.read(start_info, memory_at)) {
    samara::log(samara::Level::error, "not started by a PVH boot loader (QEMU: -kernel IMAGE)");
    power::end(ExitCode::usage);
  }
  here.command_line = CommandLine(here.start.command_line());
  power::start(here.start.acpi_root(), here.command_line.value("on-failure").value_or(""));
  lay_out_memory(here.start);
  power::watch_button();
  crash_record::start();
  apic::start();
  clock::note_start();
  enable_vectors();
  samara::runtime::set_heap_source(memory::grow_heap, memory::end_without);
  for (const Constructor* constructor = init_array_start; constructor != init_array_end; ++constructor) (*constructor)();

  size_t used = 0;
  arguments.add(used, "image");
  here.command_line.each([&](std::string_view word) { arguments.add(used, word); });
  power::end(static_cast<ExitCode>(main(arguments.count, arguments.words.data())));
}
