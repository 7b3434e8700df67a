#include "platform/hal/boot/power.h"

#include <utility>

#include "platform/hal/boot/acpi.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/page_tables.h"

namespace samara::hal::power {
namespace {

constexpr u16 debug_exit_port = 0xf4;
constexpr u16 reset_control_port = 0xcf9;
constexpr u16 keyboard_port = 0x64;
constexpr u16 panic_port = 0x505;
constexpr u16 button_status = 1 << 8;
constexpr u32 generic_button = 1 << 1;

u64 root = 0;
std::string_view failure = "poweroff";
acpi::Register button;
acpi::Register events;
bool ending = false;

void write8(const acpi::Register& to, u8 value) {
  if (!to.present()) return;
  if (to.space == acpi::Register::Space::io) {
    out8(static_cast<u16>(to.address), value);
  } else {
    page_tables::map_device(to.address, 1);
    write_register<u8>(to.address, value);
  }
}

// Does not return when there is a way. The machine may run on for a moment.
void turn_off(const acpi::PowerRegisters& registers) {
  if (!registers.sleep_type.has_value() || (!registers.sleep.present() && !registers.control.present())) return;
  const u8 type = *registers.sleep_type;
  write8(registers.sleep, static_cast<u8>(type << 2 | 1 << 5));
  if (registers.control.present()) {
    out16(static_cast<u16>(registers.control.address), static_cast<u16>(type << 10 | 1 << 13));
  }
  halt_forever();
}

void reset(const acpi::PowerRegisters& registers) {
  write8(registers.reset, registers.reset_value);
  out8(reset_control_port, 0x06);
  out8(keyboard_port, 0xfe);
  // An interrupt without a table is a triple fault, which resets every PC.
  struct [[gnu::packed]] {
    u16 limit = 0;
    u64 base = 0;
  } nothing;
  asm volatile("lidt %0; int3" : : "m"(nothing));
}

// Where QEMU's pvpanic device is (its docs/specs/pvpanic.rst), it says by the bits that can be read which events it passes on.
// A manager that has one can tell a crash from a machine that was turned off.
void report_to_manager() {
  constexpr u8 panicked = 1;
  const u8 passed_on = in8(panic_port);
  if (passed_on != 0xff && (passed_on & panicked) != 0) out8(panic_port, panicked);
}

}  // namespace

void start(u64 acpi_root, std::string_view on_failure) {
  root = acpi_root;
  if (!on_failure.empty()) failure = on_failure;
}

void end(ExitCode code) {
  const u32 number = static_cast<u32>(code);
  if (std::exchange(ending, true)) {  // something on the way out went wrong
    out32(debug_exit_port, number);
    halt_forever();
  }
  if (code != ExitCode::good) {
    report_to_manager();
    out32(debug_exit_port, number);
  }
  const acpi::PowerRegisters registers = acpi::Tables(root).power();
  if (code == ExitCode::good || failure == "poweroff") turn_off(registers);
  if (code != ExitCode::good && failure == "reset") reset(registers);
  // No ACPI: a good end is told the only other ways there are. A monitor that gives a machine a keyboard controller and no ACPI
  // (Firecracker) takes a reset for its end.
  if (code == ExitCode::good) {
    out32(debug_exit_port, number);
    reset(registers);
  }
  halt_forever();
}

void watch_button() {
  const acpi::PowerRegisters registers = acpi::Tables(root).power();
  button = registers.events;
  events = registers.generic_events;
  // The status bit is set only while its enable bit, in the next register, is.
  if (button.present()) out16(static_cast<u16>(button.address + 2), button_status);
  if (events.present()) page_tables::map_device(events.address, sizeof(u32));
}

bool button_pressed() {
  if (events.present()) return (read_register<u32>(events.address) & generic_button) != 0;

  if (!button.present() || (in16(static_cast<u16>(button.address)) & button_status) == 0) return false;
  out16(static_cast<u16>(button.address), button_status);
  return true;
}

}  // namespace samara::hal::power
