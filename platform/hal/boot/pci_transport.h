// PciTransport: a virtio device on PCI through its modern capabilities (virtio 1.2 section 4.1), transitional devices included.
// Interrupts are message-signalled (MSI-X); a device without them is looked at now and then.
#pragma once

#include <array>
#include <optional>

#include "platform/hal/boot/pci.h"
#include "platform/hal/virtio/transport.h"

namespace samara::hal {

class PciTransport final : public virtio::Transport {
 public:
  static constexpr u16 vendor = 0x1af4;
  // The kind of device behind a PCI device number; 0: none of virtio's.
  static u16 device_id(u16 pci_device);

  // Nothing: the device has no modern capabilities, or the firmware gave it no addresses.
  static std::optional<PciTransport> open(pci::Function function);

  u8 status() override;
  void set_status(u8 value) override;
  u64 device_features() override;
  void set_driver_features(u64 features) override;
  u8 read_config(u16 offset) override;
  u32 config_generation() override;
  u16 max_queue_size(u16 index) override;
  void enable_queue(u16 index, u16 size, const virtio::QueueAddresses& at) override;
  void notify(u16 index) override;
  void acknowledge_interrupts() override {}
  bool interrupts_work() const override { return message_interrupts_; }

 private:
  static constexpr u16 max_queues = 4;
  struct Window {
    u64 address = 0;
    u32 size = 0;
  };

  explicit PciTransport(pci::Function function) : function_(function) {}
  std::optional<Window> window(u8 capability) const;
  bool find_windows();
  void set_up_message_interrupts();

  pci::Function function_;
  Window common_;
  Window notify_;
  Window config_;
  u32 notify_step_ = 0;
  std::array<u64, max_queues> notify_addresses_{};
  bool message_interrupts_ = false;
};

}  // namespace samara::hal
