// DeviceMemory: memory that a device reads and writes, whole pages. Its owner resets the device before it goes.
#pragma once

#include <new>
#include <utility>

#include "platform/base/byte_order.h"
#include "platform/base/types.h"

namespace samara::hal::virtio {

class DeviceMemory {
 public:
  // What is not zeroed must hold only what the driver or the device writes before it is read.
  enum class Contents : u8 { zeroed, anything };
  DeviceMemory(size_t size, Contents contents) : octets_(static_cast<u8*>(::operator new(size, page)), size) {
    if (contents == Contents::zeroed) fill_octets(octets_, 0);
  }
  DeviceMemory(DeviceMemory&& other) noexcept : octets_(std::exchange(other.octets_, {})) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(octets_, other.octets_);
    return *this;
  }
  ~DeviceMemory() { ::operator delete(octets_.data(), page); }

  MutableBytes octets() const { return octets_; }

 private:
  static constexpr std::align_val_t page{4096};
  MutableBytes octets_;
};

}  // namespace samara::hal::virtio
