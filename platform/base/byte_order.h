// Big-endian (network order) loads and stores at an offset of a span. The caller has checked the length; a wrong offset
// traps. One bounds check covers all octets of a number, so each of these is one load or store.
#pragma once

#include <type_traits>

#include "platform/base/types.h"

namespace samara {

constexpr u16 load_be16(Bytes at, size_t offset = 0) {
  const auto b = at.subspan(offset, 2);
  return static_cast<u16>((b[0] << 8) | b[1]);
}
constexpr u32 load_be32(Bytes at, size_t offset = 0) {
  const auto b = at.subspan(offset, 4);
  return (static_cast<u32>(b[0]) << 24) | (static_cast<u32>(b[1]) << 16) | (static_cast<u32>(b[2]) << 8) | b[3];
}
constexpr u64 load_be64(Bytes at, size_t offset = 0) {
  const auto b = at.subspan(offset, 8);
  return u64{b[0]} << 56 | u64{b[1]} << 48 | u64{b[2]} << 40 | u64{b[3]} << 32 | u64{b[4]} << 24 | u64{b[5]} << 16 |
         u64{b[6]} << 8 | u64{b[7]};
}
constexpr u32 load_le32(Bytes at, size_t offset = 0) {
  const auto b = at.subspan(offset, 4);
  return (static_cast<u32>(b[3]) << 24) | (static_cast<u32>(b[2]) << 16) | (static_cast<u32>(b[1]) << 8) | b[0];
}
constexpr u64 load_le64(Bytes at, size_t offset = 0) {
  const auto b = at.subspan(offset, 8);
  return u64{b[0]} | u64{b[1]} << 8 | u64{b[2]} << 16 | u64{b[3]} << 24 | u64{b[4]} << 32 | u64{b[5]} << 40 | u64{b[6]} << 48 |
         u64{b[7]} << 56;
}

constexpr bool equal_octets(Bytes a, Bytes b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 8) {
    for (size_t i = 0; i < size; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }
  for (size_t i = 0; i + 8 < size; i += 8) {
    if (load_le64(a, i) != load_le64(b, i)) return false;
  }
  return load_le64(a, size - 8) == load_le64(b, size - 8);
}

// In one sweep: in an image std::ranges::fill checks the place of each octet, and stays a loop.
constexpr void fill_octets(MutableBytes at, u8 value) {
  if (std::is_constant_evaluated()) {
    for (u8& octet : at) octet = value;
  } else if (!at.empty()) {
    __builtin_memset(at.data(), value, at.size());
  }
}

constexpr void store_be16(MutableBytes at, size_t offset, u16 value) {
  const auto b = at.subspan(offset, 2);
  b[0] = static_cast<u8>(value >> 8);
  b[1] = static_cast<u8>(value);
}
constexpr void store_be32(MutableBytes at, size_t offset, u32 value) {
  const auto b = at.subspan(offset, 4);
  b[0] = static_cast<u8>(value >> 24);
  b[1] = static_cast<u8>(value >> 16);
  b[2] = static_cast<u8>(value >> 8);
  b[3] = static_cast<u8>(value);
}
constexpr void store_be64(MutableBytes at, size_t offset, u64 value) {
  const auto b = at.subspan(offset, 8);
  b[0] = static_cast<u8>(value >> 56);
  b[1] = static_cast<u8>(value >> 48);
  b[2] = static_cast<u8>(value >> 40);
  b[3] = static_cast<u8>(value >> 32);
  b[4] = static_cast<u8>(value >> 24);
  b[5] = static_cast<u8>(value >> 16);
  b[6] = static_cast<u8>(value >> 8);
  b[7] = static_cast<u8>(value);
}
constexpr void store_le32(MutableBytes at, size_t offset, u32 value) {
  const auto b = at.subspan(offset, 4);
  b[0] = static_cast<u8>(value);
  b[1] = static_cast<u8>(value >> 8);
  b[2] = static_cast<u8>(value >> 16);
  b[3] = static_cast<u8>(value >> 24);
}
constexpr void store_le64(MutableBytes at, size_t offset, u64 value) {
  const auto b = at.subspan(offset, 8);
  b[0] = static_cast<u8>(value);
  b[1] = static_cast<u8>(value >> 8);
  b[2] = static_cast<u8>(value >> 16);
  b[3] = static_cast<u8>(value >> 24);
  b[4] = static_cast<u8>(value >> 32);
  b[5] = static_cast<u8>(value >> 40);
  b[6] = static_cast<u8>(value >> 48);
  b[7] = static_cast<u8>(value >> 56);
}

}  // namespace samara
