// NetCard: a virtio network device (virtio 1.2 section 5.1) as a Link. Buffers are in flight from the start in both directions
// and no memory is taken afterwards. Agreed on when offered: event index, checksums both ways, MTU, MAC address, link status.
// Not used on purpose: segmentation offloads, merged buffers, control and multiple queues.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "platform/base/result.h"
#include "platform/base/text_writer.h"
#include "platform/hal/link.h"
#include "platform/hal/virtio/device_memory.h"
#include "platform/hal/virtio/virtqueue.h"

namespace samara::hal::virtio {

struct NetCounters {
  u64 received = 0;
  u64 sent = 0;
  u64 malformed = 0;  // too short or too long for a frame, or with an offload nobody agreed to: dropped
  u64 no_slot = 0;    // everything was under way
};

class NetCard final : public Link {
 public:
  static constexpr u16 device_id = 1;

  enum class OpenError : u8 { legacy, features, no_queues };
  // `device` outlives the card. Takes all memory the card will ever need.
  static Result<std::unique_ptr<NetCard>, OpenError> open(Transport& device);

  NetCard(const NetCard&) = delete;
  NetCard& operator=(const NetCard&) = delete;
  ~NetCard() { device_.set_status(0); }

  const LinkDescription& description() const override { return description_; }
  size_t receive(std::span<ReceivedFrame> burst) override;
  void release() override;
  std::optional<FrameSlot> take_slot() override;
  void drop(const FrameSlot& slot) override;
  void transmit(const FrameSlot& slot) override;
  void flush() override;
  bool congested() override;

  // Before a sleep. True: frames came meanwhile, do not sleep; when congested: the device has sent some, and what comes in
  // waits.
  bool prepare_sleep();
  // After it.
  void end_sleep();
  // The device is done with all that was transmitted.
  bool all_sent();
  // The device broke the rules or asks to be reset: it is of no use any more.
  bool broken();
  bool link_up();
  // Whether the link is up, when that has changed since the last call, or the open(). One that went down and came up meanwhile
  // is up anew: who is at its other end may be somebody else.
  std::optional<bool> link_change();
  const NetCounters& counters() const { return counters_; }
  Transport& device() { return device_; }

 private:
  // What stands in front of every frame (section 5.1.6), and the room for it in front of a slot.
  static constexpr size_t header_size = 12;
  static constexpr size_t header_room = 16;

  NetCard(Transport& device, u64 features, u16 receive_size, u16 transmit_size);
  void give_receive_slot(u16 token);
  MutableBytes receive_slot(u16 token) const;
  MutableBytes transmit_slot(u16 token) const;
  u16 token_of(const FrameSlot& slot) const;
  void reclaim();

  Transport& device_;
  u64 features_;
  LinkDescription description_;
  size_t receive_stride_;
  size_t transmit_stride_;
  DeviceMemory receive_rings_;
  DeviceMemory transmit_rings_;
  DeviceMemory receive_memory_;
  DeviceMemory transmit_memory_;
  VirtQueue receive_queue_;
  VirtQueue transmit_queue_;
  std::vector<u16> to_release_;  // tokens of the last receive()
  std::vector<u16> free_slots_;
  std::vector<bool> slot_taken_;
  NetCounters counters_;
  bool link_was_up_;
  u32 seen_generation_;
};

}  // namespace samara::hal::virtio
