#include "platform/hal/boot/pci_transport.h"

#include "platform/hal/boot/apic.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/page_tables.h"

namespace samara::hal {
namespace {

constexpr u8 capability_vendor = 0x09;
constexpr u8 capability_msi_x = 0x11;

// Section 4.1.4: struct virtio_pci_cap.
enum class Part : u8 { common = 1, notify = 2, interrupts = 3, config = 4 };
constexpr u8 cap_part = 3;
constexpr u8 cap_bar = 4;
constexpr u8 cap_offset = 8;
constexpr u8 cap_length = 12;
constexpr u8 cap_notify_step = 16;

// Section 4.1.4.3: struct virtio_pci_common_cfg.
enum Common : u64 {
  device_feature_select = 0,
  device_feature = 4,
  driver_feature_select = 8,
  driver_feature = 12,
  config_msix_vector = 16,
  device_status = 20,
  config_changes = 21,
  queue_select = 22,
  queue_size = 24,
  queue_msix_vector = 26,
  queue_enable = 28,
  queue_notify_offset = 30,
  queue_descriptors = 32,
  queue_available = 40,
  queue_used = 48,
  common_size = 56
};
constexpr u16 no_vector = 0xffff;

// PCI Local Bus 3.0 section 6.8.2.
constexpr u8 msi_x_control = 2;
constexpr u8 msi_x_table = 4;
constexpr u16 msi_x_enable = 1 << 15;
constexpr u16 msi_x_mask_all = 1 << 14;

void write_address(u64 at, u64 address) {
  write_register<u32>(at, static_cast<u32>(address));
  write_register<u32>(at + 4, static_cast<u32>(address >> 32));
}

}  // namespace

u16 PciTransport::device_id(u16 pci_device) {
  constexpr u16 transitional_network = 0x1000;
  constexpr u16 transitional_block = 0x1001;
  constexpr u16 transitional_entropy = 0x1005;
  constexpr u16 modern = 0x1040;
  if (pci_device == transitional_network) return 1;
  if (pci_device == transitional_block) return 2;
  if (pci_device == transitional_entropy) return 4;
  return pci_device > modern && pci_device < modern + 0x40 ? static_cast<u16>(pci_device - modern) : u16{0};
}

std::optional<PciTransport> PciTransport::open(pci::Function function) {
  PciTransport device(function);
  function.enable();
  if (!device.find_windows()) return std::nullopt;
  device.set_up_message_interrupts();
  return device;
}

std::optional<PciTransport::Window> PciTransport::window(u8 capability) const {
  const auto base = function_.base_address(function_.read8(static_cast<u16>(capability + cap_bar)));
  const u32 offset = function_.read32(static_cast<u16>(capability + cap_offset));
  const u32 size = function_.read32(static_cast<u16>(capability + cap_length));
  constexpr u32 largest = 1 << 24;
  if (!base.has_value() || size == 0 || size > largest) return std::nullopt;
  page_tables::map_device(*base + offset, size);
  return Window{*base + offset, size};
}

bool PciTransport::find_windows() {
  // Section 4.1.4.1: the first capability of a kind that is of use is the one to take.
  for (u8 at = function_.next_capability(capability_vendor, 0); at != 0;
       at = function_.next_capability(capability_vendor, at)) {
    Window* into = nullptr;
    switch (static_cast<Part>(function_.read8(static_cast<u16>(at + cap_part)))) {
      case Part::common: into = &common_; break;
      case Part::notify: into = &notify_; break;
      case Part::config: into = &config_; break;
      case Part::interrupts: break;
    }
    if (into == nullptr || into->address != 0) continue;
    if (const auto found = window(at); found.has_value()) {
      *into = *found;
      if (into == &notify_) notify_step_ = function_.read32(static_cast<u16>(at + cap_notify_step));
    }
  }
  return common_.size >= common_size && notify_.size >= 2;
}

// One entry of the table is used, for all queues.
void PciTransport::set_up_message_interrupts() {
  const u8 at = function_.next_capability(capability_msi_x, 0);
  if (at == 0) return;
  const u32 table = function_.read32(static_cast<u16>(at + msi_x_table));
  const auto base = function_.base_address(static_cast<u8>(table & 7));
  if (!base.has_value()) return;
  const u64 entry = *base + (table & ~u32{7});
  page_tables::map_device(entry, 16);
  const u16 control = function_.read16(static_cast<u16>(at + msi_x_control));
  function_.write16(static_cast<u16>(at + msi_x_control), static_cast<u16>((control | msi_x_enable) & ~msi_x_mask_all));
  const apic::Message message = apic::wake_message();
  write_address(entry, message.address);
  write_register<u32>(entry + 8, message.data);
  write_register<u32>(entry + 12, 0);
  message_interrupts_ = true;
}

u8 PciTransport::status() {
  return read_register<u8>(common_.address + device_status);
}

void PciTransport::set_status(u8 value) {
  write_register<u8>(common_.address + device_status, value);
  for (u32 patience = 100'000; value == 0 && patience > 0 && status() != 0; --patience) {
  }
}

u64 PciTransport::device_features() {
  write_register<u32>(common_.address + device_feature_select, 1);
  const u64 high = read_register<u32>(common_.address + device_feature);
  write_register<u32>(common_.address + device_feature_select, 0);
  return high << 32 | read_register<u32>(common_.address + device_feature);
}

void PciTransport::set_driver_features(u64 features) {
  write_register<u32>(common_.address + driver_feature_select, 1);
  write_register<u32>(common_.address + driver_feature, static_cast<u32>(features >> 32));
  write_register<u32>(common_.address + driver_feature_select, 0);
  write_register<u32>(common_.address + driver_feature, static_cast<u32>(features));
}

u8 PciTransport::read_config(u16 offset) {
  return offset < config_.size ? read_register<u8>(config_.address + offset) : u8{0};
}

u32 PciTransport::config_generation() {
  return read_register<u8>(common_.address + config_changes);
}

u16 PciTransport::max_queue_size(u16 index) {
  if (index >= max_queues) return 0;
  write_register<u16>(common_.address + queue_select, index);
  const u16 size = read_register<u16>(common_.address + queue_size);
  const u64 offset = u64{read_register<u16>(common_.address + queue_notify_offset)} * notify_step_;
  if (offset + 2 > notify_.size) return 0;
  notify_addresses_[index] = notify_.address + offset;
  return size;
}

void PciTransport::enable_queue(u16 index, u16 size, const virtio::QueueAddresses& at) {
  const u64 common = common_.address;
  write_register<u16>(common + queue_select, index);
  write_register<u16>(common + queue_size, size);
  write_register<u16>(common + config_msix_vector, no_vector);
  if (message_interrupts_) {
    write_register<u16>(common + queue_msix_vector, 0);
    message_interrupts_ = read_register<u16>(common + queue_msix_vector) == 0;
  }
  write_address(common + queue_descriptors, at.descriptors);
  write_address(common + queue_available, at.available);
  write_address(common + queue_used, at.used);
  write_register<u16>(common + queue_enable, 1);
}

void PciTransport::notify(u16 index) {
  write_register<u16>(notify_addresses_.at(index), index);
}

}  // namespace samara::hal
