// ByteReader: a cursor over octets from outside. Every step checks what is left and says so in a Result; nothing is read
// past the end. Integers are big-endian (network order).
//
//   ByteReader r(packet);
//   const u16 length = TRY(r.u16());
//   ByteReader body = TRY(r.sub(length));   // a nested length: `body` cannot see past it
//   …
//   TRY(body.expect_end());                 // what is nested must be used up
#pragma once

#include "platform/base/byte_order.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara {

enum class ReadError : u8 {
  truncated,  // fewer octets are left than asked for
  trailing,   // octets are left where the end was expected
};

class ByteReader {
 public:
  // Reading begins at `position`, which is at most the number of octets.
  constexpr explicit ByteReader(Bytes bytes, size_t position = 0) : bytes_(bytes), position_(position) {}

  constexpr size_t position() const { return position_; }
  constexpr size_t remaining() const { return bytes_.size() - position_; }
  constexpr bool at_end() const { return position_ == bytes_.size(); }
  constexpr Bytes whole() const { return bytes_; }
  constexpr Bytes rest() const { return bytes_.subspan(position_); }

  constexpr Result<samara::u8, ReadError> u8() {
    if (remaining() < 1) return fail(ReadError::truncated);
    return bytes_[position_++];
  }
  constexpr Result<samara::u16, ReadError> u16() {
    if (remaining() < 2) return fail(ReadError::truncated);
    position_ += 2;
    return load_be16(bytes_, position_ - 2);
  }
  constexpr Result<samara::u32, ReadError> u32() {
    if (remaining() < 4) return fail(ReadError::truncated);
    position_ += 4;
    return load_be32(bytes_, position_ - 4);
  }
  // 48 bits, as in the TSIG time field.
  constexpr Result<samara::u64, ReadError> u48() {
    if (remaining() < 6) return fail(ReadError::truncated);
    position_ += 6;
    return (static_cast<samara::u64>(load_be16(bytes_, position_ - 6)) << 32) | load_be32(bytes_, position_ - 4);
  }
  constexpr Result<samara::u64, ReadError> u64() {
    if (remaining() < 8) return fail(ReadError::truncated);
    position_ += 8;
    return load_be64(bytes_, position_ - 8);
  }
  constexpr Result<Bytes, ReadError> bytes(size_t count) {
    if (remaining() < count) return fail(ReadError::truncated);
    position_ += count;
    return bytes_.subspan(position_ - count, count);
  }
  constexpr Result<void, ReadError> skip(size_t count) {
    if (remaining() < count) return fail(ReadError::truncated);
    position_ += count;
    return {};
  }
  // A reader over the next `count` octets, which this one steps over.
  constexpr Result<ByteReader, ReadError> sub(size_t count) { return ByteReader(TRY(bytes(count))); }
  constexpr Result<void, ReadError> expect_end() const {
    if (!at_end()) return fail(ReadError::trailing);
    return {};
  }

 private:
  Bytes bytes_;
  size_t position_;
};

}  // namespace samara
