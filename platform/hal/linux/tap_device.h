// TapDevice: the frames of a Linux tap device. One frame a system call, each behind a virtio-net header that carries the
// checksum offload in both directions (linux/if_tun.h, IFF_VNET_HDR).
#pragma once

#include <array>

#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/frame_device.h"

namespace samara::hal {

class TapDevice final : public FrameDevice {
 public:
  // Attaches to the device `name`, or makes it where we may; it is then gone when the image ends.
  static Result<std::unique_ptr<FrameDevice>, Refusal> open(std::string_view name);

  const LinkDescription& description() const override { return description_; }
  size_t receive(std::span<ReceivedFrame> burst) override;
  void release() override {}
  std::optional<FrameSlot> take_slot() override;
  void drop(const FrameSlot&) override { slot_taken_ = false; }
  void transmit(const FrameSlot& slot) override;
  bool congested() override { return false; }
  void flush() override {}
  int descriptor() const override { return fd_.get(); }
  std::span<const AllowedCall> system_calls() const override { return tap_system_calls; }

 private:
  TapDevice(Descriptor fd, LinkDescription description, size_t frame_size);

  Descriptor fd_;
  LinkDescription description_;
  size_t frame_size_;
  std::vector<u8> received_;  // frame_burst frames of frame_size_
  std::vector<u8> slot_;
  bool slot_taken_ = false;
};

}  // namespace samara::hal
