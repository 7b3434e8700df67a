// A storage in memory for tests: it keeps what is not flushed apart, and can be cut off in every way a crash may cut it off.
#pragma once

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "platform/base/rng.h"
#include "platform/hal/storage.h"

namespace samara::zone::store {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(u64 seed) : engine_(seed) {}
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

class CrashingStorage final : public hal::Storage {
 public:
  explicit CrashingStorage(u64 size, u32 block = 512) : medium(size), block_(block), now_(size) {}
  CrashingStorage(std::vector<u8> content, u32 block) : medium(std::move(content)), block_(block), now_(medium) {}

  // What is certain to be there after a crash now.
  std::vector<u8> medium;
  // Writes since the last flush.
  struct Write {
    u64 offset;
    std::vector<u8> octets;
  };
  std::vector<Write> unflushed;
  u64 writes = 0;
  u64 flushes = 0;
  u64 octets_written = 0;
  // Writes and flushes fail after so many of them.
  u64 fail_after = UINT64_MAX;
  // Reads of this block fail.
  u64 unreadable = UINT64_MAX;

  u64 size() const override { return medium.size(); }
  u32 block_size() const override { return block_; }
  Result<void, hal::StorageError> read(u64 offset, MutableBytes into) override {
    if (!hal::fits(*this, offset, into.size())) return fail(hal::StorageError::out_of_range);
    if (unreadable >= offset && unreadable < offset + into.size()) return fail(hal::StorageError::device);
    std::copy_n(now_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    return {};
  }
  Result<void, hal::StorageError> write(u64 offset, Bytes from) override {
    if (!hal::fits(*this, offset, from.size())) return fail(hal::StorageError::out_of_range);
    if (fail_after == 0) return fail(hal::StorageError::device);
    --fail_after;
    ++writes;
    octets_written += from.size();
    std::ranges::copy(from, now_.begin() + static_cast<std::ptrdiff_t>(offset));
    unflushed.push_back({offset, {from.begin(), from.end()}});
    return {};
  }
  Result<void, hal::StorageError> flush() override {
    if (fail_after == 0) return fail(hal::StorageError::device);
    --fail_after;
    ++flushes;
    if (std::exchange(changed_by_hand_, false)) medium = now_;
    for (const Write& write : unflushed) {
      std::ranges::copy(write.octets, medium.begin() + static_cast<std::ptrdiff_t>(write.offset));
    }
    unflushed.clear();
    return {};
  }

  // For tests that change it; what they change is flushed with the rest.
  std::vector<u8>& content() {
    changed_by_hand_ = true;
    return now_;
  }

  // The medium after a crash: of the unflushed writes any sectors may be there.
  std::vector<u8> crashed(std::mt19937_64& random) const {
    std::vector<u8> left = medium;
    const u64 style = random() % 4;  // nothing, all but the end of the last, any sectors, all
    for (size_t i = 0; i < unflushed.size(); ++i) {
      const Write& write = unflushed[i];
      for (size_t at = 0; at < write.octets.size(); at += 512) {
        const bool end = i + 1 == unflushed.size() && at >= write.octets.size() / 2;
        const bool there = style == 3 || (style == 1 && !end) || (style == 2 && random() % 2 == 0);
        if (there)
          std::copy_n(write.octets.begin() + static_cast<std::ptrdiff_t>(at), 512,
                      left.begin() + static_cast<std::ptrdiff_t>(write.offset + at));
      }
    }
    return left;
  }

 private:
  u32 block_;
  std::vector<u8> now_;
  bool changed_by_hand_ = false;
};

}  // namespace samara::zone::store
