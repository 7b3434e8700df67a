// EntropyDevice: a virtio entropy source (virtio 1.2 section 5.4), asked once.
#pragma once

#include <array>
#include <optional>

#include "platform/base/types.h"
#include "platform/hal/virtio/virtqueue.h"

namespace samara::hal::virtio {

class EntropyDevice {
 public:
  static constexpr u16 device_id = 4;
  static constexpr size_t request_size = 64;

  // Asks for request_size octets. Nothing: the device does not work with us. It outlives this.
  static std::optional<EntropyDevice> open(Transport& device);

  // What the device gave, up to request_size octets; empty: nothing yet. Valid as long as this.
  Bytes poll();
  // Gives the device's memory up: it writes nothing any more.
  void close() { device_->set_status(0); }

 private:
  EntropyDevice(Transport& device, bool event_index);

  Transport* device_;
  VirtQueue queue_;
  MutableBytes octets_;
};

}  // namespace samara::hal::virtio
