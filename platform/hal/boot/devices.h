// Which virtio devices the machine has: from the command line (virtio_mmio.device=SIZE@ADDRESS:LINE, as Linux reads it and QEMU
// and Firecracker write it), else on PCI, else from ACPI. The first of each kind is taken.
#pragma once

#include <optional>

#include "platform/hal/boot/machine.h"
#include "platform/hal/boot/mmio_transport.h"
#include "platform/hal/boot/pci_transport.h"

namespace samara::hal {

class Devices {
 public:
  explicit Devices(const Machine& machine);
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;

  // Null: there is none. They live as long as this.
  virtio::Transport* network() { return network_.get(); }
  virtio::Transport* entropy() { return entropy_.get(); }
  virtio::Transport* block() { return block_.get(); }
  // A network card, or a block device, is there that speaks only what was before virtio 1.
  bool legacy_network() const { return network_.legacy; }
  bool legacy_block() const { return block_.legacy; }
  std::string_view bus() const { return bus_; }

 private:
  struct Slot {
    std::optional<MmioTransport> mmio;
    std::optional<PciTransport> pci;
    bool legacy = false;  // one was there that cannot be used
    virtio::Transport* get() {
      if (mmio.has_value()) return &*mmio;
      return pci.has_value() ? &*pci : nullptr;
    }
  };

  Slot* slot_for(u16 device_id);
  void try_mmio(u64 address, u32 line);
  void look_on_pci();
  void look_in_acpi(u64 root);

  Slot network_;
  Slot entropy_;
  Slot block_;
  std::string_view bus_ = "none";
};

}  // namespace samara::hal
