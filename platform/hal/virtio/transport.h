// Transport: a virtio device as its driver sees it, whatever bus it is on (virtio 1.2, chapters 2 to 4); and the way every
// driver begins, open_device().
#pragma once

#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::hal::virtio {

// Section 2.1.
namespace status {
constexpr u8 acknowledge = 1;
constexpr u8 driver = 2;
constexpr u8 driver_ok = 4;
constexpr u8 features_ok = 8;
constexpr u8 needs_reset = 64;
constexpr u8 failed = 128;
}  // namespace status

// Section 6: features that are not a device's but virtio's own.
constexpr u64 feature_event_index = u64{1} << 29;
constexpr u64 feature_version_1 = u64{1} << 32;
constexpr u64 feature_access_platform = u64{1} << 33;

// Where a queue's three parts are in physical memory.
struct QueueAddresses {
  u64 descriptors = 0;
  u64 available = 0;
  u64 used = 0;
};

class Transport {
 public:
  virtual u8 status() = 0;
  // 0 resets the device, and returns when it is reset.
  virtual void set_status(u8 value) = 0;
  virtual u64 device_features() = 0;
  virtual void set_driver_features(u64 features) = 0;
  // The device's own configuration; octets it does not have read as anything.
  virtual u8 read_config(u16 offset) = 0;
  // Another number whenever the device has changed its configuration (section 2.5).
  virtual u32 config_generation() = 0;
  // Entries queue `index` may have; 0: there is no such queue.
  virtual u16 max_queue_size(u16 index) = 0;
  // Interrupts of the queue end a halt where the machine can do that.
  virtual void enable_queue(u16 index, u16 size, const QueueAddresses& at) = 0;
  virtual void notify(u16 index) = 0;
  // Takes note of the interrupts there were, so that the next thing that happens raises one.
  virtual void acknowledge_interrupts() = 0;
  // What the device's interrupts do to a halt: false, nothing, so whoever waits has to look now and then.
  virtual bool interrupts_work() const = 0;

 protected:
  ~Transport() = default;
};

enum class OpenError : u8 {
  legacy,    // it does not offer virtio 1
  features,  // it does not agree to what it offered
};

// Resets the device and agrees on features: those of `wanted` that it offers, and virtio 1. The driver sets up its queues and
// then calls start_device().
Result<u64, OpenError> open_device(Transport& device, u64 wanted);
void start_device(Transport& device);

}  // namespace samara::hal::virtio
