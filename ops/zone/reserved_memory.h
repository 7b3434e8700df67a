// Address space that costs memory only where it is written to: room for a zone of any size.
#pragma once

#include "platform/base/types.h"

namespace samara::ops {

class ReservedMemory {
 public:
  // Smaller than asked for (possibly empty) when the system gives less.
  explicit ReservedMemory(size_t size);
  ~ReservedMemory();
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;
  // Zeros where nothing was written.
  MutableBytes bytes() const { return bytes_; }

 private:
  MutableBytes bytes_;
};

}  // namespace samara::ops
