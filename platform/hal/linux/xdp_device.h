// XdpDevice: an AF_XDP socket on one receive queue of a network interface. Frames lie in memory the kernel and we share; who
// owns a frame is said in four rings (Documentation/networking/af_xdp.rst):
//
//   fill:  ours to the kernel, empty      receive:    the kernel's to us, filled
//   send:  ours to the kernel, filled     completion: the kernel's to us, sent
#pragma once

#include <array>
#include <atomic>

#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/frame_device.h"
#include "platform/hal/linux/mapping.h"
#include "platform/hal/linux/xdp_program.h"

namespace samara::hal {

Result<std::vector<std::unique_ptr<FrameDevice>>, Refusal> open_xdp_devices(const LinkPlan& plan, u32 workers);

// One ring: a producer and a consumer index that only grow, and a power of two of entries.
struct XdpRing {
  std::atomic<u32>* producer = nullptr;
  std::atomic<u32>* consumer = nullptr;
  std::atomic<u32>* flags = nullptr;
  void* entries = nullptr;
  u32 ours = 0;  // our index: what we have taken or put so far
};

class XdpDevice final : public FrameDevice {
 public:
  static Result<std::unique_ptr<XdpDevice>, Refusal> open(const LinkPlan& plan, u32 interface_index, u32 queue,
                                                          Descriptor program);

  const LinkDescription& description() const override { return description_; }
  size_t receive(std::span<ReceivedFrame> burst) override;
  void release() override;
  std::optional<FrameSlot> take_slot() override;
  void drop(const FrameSlot& slot) override;
  void transmit(const FrameSlot& slot) override;
  void flush() override;
  bool congested() override;
  int descriptor() const override { return fd_.get(); }
  bool unsent() const override { return send_.consumer->load(std::memory_order_acquire) != send_.ours; }
  std::span<const AllowedCall> system_calls() const override { return xdp_system_calls; }

 private:
  XdpDevice(Descriptor fd, Mapping frames, LinkDescription description, Descriptor program);
  Result<void, Refusal> map_rings(std::string_view interface);
  void reclaim();

  Descriptor fd_;
  Mapping frames_;
  LinkDescription description_;
  Descriptor program_;  // attached while we live
  XdpRing fill_, completion_, receive_, send_;
  std::vector<u64> free_;                    // frames to send from: offsets into frames_
  std::array<u64, frame_burst> borrowed_{};  // of the last receive()
  size_t borrowed_count_ = 0;
};

}  // namespace samara::hal
