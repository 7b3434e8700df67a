// ByteWriter: a cursor that fills memory somebody else owns. The first write that does not fit makes it overflow; from then
// on nothing is written, and one check at the end is enough. mark() and rollback() undo a part that turned out not to fit
// (the way a DNS answer is truncated at an RRset's edge). Integers are written big-endian.
#pragma once

#include <algorithm>
#include <string_view>

#include "platform/base/byte_order.h"
#include "platform/base/types.h"

namespace samara {

class ByteWriter {
 public:
  struct Mark {
    size_t size;
    bool overflowed;
  };

  // Writing starts behind the first `written` octets of `into`, which somebody has filled before.
  constexpr explicit ByteWriter(MutableBytes into, size_t written = 0) : into_(into), size_(written), limit_(into.size()) {}

  constexpr size_t size() const { return size_; }
  constexpr size_t remaining() const { return limit_ - size_; }
  constexpr bool overflowed() const { return overflowed_; }
  constexpr Bytes written() const { return into_.first(size_); }
  constexpr MutableBytes written_mutable() { return into_.first(size_); }

  // Narrows or widens what may be used, in octets from the start; never beyond the memory given, never below size().
  constexpr void set_limit(size_t limit) { limit_ = std::clamp(limit, size_, into_.size()); }
  constexpr size_t limit() const { return limit_; }

  constexpr void u8(samara::u8 value) {
    if (reserve(1)) into_[size_++] = value;
  }
  constexpr void u16(samara::u16 value) {
    if (!reserve(2)) return;
    store_be16(into_, size_, value);
    size_ += 2;
  }
  constexpr void u32(samara::u32 value) {
    if (!reserve(4)) return;
    store_be32(into_, size_, value);
    size_ += 4;
  }
  constexpr void u48(samara::u64 value) {
    if (!reserve(6)) return;
    store_be16(into_, size_, static_cast<samara::u16>(value >> 32));
    store_be32(into_, size_ + 2, static_cast<samara::u32>(value));
    size_ += 6;
  }
  constexpr void u64(samara::u64 value) {
    if (!reserve(8)) return;
    store_be64(into_, size_, value);
    size_ += 8;
  }
  constexpr void bytes(Bytes octets) {
    if (!reserve(octets.size())) return;
    std::copy_n(octets.begin(), octets.size(), into_.subspan(size_, octets.size()).begin());
    size_ += octets.size();
  }
  constexpr void text(std::string_view characters) {
    if (!reserve(characters.size())) return;
    for (const char c : characters) into_[size_++] = static_cast<samara::u8>(c);
  }
  constexpr void zeros(size_t count) {
    if (!reserve(count)) return;
    fill_octets(into_.subspan(size_, count), 0);
    size_ += count;
  }

  // Overwrites two octets already written (a length or count known only afterwards). `at + 2 <= size()`.
  constexpr void patch_u16(size_t at, samara::u16 value) { store_be16(into_.first(size_), at, value); }

  constexpr Mark mark() const { return {size_, overflowed_}; }
  constexpr void rollback(Mark to) {
    size_ = to.size;
    overflowed_ = to.overflowed;
  }

 private:
  constexpr bool reserve(size_t count) {
    if (overflowed_ || count > limit_ - size_) [[unlikely]] {
      overflowed_ = true;
      return false;
    }
    return true;
  }

  MutableBytes into_;
  size_t size_;
  size_t limit_;
  bool overflowed_ = false;
};

}  // namespace samara
