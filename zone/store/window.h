// Window: reads a storage piece by piece through one buffer. A block that cannot be read reads as zeros, which no checksum
// takes for anything.
#pragma once

#include <vector>

#include "platform/hal/storage.h"
#include "zone/store/format.h"

namespace samara::zone::store {

class Window {
 public:
  // Blocks are `block` octets, a multiple of the storage's own.
  Window(hal::Storage& storage, u32 block) : storage_(storage), block_(block) {}

  // `size` octets (at most max_entry_size) from `offset`, which is a block's; cut at `end`. Reads up to `ahead` octets when it
  // has to read at all. Valid until the next call.
  Bytes at(u64 offset, size_t size, u64 end, size_t ahead);
  // The storage was written to.
  void forget() { filled_ = 0; }
  // Blocks that could not be read.
  u64 unreadable() const { return unreadable_; }

 private:
  hal::Storage& storage_;
  u32 block_;
  std::vector<u8> buffer_;
  u64 begin_ = 0;
  size_t filled_ = 0;
  u64 unreadable_ = 0;
};

}  // namespace samara::zone::store
