// MmioTransport: a virtio device in a window of memory (virtio 1.2 section 4.2).
#pragma once

#include <optional>

#include "platform/hal/virtio/transport.h"

namespace samara::hal {

class MmioTransport final : public virtio::Transport {
 public:
  // Looks at the window at `base` whose interrupt is global system interrupt `line`. Nothing: no virtio device is there.
  static std::optional<MmioTransport> find(u64 base, u32 line);

  // 0: a place without a device.
  u16 device_id() const { return device_id_; }
  // It speaks only what was before virtio 1.
  bool legacy() const { return legacy_; }

  u8 status() override;
  void set_status(u8 value) override;
  u64 device_features() override;
  void set_driver_features(u64 features) override;
  u8 read_config(u16 offset) override;
  u32 config_generation() override;
  u16 max_queue_size(u16 index) override;
  void enable_queue(u16 index, u16 size, const virtio::QueueAddresses& at) override;
  void notify(u16 index) override;
  void acknowledge_interrupts() override;
  bool interrupts_work() const override { return routed_; }

 private:
  MmioTransport(u64 base, u32 line, u16 id, bool legacy) : base_(base), line_(line), device_id_(id), legacy_(legacy) {}

  u64 base_;
  u32 line_;
  u16 device_id_;
  bool legacy_;
  bool routed_ = false;
};

}  // namespace samara::hal
