// The local APIC: its timer, and the interrupts that end a halt. Interrupts are on only inside halt(): all they do is end it.
#pragma once

#include "platform/base/types.h"

namespace samara::hal::apic {

// Masks the old interrupt controllers and starts the timer as a counter that nobody is told about.
void start();
// Octets of a message-signalled interrupt that ends a halt: address and data.
struct Message {
  u64 address;
  u32 data;
};
Message wake_message();
// Global system interrupt `line` ends a halt from now on. False: no I/O APIC has that line.
bool route(u32 line);

// Counts down once per timer tick from `ticks`, which start() and halt() set; 0 when it has run out.
void set_timer(u32 ticks, bool wakes);
u32 timer_left();
constexpr u32 longest_timer = UINT32_MAX;

// Sleeps until an interrupt that is pending or comes; returns with interrupts off.
void halt();

}  // namespace samara::hal::apic
