// The end of the road for our own bugs, and for nothing else: no packet, zone file, configuration or pack may reach it.
#pragma once

#include <string_view>

namespace samara {

// Prints `message` through the panic handler of the platform and stops with exit code 70 (our bug).
[[noreturn]] void panic(std::string_view message);

// The platform's way to leave a last word; called once, must not return (if it does, the program traps).
using PanicHandler = void (*)(std::string_view message);
void set_panic_handler(PanicHandler handler);

}  // namespace samara
