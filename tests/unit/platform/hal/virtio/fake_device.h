// A virtio device in memory, well-behaved or not, for tests of its drivers.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "platform/hal/virtio/transport.h"

namespace samara::hal::virtio {

// The device's side of one split queue (virtio 1.2 section 2.7), by the addresses the driver gave.
class DeviceQueue {
 public:
  DeviceQueue() = default;
  DeviceQueue(u16 size, const QueueAddresses& at) : size_(size), at_(at) {}

  struct Part {
    u8* octets;
    u32 length;
    bool writable;
  };
  // A buffer in parts.
  struct Chain {
    u16 id;
    std::vector<Part> parts;
  };
  std::vector<Chain> take_chains() {
    std::vector<Chain> taken;
    const u16 index = half(at_.available + 2);
    for (; seen_ != index; ++seen_) {
      u16 at = half(at_.available + 4 + u64{2} * (seen_ % size_));
      Chain chain{at, {}};
      for (bool more = true; more && chain.parts.size() < size_;) {
        const u64 descriptor = at_.descriptors + u64{16} * at;
        u64 address;
        u32 length;
        std::memcpy(&address, pointer(descriptor), 8);
        std::memcpy(&length, pointer(descriptor + 8), 4);
        const u16 flags = half(descriptor + 12);
        chain.parts.push_back({pointer(address), length, (flags & 2) != 0});
        more = (flags & 1) != 0;
        at = half(descriptor + 14);
      }
      taken.push_back(chain);
    }
    return taken;
  }
  struct Buffer {
    u16 id;
    u8* octets;
    u32 length;
    bool writable;
  };
  // Buffers the driver made available and the device has not looked at yet.
  std::vector<Buffer> take() {
    std::vector<Buffer> taken;
    const u16 index = half(at_.available + 2);
    for (; seen_ != index; ++seen_) {
      const u16 id = half(at_.available + 4 + u64{2} * (seen_ % size_));
      const u64 descriptor = at_.descriptors + u64{16} * id;
      u64 address;
      u32 length;
      std::memcpy(&address, pointer(descriptor), 8);
      std::memcpy(&length, pointer(descriptor + 8), 4);
      taken.push_back({id, pointer(address), length, (half(descriptor + 12) & 2) != 0});
    }
    return taken;
  }
  void give(u32 id, u32 length) {
    const u64 entry = at_.used + 4 + u64{8} * (used_ % size_);
    std::memcpy(pointer(entry), &id, 4);
    std::memcpy(pointer(entry + 4), &length, 4);
    set_used_index(static_cast<u16>(used_ + 1));
  }
  void set_used_index(u16 index) {
    used_ = index;
    std::memcpy(pointer(at_.used + 2), &index, 2);
  }
  // Asks for a notification of the next buffer.
  void ask_for_next() { set_available_event(seen_); }
  u16 used_event() const { return half(at_.available + 4 + u64{2} * size_); }
  u16 available_flags() const { return half(at_.available); }
  void set_available_event(u16 index) { std::memcpy(pointer(at_.used + 4 + u64{8} * size_), &index, 2); }
  void set_used_flags(u16 flags) { std::memcpy(pointer(at_.used), &flags, 2); }

 private:
  static u8* pointer(u64 address) { return reinterpret_cast<u8*>(address); }
  static u16 half(u64 address) {
    u16 value;
    std::memcpy(&value, pointer(address), 2);
    return value;
  }

  u16 size_ = 1;
  QueueAddresses at_;
  u16 seen_ = 0;
  u16 used_ = 0;
};

class FakeDevice final : public Transport {
 public:
  u64 features = feature_version_1 | feature_event_index;
  bool agrees = true;
  std::vector<u8> config = std::vector<u8>(16);
  u32 generation = 0;
  std::vector<u16> queue_sizes{256, 256};
  std::map<u16, DeviceQueue> queues;
  std::map<u16, int> notifications;
  std::vector<u8> status_history;
  u64 driver_features = 0;
  u8 extra_status = 0;

  u8 status() override { return static_cast<u8>(current_ | extra_status); }
  void set_status(u8 value) override {
    status_history.push_back(value);
    current_ = agrees ? value : static_cast<u8>(value & ~status::features_ok);
    if (value == 0) queues.clear();
  }
  u64 device_features() override { return features; }
  void set_driver_features(u64 agreed) override { driver_features = agreed; }
  u8 read_config(u16 offset) override { return offset < config.size() ? config[offset] : u8{0xff}; }
  u32 config_generation() override { return generation; }
  u16 max_queue_size(u16 index) override { return index < queue_sizes.size() ? queue_sizes[index] : u16{0}; }
  void enable_queue(u16 index, u16 size, const QueueAddresses& at) override { queues[index] = DeviceQueue(size, at); }
  // What the device does when it is notified.
  std::function<void()> works;
  void notify(u16 index) override {
    ++notifications[index];
    if (works) works();
  }
  void acknowledge_interrupts() override {}
  bool interrupts_work() const override { return true; }

 private:
  u8 current_ = 0;
};

}  // namespace samara::hal::virtio
