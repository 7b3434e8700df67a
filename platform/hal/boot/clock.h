// The machine's clocks. Instants come from kvmclock where the hypervisor offers it, otherwise from the time-stamp counter,
// whose frequency is told by CPUID or measured: first over the time since the start, then again over the first sleeps, so that
// the start waits for nothing. The wall clock is kvmclock's, or the battery clock's (a second exact).
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/time.h"

namespace samara::hal::clock {

// Right behind apic::start(): from here on the time is measured.
void note_start();
// `wanted` chooses how the frequency is found, for tests and for machines that tell wrong: cpuid, apic,
// pm-timer, pit; empty: the best there is. `timer_port` is ACPI's timer, 0 when unknown. False: `wanted` is not possible.
bool start(std::string_view wanted, u16 timer_port);
// What the time comes from, for a log line: "kvmclock", "cpuid", "apic" …
std::string_view source();

Instant now();
// Seconds since 1970; nothing when the machine has no wall clock.
std::optional<UnixTime> read_wall();

// Ticks of the time-stamp counter since the image's first instruction; under `qemu -icount shift=0`, instructions.
u64 ticks_since_entry();

// Sleeps until an interrupt or until `deadline`, at most a second.
void sleep_until(Instant deadline);

}  // namespace samara::hal::clock
