// PluggedStorage: a storage of the simulated world that outlives its machine. When the power goes, of what was written since
// the last flush any sectors may be there.
#pragma once

#include <algorithm>
#include <vector>

#include "platform/hal/sim/random.h"
#include "platform/hal/storage.h"

namespace samara::sim {

class PluggedStorage final : public hal::Storage {
 public:
  explicit PluggedStorage(u64 size) : medium_(size), now_(size) {}

  u64 size() const override { return medium_.size(); }
  u32 block_size() const override { return hal::min_storage_block; }
  Result<void, hal::StorageError> read(u64 offset, MutableBytes into) override {
    if (!hal::fits(*this, offset, into.size())) return fail(hal::StorageError::out_of_range);
    std::ranges::copy(Bytes(now_).subspan(offset, into.size()), into.begin());
    return {};
  }
  Result<void, hal::StorageError> write(u64 offset, Bytes from) override {
    if (!hal::fits(*this, offset, from.size())) return fail(hal::StorageError::out_of_range);
    std::ranges::copy(from, MutableBytes(now_).subspan(offset).begin());
    for (u64 at = offset; at < offset + from.size(); at += sector) unflushed_.push_back(at);
    return {};
  }
  Result<void, hal::StorageError> flush() override {
    for (const u64 at : unflushed_) take_over(at);
    unflushed_.clear();
    return {};
  }

  void lose_power(hal::sim::SeededRng& rng) {
    std::ranges::sort(unflushed_);
    unflushed_.erase(std::ranges::unique(unflushed_).begin(), unflushed_.end());
    for (const u64 at : unflushed_) {
      if (rng.chance(5'000)) {
        take_over(at);
      } else {
        std::ranges::copy(Bytes(medium_).subspan(at, sector), MutableBytes(now_).subspan(at).begin());
      }
    }
    unflushed_.clear();
  }

 private:
  static constexpr u64 sector = hal::min_storage_block;
  void take_over(u64 at) { std::ranges::copy(Bytes(now_).subspan(at, sector), MutableBytes(medium_).subspan(at).begin()); }

  std::vector<u8> medium_;  // what is certain to be there
  std::vector<u8> now_;
  std::vector<u64> unflushed_;  // sectors
};

}  // namespace samara::sim
