// ACPI, as little as a server needs (ACPI specification 6.4): the registers that turn the power off, and where the devices are
// of a machine that describes them nowhere else. The definition block is searched for the few byte sequences that matter, not
// interpreted.
#pragma once

#include <optional>

#include "platform/base/types.h"
#include "platform/hal/boot/acpi_definitions.h"

namespace samara::hal::acpi {

struct PowerRegisters {
  Register control;         // PM1a control, 16 bits: sleep type << 10 | 1 << 13
  Register events;          // PM1a status, 16 bits: bit 8 is the power button
  Register generic_events;  // of QEMU's generic event device, 32 bits, cleared when read: bit 1 is the power button
  Register timer;           // 3.579545 MHz
  Register sleep;           // of hardware-reduced ACPI, 8 bits: sleep type << 2 | 1 << 5
  Register reset;           // 8 bits: reset_value
  u8 reset_value = 0;
  std::optional<u8> sleep_type;  // of S5
};

// The tables behind the root pointer; what is missing or broken is absent. Maps the tables it reads.
class Tables {
 public:
  explicit Tables(u64 root);
  PowerRegisters power() const;
  // The definition block (DSDT), with its header.
  Bytes definitions() const { return definitions_; }
  // The 16 octets in which the hypervisor keeps the machine's generation; empty: it has none. In this definition block or in
  // one of those that follow it (SSDT).
  Bytes generation() const;
  // Where PCI's configuration space begins in memory: by a table (PCI Firmware Specification 3.3 section 4.1.2) or by the
  // definition block; 0: nowhere.
  u64 pci_configuration() const;

 private:
  template <class Call>
  void each(Call call) const;
  Bytes list_;
  bool wide_ = false;  // its entries are 64 bits
  Bytes fixed_;
  Bytes definitions_;
};

}  // namespace samara::hal::acpi
