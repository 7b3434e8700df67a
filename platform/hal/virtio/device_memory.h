// Memory that a device reads and writes: whole pages, zeroed, never given back while the image lives.
#pragma once

#include <algorithm>
#include <new>

#include "platform/base/types.h"

namespace samara::hal::virtio {

// What is not zeroed holds only what the driver or the device writes before it is read.
inline MutableBytes take_device_memory(size_t size, bool zeroed) {
  constexpr std::align_val_t page{4096};
  auto* const memory = static_cast<u8*>(::operator new(size, page));
  if (zeroed) std::fill_n(memory, size, u8{0});
  return {memory, size};
}

}  // namespace samara::hal::virtio
