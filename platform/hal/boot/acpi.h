// ACPI, as little as a server needs (ACPI specification 6.4): the registers that turn the power off, and the virtio-mmio
// devices of a machine that describes them nowhere else. The definition block is searched for the few byte sequences that
// matter, not interpreted.
#pragma once

#include <optional>

#include "platform/base/types.h"

namespace samara::hal::acpi {

struct Register {
  enum class Space : u8 { memory = 0, io = 1 };
  Space space = Space::io;
  u64 address = 0;  // 0: there is none
  bool present() const { return address != 0; }
};

struct PowerRegisters {
  Register control;  // PM1a control, 16 bits: sleep type << 10 | 1 << 13
  Register events;   // PM1a status, 16 bits: bit 8 is the power button
  Register timer;    // 3.579545 MHz
  Register sleep;    // of hardware-reduced ACPI, 8 bits: sleep type << 2 | 1 << 5
  Register reset;    // 8 bits: reset_value
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

 private:
  Bytes fixed_;
  Bytes definitions_;
};

struct MmioDevice {
  u64 address = 0;
  u32 interrupt = 0;
};
// The next virtio-mmio device ("LNRO0005") in a definition block at or after `position`, which moves behind it.
std::optional<MmioDevice> next_virtio_device(Bytes definitions, size_t& position);
// The S5 sleep type in a definition block.
std::optional<u8> find_sleep_type(Bytes definitions);

}  // namespace samara::hal::acpi
