// Registers: Intel's Software Developer's Manual, volume 3, chapter 11; the 82093AA datasheet for the I/O APIC.
#include "platform/hal/boot/apic.h"

#include <array>

#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/descriptor_tables.h"
#include "platform/hal/boot/page_tables.h"

namespace samara::hal::apic {
namespace {

constexpr u64 local = 0xfee00000;
constexpr u64 local_id = local + 0x20;
constexpr u64 local_task_priority = local + 0x80;
constexpr u64 local_spurious = local + 0xf0;
constexpr u64 local_timer_vector = local + 0x320;
constexpr u64 local_pin_0 = local + 0x350;
constexpr u64 local_timer_initial = local + 0x380;
constexpr u64 local_timer_current = local + 0x390;
constexpr u64 local_timer_divide = local + 0x3e0;
constexpr u32 masked = 1 << 16;
constexpr u32 software_enable = 1 << 8;
constexpr u32 divide_by_1 = 0b1011;

// Where PCs have I/O APICs; QEMU's microvm has a second one.
struct IoApic {
  u64 address;
  u32 first_line;
};
constexpr std::array<IoApic, 2> io_apics{{{0xfec00000, 0}, {0xfec10000, 24}}};
constexpr u64 io_window = 0x10;
constexpr u32 io_version = 1;
constexpr u32 io_redirections = 0x10;

u32 read_io(const IoApic& at, u32 index) {
  write_register<u32>(at.address, index);
  return read_register<u32>(at.address + io_window);
}
void write_io(const IoApic& at, u32 index, u32 value) {
  write_register<u32>(at.address, index);
  write_register<u32>(at.address + io_window, value);
}

u32 own_id() {
  return read_register<u32>(local_id) >> 24;
}

}  // namespace

void start() {
  page_tables::map_device(local, page_size);
  out8(0x21, 0xff);  // the two 8259
  out8(0xa1, 0xff);
  write_register<u32>(local_pin_0, masked);
  write_register<u32>(local_task_priority, 0);
  write_register<u32>(local_spurious, software_enable | descriptor_tables::spurious_vector);
  write_register<u32>(local_timer_divide, divide_by_1);
  set_timer(longest_timer, false);
}

Message wake_message() {
  return {local | (u64{own_id()} << 12), descriptor_tables::wake_vector};
}

bool route(u32 line) {
  for (const IoApic& at : io_apics) {
    if (line < at.first_line) continue;
    page_tables::map_device(at.address, page_size);
    const u32 version = read_io(at, io_version);
    const u32 pin = line - at.first_line;
    if (version == UINT32_MAX || pin > ((version >> 16) & 0xff)) continue;
    write_io(at, io_redirections + 2 * pin + 1, own_id() << 24);
    // Edge-triggered whatever the device does: its line is lowered by whoever looks at the device, not by an interrupt handler.
    write_io(at, io_redirections + 2 * pin, descriptor_tables::wake_vector);
    return true;
  }
  return false;
}

void set_timer(u32 ticks, bool wakes) {
  write_register<u32>(local_timer_vector, descriptor_tables::wake_vector | (wakes ? 0 : masked));
  write_register<u32>(local_timer_initial, ticks);
}

u32 timer_left() {
  return read_register<u32>(local_timer_current);
}

void halt() {
  asm volatile("sti; hlt; cli" : : : "memory");
}

}  // namespace samara::hal::apic
