// Mapping: pages of the process that are unmapped by their one owner. Pages cost memory when they are first written to.
#pragma once

#include <optional>

#include "platform/base/types.h"

namespace samara::hal {

class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  // Zero pages of this process alone.
  static std::optional<Mapping> anonymous(size_t size);
  // Zero pages that stay the same ones in child processes. Address space only: nothing is set aside.
  static std::optional<Mapping> shared(size_t size);

  size_t size() const { return size_; }
  MutableBytes bytes() const { return {base_, size_}; }
  // From now on a write from this process is a fault.
  bool make_read_only();
  // Gives whole pages inside [offset, offset + length) of a shared mapping back; they read as zero again.
  void release(size_t offset, size_t length);

 private:
  Mapping(u8* base, size_t size) : base_(base), size_(size) {}
  static std::optional<Mapping> map(size_t size, int protection, int flags, int fd);

  u8* base_ = nullptr;
  size_t size_ = 0;
};

}  // namespace samara::hal
