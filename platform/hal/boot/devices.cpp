#include "platform/hal/boot/devices.h"

#include "platform/hal/virtio/block_device.h"
#include "platform/hal/virtio/entropy_device.h"
#include "platform/hal/virtio/net_card.h"

namespace samara::hal {
Devices::Devices(const Machine& machine) {
  constexpr std::string_view word_start = "virtio_mmio.device=";
  if (const auto wanted = machine.command_line.value("card"); wanted.has_value()) wanted_card_ = parse_card(*wanted);
  machine.command_line.each([&](std::string_view word) {
    if (!word.starts_with(word_start)) return;
    bus_ = "mmio";
    if (const auto device = parse_device(word.substr(word_start.size())); device.has_value()) {
      try_mmio(device->address, device->line);
    }
  });
  const bool by_ports = pci::present();
  if (network_.get() == nullptr && by_ports) look_on_pci();
  if (network_.get() != nullptr) return;
  const acpi::Tables tables(machine.start.acpi_root());
  if (!by_ports) look_on_pci_in_memory(tables);
  if (network_.get() == nullptr) look_in_acpi(tables.definitions());
}

Devices::Slot* Devices::slot_for(u16 device_id) {
  if (device_id == virtio::NetCard::device_id) {
    if (network_.get() == nullptr) return &network_;
    ++other_cards_;
  }
  if (device_id == virtio::EntropyDevice::device_id && entropy_.get() == nullptr) return &entropy_;
  if (device_id == virtio::BlockDevice::device_id && block_count_ < blocks_.size()) return &blocks_[block_count_];
  return nullptr;
}

void Devices::settle(u16 device_id, Slot& slot) {
  if (device_id == virtio::BlockDevice::device_id) {
    if (slot.get() != nullptr) ++block_count_;
    legacy_block_ = legacy_block_ || slot.get() == nullptr;
  }
  if (&slot == &network_ && wanted_card_.has_value() && slot.get() != nullptr) {
    for (u16 i = 0; i < u16{std::tuple_size_v<CardAddress>}; ++i) {
      if (slot.get()->read_config(i) == (*wanted_card_)[i]) continue;
      slot = {};
      ++other_cards_;
      return;
    }
  }
}

void Devices::try_mmio(u64 address, u32 line) {
  const auto found = MmioTransport::find(address, line);
  if (!found.has_value()) return;
  Slot* const slot = slot_for(found->device_id());
  if (slot == nullptr) return;
  if (found->legacy()) {
    slot->legacy = true;
  } else {
    slot->mmio = *found;
  }
  settle(found->device_id(), *slot);
}

void Devices::look_on_pci() {
  bus_ = "pci";
  const u32 next = look_on_buses(0, 0);
  if (network_.get() == nullptr) look_on_buses(next, pci::last_possible_bus);
}

void Devices::look_on_pci_in_memory(const acpi::Tables& tables) {
  pci_in_memory_ = tables.pci_configuration();
  if (pci_in_memory_ == 0) return;
  bus_ = "pci (configured in memory)";
  unassigned_ = acpi::find_memory_window(tables.definitions());
  pci::use_memory(pci_in_memory_);
  look_on_buses(0, 0);
}

u32 Devices::look_on_buses(u32 first, u32 last) {
  constexpr u16 class_code = 0x0b;
  constexpr u8 network_controller = 2;
  return pci::each(first, last, [this](const pci::Function& function, u16 vendor, u16 device) {
    if (vendor != PciTransport::vendor) {
      if (!foreign_card_.has_value() && function.read8(class_code) == network_controller) foreign_card_ = {vendor, device};
      return;
    }
    const u16 id = PciTransport::device_id(device);
    Slot* const slot = slot_for(id);
    if (slot == nullptr) return;
    if (pci_in_memory_ != 0) function.assign(unassigned_);
    slot->pci = PciTransport::open(function);
    if (!slot->pci.has_value()) slot->legacy = true;
    settle(id, *slot);
  });
}

void Devices::look_in_acpi(Bytes definitions) {
  constexpr u32 most_devices = 64;
  size_t position = 0;
  for (u32 i = 0; i < most_devices; ++i) {
    const auto device = acpi::next_virtio_device(definitions, position);
    if (!device.has_value()) return;
    if (device->address == 0) continue;
    bus_ = "mmio (ACPI)";
    try_mmio(device->address, device->interrupt);
  }
}

}  // namespace samara::hal
