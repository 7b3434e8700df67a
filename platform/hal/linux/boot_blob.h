// The boot configuration as an inherited descriptor: a file, a memory file, a pipe or a socket. It is read into memory of our
// own, because nobody promises that a file stays as it is, and because the zone texts, most of it, are given back once they
// have been read (forget()).
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
  // For a worker: it only reads.
  bool make_read_only() { return memory_.make_read_only(); }
  // Gives the whole pages inside `part` of bytes() back, for all processes; they read as zeros from now on.
  void forget(std::string_view part) {
    const auto* first = reinterpret_cast<const u8*>(part.data());
    memory_.release(static_cast<size_t>(first - memory_.bytes().data()), part.size());
  }
  Bytes bytes() const { return Bytes(memory_.bytes()).first(size_); }

 private:
  BootBlob(Mapping memory, size_t size) : memory_(std::move(memory)), size_(size) {}
  Mapping memory_;
  size_t size_;
};

}  // namespace samara::hal
