// MachineGeneration: 16 octets of the machine's memory, in which its hypervisor puts another number whenever the machine is
// started from a snapshot or copied ("Virtual Machine Generation ID", Microsoft 2012; QEMU's vmgenid device). They are found by
// ACPI (acpi.h).
#pragma once

#include <array>
#include <atomic>

#include "platform/base/byte_order.h"
#include "platform/base/types.h"

namespace samara::hal {

class MachineGeneration {
 public:
  static constexpr size_t size = 16;
  // `octets`: size of them, for as long as this is used; or none, and nothing ever changes.
  explicit MachineGeneration(Bytes octets) : octets_(octets) { changed(); }

  // Whether there is another number than at the last call.
  bool changed() {
    if (octets_.size() < size) return false;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the hypervisor has written, whatever the compiler believes
    const std::array<u64, 2> now{load_le64(octets_, 0), load_le64(octets_, 8)};
    const bool other = now != last_;
    last_ = now;
    return other;
  }
  Bytes number() const { return octets_; }

 private:
  Bytes octets_;
  std::array<u64, 2> last_{};
};

}  // namespace samara::hal
