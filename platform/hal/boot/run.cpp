// run(): from main() to the worker's loop, in the order hal.h promises, on a machine of its own.
#include <algorithm>

#include "platform/base/log.h"
#include "platform/codec/device_tree.h"
#include "platform/hal/boot/acpi.h"
#include "platform/hal/boot/bare_worker.h"
#include "platform/hal/boot/clock.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/devices.h"
#include "platform/hal/boot/entropy.h"
#include "platform/hal/boot/machine_log.h"
#include "platform/hal/boot/memory.h"
#include "platform/hal/hal.h"
#include "platform/hal/link.h"
#include "platform/hal/virtio/block_device.h"

namespace samara::hal {
namespace {

// A word of the command line that nobody understands may be a misspelt one that somebody relies on.
void check_command_line(const CommandLine& line) {
  constexpr std::array<std::string_view, 5> known{"virtio_mmio.device=", "clock=", "on-failure=", "measure=", "role."};
  line.each([&](std::string_view word) {
    for (const std::string_view start : known) {
      if (word.starts_with(start)) return;
    }
    log(Level::warning, "command line: ", word, " is not known (docs/virtio-target.md); ignored");
  });
}

Result<Bytes, Refusal> boot_configuration(const Machine& machine) {
  const PhysicalRange module = machine.start.module();
  if (module.size() == 0) {
    return fail(Refusal(ExitCode::usage, "no boot configuration: the first boot module is missing (QEMU: -initrd FILE)"));
  }
  return memory_at(module.begin, module.size());
}

// What the machine itself takes from the boot configuration; the role reads and checks the rest.
struct BootSeeds {
  Bytes entropy;
  std::optional<UnixTime> time;
};
BootSeeds seeds_in(Bytes blob) {
  BootSeeds seeds;
  const auto tree = codec::DeviceTree::open(blob);
  if (!tree.ok()) return seeds;  // the role says what is wrong with it
  if (const auto entropy = tree.value().root().bytes("entropy-seed"); entropy.ok()) seeds.entropy = entropy.value();
  if (const auto time = tree.value().root().u64("boot-time"); time.ok()) seeds.time = UnixTime{static_cast<i64>(time.value())};
  return seeds;
}

Result<void, Refusal> start_clock(const Machine& machine) {
  const std::string_view wanted = machine.command_line.value("clock").value_or("");
  u16 timer_port = 0;
  if (wanted == "pm-timer") timer_port = static_cast<u16>(acpi::Tables(machine.start.acpi_root()).power().timer.address);
  if (clock::start(wanted, timer_port)) return {};
  return fail(Refusal(ExitCode::unavailable, "no clock: the machine has nothing to measure time with",
                      wanted.empty() ? "" : " as clock= on the command line asks"));
}

WallClock wall_clock(const BootSeeds& seeds) {
  const Instant now = clock::now();
  if (const auto wall = clock::read_wall(); wall.has_value()) return WallClock({wall->seconds - now.since_boot().seconds()});
  if (seeds.time.has_value()) {
    log(Level::warning, "the machine has no wall clock: its time is the boot configuration's and may be old (QEMU: rtc=on)");
    return WallClock(*seeds.time);
  }
  log(Level::warning,
      "the machine has no wall clock and the boot configuration no boot-time: whatever depends on the date fails");
  return WallClock({0});
}

Result<std::unique_ptr<virtio::NetCard>, Refusal> open_card(Devices& devices) {
  constexpr std::string_view legacy =
      "the network card speaks only the virtio of before 1.0 (QEMU: -global virtio-mmio.force-legacy=false; on PCI leave out "
      "disable-modern)";
  if (devices.network() == nullptr) {
    if (devices.legacy_network()) return fail(Refusal(ExitCode::unavailable, legacy));
    return fail(
        Refusal(ExitCode::unavailable,
                "no network card: the machine needs a virtio-net device (QEMU: -device virtio-net-device or virtio-net-pci)"));
  }
  auto card = virtio::NetCard::open(*devices.network());
  if (card.ok()) return std::move(card).value();
  switch (card.error()) {
    case virtio::NetCard::OpenError::legacy: return fail(Refusal(ExitCode::unavailable, legacy));
    case virtio::NetCard::OpenError::features:
      return fail(Refusal(ExitCode::unavailable, "the network card does not agree to the features it offers"));
    case virtio::NetCard::OpenError::no_queues: break;
  }
  return fail(Refusal(ExitCode::unavailable, "the network card has no queues to send and receive with"));
}

// Null: the role needs none.
Result<std::unique_ptr<virtio::BlockDevice>, Refusal> open_storage(const Plan& plan, Devices& devices) {
  constexpr std::string_view legacy =
      "the block device speaks only the virtio of before 1.0 (QEMU: -global virtio-mmio.force-legacy=false; on PCI leave out "
      "disable-modern)";
  std::unique_ptr<virtio::BlockDevice> none;
  if (!plan.storage) return none;
  const auto refuse = [](std::string_view why) { return fail(Refusal(ExitCode::unavailable, why)); };
  if (devices.block() == nullptr) {
    if (devices.legacy_block()) return refuse(legacy);
    return refuse(
        "no block device: the configuration asks for storage (QEMU: -drive if=none,format=raw,id=d,file=FILE and -device "
        "virtio-blk-device,drive=d or virtio-blk-pci,drive=d)");
  }
  auto device = virtio::BlockDevice::open(*devices.block(), clock::now);
  if (device.ok()) {
    log(Level::info, "storage: ", device.value()->size() >> 10, " KiB in blocks of ", device.value()->block_size());
    return std::move(device).value();
  }
  switch (device.error()) {
    case virtio::BlockDevice::OpenError::legacy: return refuse(legacy);
    case virtio::BlockDevice::OpenError::features: return refuse("the block device does not agree to the features it offers");
    case virtio::BlockDevice::OpenError::no_queue: return refuse("the block device has no queue for requests");
    case virtio::BlockDevice::OpenError::read_only:
      return refuse("the block device is read-only; storage must be writable (QEMU: leave out readonly=on)");
    case virtio::BlockDevice::OpenError::block_size:
      return refuse("the block device has blocks of a size that is not supported (512 to 4096 octets are)");
    case virtio::BlockDevice::OpenError::empty: break;
  }
  return refuse("the block device is empty; give it a size");
}

void describe(const virtio::NetCard& card, const Devices& devices, const EntropySources& entropy) {
  TextBuffer<32> mac;
  for (const u8 octet : card.description().mac) {
    if (mac.writer().size() != 0) mac.writer().put(':');
    mac.writer().hex(octet, 2);
  }
  log(Level::info, memory::gauges().arena >> 10, " KiB of memory, network card ", mac.view(), " on ", devices.bus(), ", MTU ",
      u32{card.description().mtu}, ", clock: ", clock::source(), ", entropy:", entropy.processor ? " processor" : "",
      entropy.device ? " virtio-rng" : "", entropy.seed ? " seed" : "");
  if (!entropy.processor && !entropy.device) {
    log(Level::warning,
        "the only entropy is the boot configuration's seed: make a new one for each start, or add a virtio-rng");
  }
}

// A stream's share of all tables of a role and the stack, and what they take however few streams there are.
constexpr u64 memory_per_stream = 31 * 1024;
constexpr u64 memory_without_streams = 1344 * 1024;
constexpr u64 least_streams = 8;
// Of the memory that is left, where zones grow, their part: new zones, and old versions beside new ones.
constexpr u64 kept_for_zones(u64 left) {
  return left / 2;
}

// How many streams there is memory for, the zones being loaded.
u32 streams_within_memory(const Plan& plan) {
  const u32 wanted = plan.max_streams;
  const u64 left = memory::left();
  u64 others = memory_without_streams + plan.fixed_tables + plan.client_streams * memory_per_stream;
  if (plan.zones_grow) others += kept_for_zones(left);
  if (plan.client_streams != 0 || plan.client_datagrams) others += LocalLoader::memory_for_messages;
  const u64 streams = left < others ? 0 : (left - others) / memory_per_stream;
  if (streams >= wanted) return wanted;
  const u32 fitting = static_cast<u32>(std::max(streams, std::min<u64>(least_streams, wanted)));
  log(Level::info, left >> 10, " KiB of memory are left: tables for ", fitting, " TCP clients instead of ", wanted);
  return fitting;
}

Result<ExitCode, Refusal> start(Role& role) {
  const Machine& here = machine();
  check_command_line(here.command_line);
  const Bytes blob = TRY(boot_configuration(here));
  const BootSeeds seeds = seeds_in(blob);
  TRY(start_clock(here));
  Devices devices(here);
  auto card = TRY(open_card(devices));
  if (!card->link_up()) log(Level::warning, "the network card has no link");
  if (!card->device().interrupts_work()) log(Level::warning, "the network card's interrupts do not arrive: it is polled");
  const auto pool = TRY(EntropyPool::gather(devices.entropy(), seeds.entropy));
  const WallClock wall = wall_clock(seeds);
  describe(*card, devices, pool->sources());

  const Plan plan = TRY(role.configure(blob, pool->take()));
  const auto storage = TRY(open_storage(plan, devices));
  BareLoader loader(memory::take_region(plan.region_size), wall, pool->take(), storage.get());
  loader.publish(TRY(role.load(blob, loader)));
  BareWorker worker({.max_streams = streams_within_memory(plan),
                     .client_streams = plan.client_streams,
                     .client_datagrams = plan.client_datagrams,
                     .region = loader.region(),
                     .entropy = pool->take(),
                     .wall = wall,
                     .role = &role,
                     .loader = &loader,
                     .card = &*card,
                     .measure = here.command_line.value("measure") == "start"});
  role.serve(worker);
  panic("Role::serve returned without running an application");
}

}  // namespace

int run(int, char**, std::string_view name, Role& role) {
  install_machine_log(name);
  const auto result = start(role);
  if (result.ok()) return static_cast<int>(result.value());
  log(Level::error, result.error().text());
  return static_cast<int>(result.error().code());
}

}  // namespace samara::hal
