// What boot_main() found out before main() ran.
#pragma once

#include "platform/hal/boot/command_line.h"
#include "platform/hal/boot/start_info.h"

namespace samara::hal {

struct Machine {
  StartInfo start;
  CommandLine command_line;
};
Machine& machine();

}  // namespace samara::hal
