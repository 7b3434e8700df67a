// Which virtio devices the machine has: from the command line (virtio_mmio.device=SIZE@ADDRESS:LINE, as Linux reads it and QEMU
// and Firecracker write it), then on PCI (by ports, or bus 0 where its configuration is in memory), then from ACPI, until there
// is a network card. Of several cards the first is taken, or the one with the address that the command line names
// (card=52:54:00:12:34:56); of disks all are found.
#pragma once

#include <array>
#include <optional>
#include <utility>

#include "platform/hal/boot/acpi.h"
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
  // The block devices that can be used, in the order of their places.
  size_t block_count() const { return block_count_; }
  virtio::Transport* block(size_t index) { return blocks_[index].get(); }
  // A network card, or a block device, is there that speaks only what was before virtio 1.
  bool legacy_network() const { return network_.legacy; }
  bool legacy_block() const { return legacy_block_; }
  // Network cards that were not taken: others of virtio's, and the first that is none of virtio's (vendor and device on PCI).
  u32 other_cards() const { return other_cards_; }
  std::optional<std::pair<u16, u16>> foreign_card() const { return foreign_card_; }
  std::string_view bus() const { return bus_; }
  // Where PCI's configuration is, if it is in memory alone; 0 otherwise.
  u64 pci_in_memory() const { return pci_in_memory_; }

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

  // Where a device of this kind goes; null: it is not wanted.
  Slot* slot_for(u16 device_id);
  // The slot was filled, or could not be.
  void settle(u16 device_id, Slot& slot);
  void try_mmio(u64 address, u32 line);
  void look_on_pci();
  void look_on_pci_in_memory(const acpi::Tables& tables);
  u32 look_on_buses(u32 first, u32 last);
  void look_in_acpi(Bytes definitions);

  static constexpr size_t max_blocks = 8;
  std::optional<CardAddress> wanted_card_;
  Slot network_;
  Slot entropy_;
  std::array<Slot, max_blocks> blocks_;
  size_t block_count_ = 0;
  bool legacy_block_ = false;
  u32 other_cards_ = 0;
  std::optional<std::pair<u16, u16>> foreign_card_;
  std::string_view bus_ = "none";
  u64 pci_in_memory_ = 0;
  PhysicalRange unassigned_;  // addresses for devices on PCI that have none
};

}  // namespace samara::hal
