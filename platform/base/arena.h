// Arena: memory that is handed out front to back and taken back all at once (packet lifetime: reset each loop turn).
#pragma once

#include <optional>

#include "platform/base/types.h"

namespace samara {

class Arena {
 public:
  explicit Arena(MutableBytes memory) : memory_(memory) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  size_t used() const { return used_; }
  size_t capacity() const { return memory_.size(); }
  // `count` octets whose offset in the arena is a multiple of `alignment` (a power of two); nothing when it is full.
  std::optional<MutableBytes> take(size_t count, size_t alignment = 8) {
    const size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (start > memory_.size() || count > memory_.size() - start) return std::nullopt;
    used_ = start + count;
    return memory_.subspan(start, count);
  }
  void reset() { used_ = 0; }

 private:
  MutableBytes memory_;
  size_t used_ = 0;
};

}  // namespace samara
