// How a machine ends. A good end turns the power off (ACPI S5), and QEMU exits with 0. A bad one first tries QEMU's
// isa-debug-exit at port 0xf4, which makes QEMU exit with 2 * code + 1, and then does what the word on-failure= says:
// poweroff (the default), reset (the crash record survives) or halt. A manager with a pvpanic device is told of it first.
#pragma once

#include <string_view>

#include "platform/hal/hal.h"

namespace samara::hal::power {

// `acpi_root` as in StartInfo; its tables are not looked at before they are needed.
void start(u64 acpi_root, std::string_view on_failure);
[[noreturn]] void end(ExitCode code);
// As soon as memory is laid out: from here on a press of the power button is kept until somebody asks.
void watch_button();
// Somebody pressed the power button (virsh shutdown, QEMU's system_powerdown).
bool button_pressed();

}  // namespace samara::hal::power
