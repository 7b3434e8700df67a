// Big-endian (network order) loads and stores at an offset of a span. The caller has checked the length; a wrong offset
// traps.
#pragma once

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
  return (static_cast<u64>(load_be32(at, offset)) << 32) | load_be32(at, offset + 4);
}
constexpr u32 load_le32(Bytes at, size_t offset = 0) {
  const auto b = at.subspan(offset, 4);
  return (static_cast<u32>(b[3]) << 24) | (static_cast<u32>(b[2]) << 16) | (static_cast<u32>(b[1]) << 8) | b[0];
}
constexpr u64 load_le64(Bytes at, size_t offset = 0) {
  return (static_cast<u64>(load_le32(at, offset + 4)) << 32) | load_le32(at, offset);
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
  store_be32(at, offset, static_cast<u32>(value >> 32));
  store_be32(at, offset + 4, static_cast<u32>(value));
}
constexpr void store_le32(MutableBytes at, size_t offset, u32 value) {
  const auto b = at.subspan(offset, 4);
  b[0] = static_cast<u8>(value);
  b[1] = static_cast<u8>(value >> 8);
  b[2] = static_cast<u8>(value >> 16);
  b[3] = static_cast<u8>(value >> 24);
}
constexpr void store_le64(MutableBytes at, size_t offset, u64 value) {
  store_le32(at, offset, static_cast<u32>(value));
  store_le32(at, offset + 4, static_cast<u32>(value >> 32));
}

}  // namespace samara
