// EntropyDevice: a virtio entropy source (virtio 1.2 section 5.4), asked when it is opened and whenever ask() is called.
#pragma once

#include <memory>

#include "platform/base/types.h"
#include "platform/hal/virtio/device_memory.h"
#include "platform/hal/virtio/virtqueue.h"

namespace samara::hal::virtio {

class EntropyDevice {
 public:
  static constexpr u16 device_id = 4;
  static constexpr size_t request_size = 64;

  // Asks for request_size octets. Null: the device does not work with us. It outlives this.
  static std::unique_ptr<EntropyDevice> open(Transport& device);

  EntropyDevice(const EntropyDevice&) = delete;
  EntropyDevice& operator=(const EntropyDevice&) = delete;
  ~EntropyDevice() { device_.set_status(0); }

  // What the device gave, up to request_size octets; empty: nothing yet. Valid until ask().
  Bytes poll();
  // For request_size octets more, unless a request is under way.
  void ask();

 private:
  EntropyDevice(Transport& device, bool event_index);

  Transport& device_;
  DeviceMemory rings_;
  DeviceMemory octets_;
  VirtQueue queue_;
};

}  // namespace samara::hal::virtio
