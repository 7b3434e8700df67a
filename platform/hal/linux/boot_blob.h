// The boot configuration as an inherited descriptor: a file, a memory file, a pipe or a socket. A memory file that is sealed
// against change is mapped; anything else is read into memory of our own, because nobody promises that it stays as it is.
#pragma once

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/mapping.h"

namespace samara::hal {

// Zone texts travel in the boot configuration; a million records are some 60 MB of them.
constexpr size_t max_boot_blob = size_t{1} << 30;

class BootBlob {
 public:
  // Reads the whole of `fd` and closes it. `limit` is the largest size accepted, in octets.
  static Result<BootBlob, Refusal> read(int fd, size_t limit = max_boot_blob);
  Bytes bytes() const { return Bytes(memory_.bytes()).first(size_); }

 private:
  BootBlob(Mapping memory, size_t size) : memory_(std::move(memory)), size_(size) {}
  Mapping memory_;
  size_t size_;
};

}  // namespace samara::hal
