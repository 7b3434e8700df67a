#include "platform/hal/boot/clock.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "platform/hal/boot/apic.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/time_scale.h"

extern "C" const samara::u64 entry_tsc;

namespace samara::hal::clock {
namespace {

constexpr u64 second = 1'000'000'000;

// What KVM and QEMU's emulation give every guest's APIC timer; measured on other machines.
constexpr u64 usual_timer_hertz = 1'000'000'000;
u64 timer_hertz = 0;

TimeScale scale;
std::string_view source_name = "none";
bool use_pvclock = false;
Duration skipped;  // what now() is ahead of the counter
// A frequency that was measured over a short time is measured again over the first sleeps that are long enough.
bool may_improve = false;
u32 improvements_left = 16;
u64 best_hertz = UINT64_MAX;
u64 counter_start = 0;  // the time-stamp counter when the APIC's timer was set to its maximum

constexpr u32 msr_pv_wall = 0x4b564d00;
constexpr u32 msr_pv_time = 0x4b564d01;
constexpr u32 leaf_hypervisor = 0x40000000;
struct PvWall {
  u32 version = 0;
  u32 seconds = 0;
  u32 nanoseconds = 0;
};
alignas(64) volatile PvClockTime pv_time;
alignas(64) volatile PvWall pv_wall;

enum class Hypervisor : u8 { none, kvm, tcg, other };

Hypervisor hypervisor() {
  constexpr u32 hypervisor_bit = 31;
  if (!bit(cpuid(1).ecx, hypervisor_bit)) return Hypervisor::none;
  const CpuId id = cpuid(leaf_hypervisor);
  constexpr u32 kvmk = 0x4b4d564b;
  constexpr u32 tcgt = 0x54474354;
  if (id.ebx == kvmk) return Hypervisor::kvm;
  return id.ebx == tcgt ? Hypervisor::tcg : Hypervisor::other;
}

PvClockTime read_pvclock() {
  PvClockTime time;
  do {
    time.version = pv_time.version;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    time.tsc = pv_time.tsc;
    time.nanoseconds = pv_time.nanoseconds;
    time.multiplier = pv_time.multiplier;
    time.shift = pv_time.shift;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } while ((time.version & 1) != 0 || time.version != pv_time.version);
  return time;
}

bool start_pvclock() {
  constexpr u32 feature_time = 3;
  if (hypervisor() != Hypervisor::kvm || !bit(cpuid(leaf_hypervisor + 1).eax, feature_time)) return false;
  write_msr(msr_pv_time, address_of(const_cast<PvClockTime*>(&pv_time)) | 1);
  use_pvclock = read_pvclock().multiplier != 0;
  return use_pvclock;
}

// CPUID 0x15 (crystal and ratio), 0x40000010 (what hypervisors tell, kHz), 0x16 (base frequency, MHz); 0: none.
u64 hertz_by_cpuid() {
  const u32 highest = cpuid(0).eax;
  if (highest >= 0x15) {
    const CpuId id = cpuid(0x15);
    if (id.eax != 0 && id.ebx != 0 && id.ecx != 0) return u64{id.ecx} * id.ebx / id.eax;
  }
  const Hypervisor kind = hypervisor();
  if (kind != Hypervisor::none && cpuid(leaf_hypervisor).eax >= leaf_hypervisor + 0x10 &&
      cpuid(leaf_hypervisor).eax < leaf_hypervisor + 0x100) {
    if (const u64 hertz = u64{cpuid(leaf_hypervisor + 0x10).eax} * 1000; hertz != 0) return hertz;
  }
  // Under emulation leaf 0x16 tells of the processor that is imitated, not of the counter.
  if (highest >= 0x16 && kind != Hypervisor::tcg) return u64{cpuid(0x16).eax} * 1'000'000;
  return 0;
}

u64 hertz_over(u64 ticks, u64 nanoseconds) {
  return static_cast<u64>(static_cast<double>(ticks) * 1e9 / static_cast<double>(std::max<u64>(nanoseconds, 1)));
}

// How long a frequency is measured. An exit to the hypervisor takes microseconds, so over a millisecond that was off by up to
// 18,000 ppm.
constexpr u64 measurements_per_second = 20;

// What a device, the processor's counter and the APIC's timer showed at one moment.
struct Sample {
  u64 counter = 0;
  u32 timer_left = 0;
  u64 device = 0;
};
// Of several reads the one that took the shortest was disturbed least.
template <class Read>
Sample sample(Read read) {
  Sample best;
  u64 shortest = UINT64_MAX;
  for (u32 i = 0; i < 8; ++i) {
    const u64 begin = read_tsc();
    const u64 device = read();
    const u64 end = read_tsc();
    if (end - begin >= shortest) continue;
    shortest = end - begin;
    best = {.counter = begin + shortest / 2, .timer_left = apic::timer_left(), .device = device};
  }
  return best;
}

// A device that counts up to `mask` at a known rate, and then from 0 again: the counter and the APIC's timer are compared with
// it. 0: the device stands still.
template <class Read>
u64 measure(u64 reference_hertz, u64 mask, Read read) {
  constexpr u64 patience = 100'000'000;  // reads
  const u64 wanted = reference_hertz / measurements_per_second;
  const Sample begin = sample(read);
  u64 ticks = 0;
  u64 last = begin.device;
  const auto count_to = [&](u64 value) {
    ticks += (value - last) & mask;
    last = value;
  };
  for (u64 i = 0; i < patience && ticks < wanted; ++i) count_to(read());
  if (ticks < wanted) return 0;
  const Sample end = sample(read);
  count_to(end.device);
  const u64 nanoseconds = ticks * second / reference_hertz;
  timer_hertz = hertz_over(begin.timer_left - end.timer_left, nanoseconds);
  return hertz_over(end.counter - begin.counter, nanoseconds);
}

// ACPI 6.4 section 4.8.3.3: 24 bits are sure.
u64 hertz_by_pm_timer(u16 port) {
  if (port == 0 || in32(port) == UINT32_MAX) return 0;
  return measure(3'579'545, 0xffffff, [port] { return u64{in32(port)}; });
}

// Channel 2 of the 8254, which drives only the speaker, counts down and begins again at 65535.
u64 hertz_by_pit() {
  constexpr u16 control = 0x43;
  constexpr u16 channel_2 = 0x42;
  constexpr u16 gate = 0x61;
  out8(gate, static_cast<u8>((in8(gate) & ~0x02) | 0x01));
  out8(control, 0xb0);  // channel 2, low then high octet, mode 0, binary
  out8(channel_2, 0xff);
  out8(channel_2, 0xff);
  const auto left = [] {
    out8(control, 0x80);  // latch
    const u32 low = in8(channel_2);
    return low | u32{in8(channel_2)} << 8;
  };
  if (left() == 0xffff && in8(channel_2) == 0xff && in8(gate) == 0xff) return 0;  // there is no 8254
  return measure(1'193'182, 0xffff, [left] { return u64{0xffff - left()}; });
}

// The APIC's timer counts since apic::start(): all the time the start took so far is measured.
u64 hertz_by_apic() {
  constexpr u64 shortest = 30'000;  // nanoseconds; what reading the timer costs is about 1 % of it
  u64 passed = 0;
  u64 ticks = 0;
  do {
    passed = apic::longest_timer - apic::timer_left();
    ticks = read_tsc();
  } while (passed * second / usual_timer_hertz < shortest);
  timer_hertz = usual_timer_hertz;
  may_improve = true;
  return hertz_over(ticks - counter_start, passed * second / usual_timer_hertz);
}

constexpr u16 cmos_index = 0x70;
constexpr u16 cmos_data = 0x71;

u8 read_cmos(u8 index) {
  out8(cmos_index, index);
  return in8(cmos_data);
}

// Seconds, minutes, hours, day, month, year, and the century where PCs keep it.
using BatteryClock = std::array<u8, 7>;
BatteryClock read_battery_clock() {
  return {read_cmos(0), read_cmos(2), read_cmos(4), read_cmos(7), read_cmos(8), read_cmos(9), read_cmos(0x32)};
}

// MC146818: status B tells binary or decimal, 12 or 24 hours; while status A's bit 7 is set the values change.
std::optional<UnixTime> battery_time(Patience patience) {
  const u32 tries = patience == Patience::none ? 0 : 100'000;
  constexpr u8 updating = 0x80;
  constexpr u8 valid = 0x80;  // status D
  if (read_cmos(0x0a) == 0xff || (read_cmos(0x0d) & valid) == 0) return std::nullopt;
  BatteryClock first;
  BatteryClock values{};
  if (patience == Patience::none && (read_cmos(0x0a) & updating) != 0) return std::nullopt;
  do {
    first = values;
    for (u32 i = 0; i < tries && (read_cmos(0x0a) & updating) != 0; ++i) {
    }
    values = read_battery_clock();
  } while (values != first);
  const u8 mode = read_cmos(0x0b);
  const bool afternoon = (mode & 2) == 0 && (values[2] & 0x80) != 0;
  values[2] &= 0x7f;
  if ((mode & 4) == 0) {
    for (u8& value : values) value = static_cast<u8>((value >> 4) * 10 + (value & 15));
  }
  const auto [seconds, minutes, hour, day, month, year, kept_century] = values;
  const i64 century = kept_century >= 19 && kept_century <= 29 ? kept_century : 20;
  const i64 hours = (mode & 2) != 0 ? hour : hour % 12 + (afternoon ? 12 : 0);
  if (month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  return UnixTime{((days_since_1970(100 * century + year, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds};
}

}  // namespace

void note_start() {
  counter_start = read_tsc();
}

bool start(std::string_view wanted, u16 (*timer_port)()) {
  const Hypervisor kind = hypervisor();
  u64 hertz = 0;
  const auto try_source = [&](std::string_view name, auto find) {
    if (hertz != 0 || (!wanted.empty() && wanted != name)) return;
    hertz = find();
    if (hertz != 0) source_name = name;
  };
  if (wanted.empty() && start_pvclock()) {
    source_name = "kvmclock";
    timer_hertz = usual_timer_hertz;
    return true;
  }
  try_source("cpuid", hertz_by_cpuid);
  if (kind == Hypervisor::kvm || kind == Hypervisor::tcg) {
    try_source("apic", hertz_by_apic);
    timer_hertz = usual_timer_hertz;
  }
  try_source("pm-timer", [&] { return hertz_by_pm_timer(timer_port()); });
  try_source("pit", hertz_by_pit);
  if (hertz == 0) return false;
  if (timer_hertz == 0) {  // told by CPUID on a machine whose APIC timer is not known: compared with the counter
    const u64 begin = read_tsc();
    const u32 timer_begin = apic::timer_left();
    while (read_tsc() - begin < hertz / measurements_per_second) {
    }
    timer_hertz = u64{timer_begin - apic::timer_left()} * measurements_per_second;
  }
  scale = TimeScale(read_tsc(), 0, hertz);
  return true;
}

std::string_view source() {
  return source_name;
}

Instant now() {
  const u64 ticks = read_tsc();
  const u64 nanoseconds = use_pvclock ? nanoseconds_at(read_pvclock(), ticks) : scale.at(ticks);
  return Instant::since_boot(Duration::nanoseconds(static_cast<i64>(nanoseconds)) + skipped);
}

void skip(Duration by) {
  skipped = skipped + by;
}

std::optional<ClockReading> read_wall(Patience patience) {
  constexpr i64 nanoseconds = second;
  const Instant before = now();
  if (use_pvclock) {
    write_msr(msr_pv_wall, address_of(const_cast<PvWall*>(&pv_wall)));
    // The time of the host's start of counting; what passed since is kvmclock's.
    const i64 time =
        i64{pv_wall.seconds} * nanoseconds + i64{pv_wall.nanoseconds} + (before.since_boot() - skipped).nanoseconds();
    return ClockReading{.before = before, .after = before, .earliest = time, .latest = time};
  }
  const auto time = battery_time(patience);
  if (!time.has_value()) return std::nullopt;
  return ClockReading{
      .before = before, .after = now(), .earliest = time->seconds * nanoseconds, .latest = (time->seconds + 1) * nanoseconds};
}

u64 ticks_since_entry() {
  return read_tsc() - entry_tsc;
}

void sleep_until(Instant deadline) {
  const Instant begin = now();
  if (deadline <= begin) return;
  const i64 longest = static_cast<i64>(std::min<u64>(second, apic::longest_timer * second / timer_hertz));
  const i64 wanted = std::min((deadline - begin).nanoseconds(), longest);
  const u32 ticks = static_cast<u32>(std::max<u64>(1, static_cast<u64>(wanted) * timer_hertz / second));
  apic::set_timer(ticks, true);
  const u64 counter_begin = read_tsc();
  apic::halt();
  if (!may_improve || improvements_left == 0) return;
  const u32 left = apic::timer_left();
  const u64 counter_end = read_tsc();
  constexpr u64 long_enough = 50'000'000;
  const u64 passed = u64{ticks - left} * second / timer_hertz;
  if (passed < long_enough) return;
  // A sleep that ran out was longer than the timer says, never shorter: the smallest result is the best.
  --improvements_left;
  const u64 hertz = hertz_over(counter_end - counter_begin, passed);
  if (hertz >= best_hertz) return;
  best_hertz = hertz;
  scale.correct(counter_end, hertz);
}

}  // namespace samara::hal::clock
