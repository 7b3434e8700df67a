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

// A word that is misspelt may be one that somebody relies on: what is known and wrong is refused, what is not known is said.
Result<void, Refusal> check_command_line(const Machine& machine) {
  if (machine.start.command_line().size() == StartInfo::max_command_line) {
    return fail(Refusal(ExitCode::usage, "command line: longer than ", StartInfo::max_command_line - 1, " characters"));
  }
  std::optional<Refusal> wrong;
  machine.command_line.each([&](std::string_view word) {
    const auto expected = check_word(word);
    if (!expected.has_value()) {
      log(Level::warning, "command line: ", word, " is not known (docs/virtio-target.md); ignored");
    } else if (!expected->empty() && !wrong.has_value()) {
      wrong = Refusal(ExitCode::usage, "command line: ", word, " (expected: ", *expected, ")");
    }
  });
  if (wrong.has_value()) return fail(*wrong);
  return {};
}

Result<Bytes, Refusal> boot_configuration(const Machine& machine) {
  const PhysicalRange module = machine.start.module();
  if (const PhysicalRange lost = machine.start.impossible_module(); lost.size() != 0) {
    return fail(Refusal(ExitCode::usage, "no boot configuration: the loader says that the first boot module lies at ", lost,
                        ", where the machine's memory map has no memory"));
  }
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

Result<void, Refusal> start_clock(const CommandLine& line) {
  const std::string_view wanted = line.value("clock").value_or("");
  const auto timer_port = [] { return static_cast<u16>(acpi::Tables(machine().start.acpi_root()).power().timer.address); };
  if (clock::start(wanted, timer_port)) return {};
  return fail(Refusal(ExitCode::unavailable, "no clock: the machine has nothing to measure time with",
                      wanted.empty() ? "" : " as clock= on the command line asks"));
}

// `ahead`: seconds that the machine's clock is ahead of the time at which the boot configuration was made. It cannot be behind;
// and whole quarters of an hour are what a clock in local time is ahead of one that has just been read.
void doubt_clock(i64 ahead) {
  constexpr i64 quarter = 900;
  constexpr i64 slack = 60;
  constexpr i64 furthest_east = 14 * 3600;
  if (ahead < -slack) {
    log(Level::warning, "the machine's clock is ", static_cast<u64>(-ahead),
        " s behind the time at which the boot configuration was made; signatures and TSIG fail if it is wrong (a clock in "
        "local "
        "time? QEMU: -rtc base=utc)");
  } else if (ahead > quarter - slack && ahead < furthest_east + slack && (ahead + slack) % quarter < 2 * slack) {
    log(Level::warning, "the machine's clock is ", static_cast<u64>(ahead),
        " s ahead of the time at which the boot configuration was made; if that was just now, it is in local time (QEMU: -rtc "
        "base=utc)");
  }
}

WallClock wall_clock(const BootSeeds& seeds) {
  if (const auto wall = clock::read_wall(clock::Patience::second); wall.has_value()) {
    if (seeds.time.has_value()) doubt_clock(wall->earliest / 1'000'000'000 - seeds.time->seconds);
    return WallClock(*wall);
  }
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
    if (devices.other_cards() != 0) {
      return fail(Refusal(ExitCode::unavailable, "no network card with the address that card= on the command line names; ",
                          devices.other_cards(), " with others"));
    }
    TextBuffer<96> found;
    if (const auto foreign = devices.foreign_card(); foreign.has_value()) {
      found.writer().put("; the one that is there, ");
      found.writer().hex(foreign->first, 4);
      found.writer().put(':');
      found.writer().hex(foreign->second, 4);
      found.writer().put(" on PCI, is another");
    } else if (devices.pci_in_memory() != 0) {
      found.writer().put("; PCI is configured in memory at 0x");
      found.writer().hex(devices.pci_in_memory(), 8);
      found.writer().put(", and bus 0 has none");
    }
    return fail(
        Refusal(ExitCode::unavailable,
                "no network card: the machine needs a virtio-net device (QEMU: -device virtio-net-device or virtio-net-pci)",
                found.view()));
  }
  if (devices.other_cards() != 0) {
    log(Level::info, "of ", devices.other_cards() + 1,
        " network cards one is used; card= on the command line chooses by address");
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

std::string_view describe(virtio::BlockDevice::OpenError error) {
  switch (error) {
    case virtio::BlockDevice::OpenError::legacy:
      return "the block device speaks only the virtio of before 1.0 (QEMU: -global virtio-mmio.force-legacy=false; on PCI "
             "leave "
             "out disable-modern)";
    case virtio::BlockDevice::OpenError::features: return "the block device does not agree to the features it offers";
    case virtio::BlockDevice::OpenError::no_queue: return "the block device has no queue for requests";
    case virtio::BlockDevice::OpenError::read_only:
      return "the block device is read-only; storage must be writable (QEMU: leave out readonly=on)";
    case virtio::BlockDevice::OpenError::block_size:
      return "the block device has blocks of a size that is not supported (512 to 4096 octets are)";
    case virtio::BlockDevice::OpenError::empty: break;
  }
  return "the block device is empty; give it a size";
}

enum class DiskContent : u8 { store, nothing, something_else };
DiskContent content_of(virtio::BlockDevice& device, std::string_view signature) {
  std::array<u8, max_storage_block> block;
  const MutableBytes first = MutableBytes(block).first(device.block_size());
  if (!device.read(0, first).ok()) return DiskContent::something_else;
  const auto octet = [](char c) { return static_cast<u8>(c); };
  if (std::ranges::equal(first.first(signature.size()), signature, {}, {}, octet)) return DiskContent::store;
  return std::ranges::all_of(first, [](u8 value) { return value == 0; }) ? DiskContent::nothing : DiskContent::something_else;
}

// Null: the role needs none. Of several disks the one that holds a store, else the first that holds nothing: others are
// somebody's.
Result<std::unique_ptr<virtio::BlockDevice>, Refusal> open_storage(const Plan& plan, Devices& devices) {
  std::unique_ptr<virtio::BlockDevice> chosen;
  if (!plan.storage) return chosen;
  const auto refuse = [](std::string_view why) { return fail(Refusal(ExitCode::unavailable, why)); };
  if (devices.block_count() == 0) {
    if (devices.legacy_block()) return refuse(describe(virtio::BlockDevice::OpenError::legacy));
    return refuse(
        "no block device: the configuration asks for storage (QEMU: -drive if=none,format=raw,id=d,file=FILE and -device "
        "virtio-blk-device,drive=d or virtio-blk-pci,drive=d)");
  }
  const bool several = devices.block_count() > 1;
  for (size_t i = 0; i < devices.block_count(); ++i) {
    auto device = virtio::BlockDevice::open(*devices.block(i), clock::now);
    if (!device.ok()) {
      if (!several) return refuse(describe(device.error()));
      continue;
    }
    const DiskContent content = several ? content_of(*device.value(), plan.storage_signature) : DiskContent::store;
    if (content == DiskContent::something_else || (content == DiskContent::nothing && chosen != nullptr)) continue;
    chosen = std::move(device).value();
    if (content == DiskContent::store) break;
  }
  if (chosen == nullptr) {
    return fail(Refusal(ExitCode::unavailable, "none of the machine's ", devices.block_count(),
                        " block devices holds a store or begins with nothing but zeros"));
  }
  log(Level::info, "storage: ", chosen->size() >> 10, " KiB in blocks of ", chosen->block_size());
  return chosen;
}

void describe(const virtio::NetCard& card, const Devices& devices, const EntropySources& entropy) {
  TextBuffer<32> mac;
  for (const u8 octet : card.description().mac) {
    if (mac.writer().size() != 0) mac.writer().put(':');
    mac.writer().hex(octet, 2);
  }
  // Around the loader's lists and the image small pieces are always left.
  if (const u64 left_out = memory::gauges().left_out; left_out >= 16 * megabyte) {
    log(Level::warning, left_out >> 20, " MiB of memory lie apart (around 4 GiB, perhaps) and are not used");
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
constexpr u64 memory_per_stream = 33 * 1024;
constexpr u64 memory_without_streams = 1344 * 1024;
constexpr u64 least_streams = 8;
// Of the memory that is left, where zones grow or come, their part: new zones, old versions beside new ones, and transfers on
// their way.
constexpr u64 kept_for_zones(u64 left) {
  return left / 2;
}
// Where they come from elsewhere, their part is settled at the start, and a small machine keeps what everything else needs.
// Part of the rest is for what is taken while a transfer is made a zone, and for zones that are followed.
constexpr u64 least_beside_zones = u64{4608} << 10;
constexpr u64 kept_for_coming_zones(u64 left) {
  return std::min(kept_for_zones(left), left - std::min(left, least_beside_zones));
}
constexpr u64 kept_for_work(u64 left) {
  return left / 3;
}

// How many streams there is memory for, the zones being loaded.
u32 streams_within_memory(const Plan& plan) {
  const u32 wanted = plan.max_streams;
  const u64 left = memory::left();
  u64 others = memory_without_streams + plan.fixed_tables + plan.client_streams * memory_per_stream;
  if (plan.zones_grow) others += kept_for_zones(left);
  if (plan.zones_come) others += kept_for_work(left);
  if (plan.client_streams != 0 || plan.client_datagrams) others += LocalLoader::memory_for_messages;
  const u64 streams = left < others ? 0 : (left - others) / memory_per_stream;
  if (streams >= wanted) return wanted;
  const u32 fitting = static_cast<u32>(std::max(streams, std::min<u64>(least_streams, wanted)));
  log(Level::info, left >> 10, " KiB of memory are left: tables for ", fitting, " TCP clients instead of ", wanted);
  return fitting;
}

Result<ExitCode, Refusal> start(Role& role) {
  const Machine& here = machine();
  TRY(check_command_line(here));
  const Bytes blob = TRY(boot_configuration(here));
  const BootSeeds seeds = seeds_in(blob);
  TRY(start_clock(here.command_line));
  Devices devices(here);
  auto card = TRY(open_card(devices));
  if (!card->link_up()) log(Level::warning, "the network card has no link");
  if (!card->device().interrupts_work()) log(Level::warning, "the network card's interrupts do not arrive: it is polled");
  WallClock wall = wall_clock(seeds);
  const auto pool = TRY(EntropyPool::gather(devices.entropy(), seeds.entropy, wall.at(clock::now())));
  describe(*card, devices, pool->sources());

  const Plan plan = TRY(role.configure(blob, pool->take()));
  const auto storage = TRY(open_storage(plan, devices));
  const u64 most_for_zones = plan.zones_come ? kept_for_coming_zones(memory::left()) : plan.region_size;
  BareLoader loader(memory::take_region(std::min(plan.region_size, most_for_zones)), wall, pool->take(), storage.get());
  if (plan.zones_come) memory::keep_for_region(loader.region().size());
  loader.publish(TRY(role.load(blob, loader)));
  const u32 streams = streams_within_memory(plan);
  if (plan.zones_grow) role.on_region_end(memory::region_end(kept_for_zones(memory::left())));
  BareWorker worker({.max_streams = streams,
                     .client_streams = plan.client_streams,
                     .client_datagrams = plan.client_datagrams,
                     .region = loader.region(),
                     .entropy = pool->take(),
                     .wall = &wall,
                     .entropy_pool = &*pool,
                     .generation = MachineGeneration(acpi::Tables(here.start.acpi_root()).generation()),
                     .role = &role,
                     .loader = &loader,
                     .card = &*card,
                     .storage = storage.get(),
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
