// The machine's clocks. Instants come from kvmclock where the hypervisor offers it, otherwise from the time-stamp counter,
// whose frequency is told by CPUID or measured: first over the time since the start, then again over the first sleeps, so that
// the start waits for nothing; with ACPI's timer or the 8254, which only unknown hypervisors leave us, it waits 50 ms for an
// exact one. The wall clock is kvmclock's, or the battery clock's (wall_clock.h says how that is followed).
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/time.h"
#include "platform/hal/boot/wall_clock.h"

namespace samara::hal::clock {

// Right behind apic::start(): from here on the time is measured.
void note_start();
// `wanted` chooses how the frequency is found, for tests and for machines that tell wrong: cpuid, apic,
// pm-timer, pit; empty: the best there is. `timer_port` finds the port of ACPI's timer, 0 when there is none. False: `wanted`
// is not possible.
bool start(std::string_view wanted, u16 (*timer_port)());
// What the time comes from, for a log line: "kvmclock", "cpuid", "apic" …
std::string_view source();

Instant now();
// now() is `by` later from here on: counters stand still while a machine is stopped, and leases and zones do not.
void skip(Duration by);
// Whether to wait while a battery clock changes: a machine that starts does, one that serves does not.
enum class Patience : u8 { none, second };
// What the machine's wall clock shows; nothing when it has none, or (without patience) when it just changes.
std::optional<ClockReading> read_wall(Patience patience);

// Ticks of the time-stamp counter since the image's first instruction; under `qemu -icount shift=0`, instructions.
u64 ticks_since_entry();

// Sleeps until an interrupt or until `deadline`, at most a second.
void sleep_until(Instant deadline);

}  // namespace samara::hal::clock
