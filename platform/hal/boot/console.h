// The console: a 16550 serial port, polled. Where nobody reads what it sends (a terminal that was stopped, a full pipe), it
// takes nothing any more: what cannot be written is dropped and counted, and the port is tried again after a hundred times as
// long as it was waited for, a second or two at most, so that a stuck reader costs a hundredth of the machine's time.
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
