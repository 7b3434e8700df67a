#include "platform/hal/boot/mmio_transport.h"

#include "platform/hal/boot/apic.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/page_tables.h"

namespace samara::hal {
namespace {

// Section 4.2.2, table 4.1.
enum Offset : u64 {
  magic = 0x000,
  version = 0x004,
  id = 0x008,
  features_device = 0x010,
  features_device_select = 0x014,
  features_driver = 0x020,
  features_driver_select = 0x024,
  queue_select = 0x030,
  queue_size_max = 0x034,
  queue_size = 0x038,
  queue_ready = 0x044,
  queue_notify = 0x050,
  interrupt_status = 0x060,
  interrupt_acknowledge = 0x064,
  device_status = 0x070,
  queue_descriptors = 0x080,
  queue_available = 0x090,
  queue_used = 0x0a0,
  config_changes = 0x0fc,
  config = 0x100
};
constexpr u32 magic_value = 0x74726976;
constexpr u32 legacy_version = 1;
constexpr u32 modern_version = 2;
constexpr u64 window_size = 0x200;

u32 read(u64 base, Offset at) {
  return read_register<u32>(base + at);
}
void write(u64 base, Offset at, u32 value) {
  write_register<u32>(base + at, value);
}
void write_address(u64 base, Offset at, u64 address) {
  write_register<u32>(base + at, static_cast<u32>(address));
  write_register<u32>(base + at + 4, static_cast<u32>(address >> 32));
}

}  // namespace

std::optional<MmioTransport> MmioTransport::find(u64 base, u32 line) {
  page_tables::map_device(base, window_size);
  if (read(base, magic) != magic_value) return std::nullopt;
  const u32 spoken = read(base, version);
  if (spoken != legacy_version && spoken != modern_version) return std::nullopt;
  return MmioTransport(base, line, static_cast<u16>(read(base, id)), spoken == legacy_version);
}

u8 MmioTransport::status() {
  return static_cast<u8>(read(base_, device_status));
}

void MmioTransport::set_status(u8 value) {
  write(base_, device_status, value);
  // A device that never says it is reset is not waited for: what it does afterwards is checked anyway.
  for (u32 patience = 100'000; value == 0 && patience > 0 && status() != 0; --patience) {
  }
}

u64 MmioTransport::device_features() {
  write(base_, features_device_select, 1);
  const u64 high = read(base_, features_device);
  write(base_, features_device_select, 0);
  return high << 32 | read(base_, features_device);
}

void MmioTransport::set_driver_features(u64 features) {
  write(base_, features_driver_select, 1);
  write(base_, features_driver, static_cast<u32>(features >> 32));
  write(base_, features_driver_select, 0);
  write(base_, features_driver, static_cast<u32>(features));
}

u8 MmioTransport::read_config(u16 offset) {
  return offset < window_size - config ? read_register<u8>(base_ + config + offset) : u8{0};
}

u32 MmioTransport::config_generation() {
  return read(base_, config_changes);
}

u16 MmioTransport::max_queue_size(u16 index) {
  write(base_, queue_select, index);
  const u32 size = read(base_, queue_ready) != 0 ? 0 : read(base_, queue_size_max);
  return static_cast<u16>(size > 0x8000 ? 0x8000 : size);
}

void MmioTransport::enable_queue(u16 index, u16 size, const virtio::QueueAddresses& at) {
  write(base_, queue_select, index);
  write(base_, queue_size, size);
  write_address(base_, queue_descriptors, at.descriptors);
  write_address(base_, queue_available, at.available);
  write_address(base_, queue_used, at.used);
  write(base_, queue_ready, 1);
  routed_ = routed_ || apic::route(line_);
}

void MmioTransport::notify(u16 index) {
  write(base_, queue_notify, index);
}

void MmioTransport::acknowledge_interrupts() {
  if (const u32 raised = read(base_, interrupt_status); raised != 0) write(base_, interrupt_acknowledge, raised);
}

}  // namespace samara::hal
