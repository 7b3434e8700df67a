#include "platform/hal/boot/devices.h"

#include "platform/base/log.h"
#include "platform/hal/boot/acpi.h"
#include "platform/hal/virtio/block_device.h"
#include "platform/hal/virtio/entropy_device.h"
#include "platform/hal/virtio/net_card.h"

namespace samara::hal {
namespace {

struct DeviceWord {
  u64 address;
  u32 line;
};

// SIZE@ADDRESS:LINE[:ID]
std::optional<DeviceWord> parse_device(std::string_view text) {
  const size_t at = text.find('@');
  const size_t colon = text.find(':', at == std::string_view::npos ? text.size() : at);
  if (colon == std::string_view::npos) return std::nullopt;
  const auto size = parse_size(text.substr(0, at));
  const auto address = parse_size(text.substr(at + 1, colon - at - 1));
  std::string_view line_text = text.substr(colon + 1);
  line_text = line_text.substr(0, line_text.find(':'));
  const auto line = parse_size(line_text);
  constexpr u64 highest_line = 255;
  constexpr u64 lowest_address = u64{1} << 20;
  constexpr u64 address_limit = u64{1} << 46;
  if (!size || !address || !line || *line > highest_line || *address < lowest_address || *address >= address_limit) {
    return std::nullopt;
  }
  return DeviceWord{*address, static_cast<u32>(*line)};
}

}  // namespace

Devices::Devices(const Machine& machine) {
  constexpr std::string_view word_start = "virtio_mmio.device=";
  bool named = false;
  machine.command_line.each([&](std::string_view word) {
    if (!word.starts_with(word_start)) return;
    named = true;
    const auto device = parse_device(word.substr(word_start.size()));
    if (!device.has_value()) {
      log(Level::warning, "command line: ", word, ": SIZE@ADDRESS:LINE is expected; ignored");
      return;
    }
    try_mmio(device->address, device->line);
  });
  if (named) {
    bus_ = "mmio";
  } else if (pci::present()) {
    bus_ = "pci";
    look_on_pci();
  } else {
    bus_ = "mmio (ACPI)";
    look_in_acpi(machine.start.acpi_root());
  }
}

Devices::Slot* Devices::slot_for(u16 device_id) {
  Slot* const slot = device_id == virtio::NetCard::device_id         ? &network_
                     : device_id == virtio::EntropyDevice::device_id ? &entropy_
                     : device_id == virtio::BlockDevice::device_id   ? &block_
                                                                     : nullptr;
  return slot != nullptr && slot->get() == nullptr ? slot : nullptr;
}

void Devices::try_mmio(u64 address, u32 line) {
  auto found = MmioTransport::find(address, line);
  if (!found.has_value()) return;
  Slot* const slot = slot_for(found->device_id());
  if (slot == nullptr) return;
  if (found->legacy()) {
    slot->legacy = true;
    return;
  }
  slot->mmio = std::move(found);
}

void Devices::look_on_pci() {
  pci::each([this](const pci::Function& function, u16 vendor, u16 device) {
    if (vendor != PciTransport::vendor) return;
    Slot* const slot = slot_for(PciTransport::device_id(device));
    if (slot == nullptr) return;
    slot->pci = PciTransport::open(function);
    if (!slot->pci.has_value()) slot->legacy = true;
  });
}

void Devices::look_in_acpi(u64 root) {
  constexpr u32 most_devices = 64;
  const Bytes definitions = acpi::Tables(root).definitions();
  size_t position = 0;
  for (u32 i = 0; i < most_devices; ++i) {
    const auto device = acpi::next_virtio_device(definitions, position);
    if (!device.has_value()) return;
    if (device->address != 0) try_mmio(device->address, device->interrupt);
  }
}

}  // namespace samara::hal
