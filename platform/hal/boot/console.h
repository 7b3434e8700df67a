// The console: a 16550 serial port, polled. A port that does not take an octet in time (nobody listens, none is there) is not
// waited for again until it does.
#pragma once

#include <string_view>

#include "platform/base/types.h"

namespace samara::hal::console {

// The interrupt line of the first serial port: global system interrupt 4 on every PC.
constexpr u32 interrupt_line = 4;

void start();
// Lines end in '\n'; the carriage return that terminals want is added.
void write(std::string_view text);
// The next octet somebody typed.
bool read(char& into);
// From now on something typed raises interrupt_line.
void request_interrupts();

}  // namespace samara::hal::console
