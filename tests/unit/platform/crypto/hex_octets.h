// Test vectors are written as hex.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "platform/base/types.h"
#include "platform/codec/hex.h"

namespace samara::crypto {

inline std::vector<u8> octets(std::string_view hex) {
  std::vector<u8> memory(hex.size() / 2);
  ByteWriter out(memory);
  EXPECT_TRUE(codec::decode_hex(hex, out).ok()) << hex;
  return memory;
}

inline std::vector<u8> text(std::string_view characters) {
  return {characters.begin(), characters.end()};
}

inline std::string hex(Bytes from) {
  std::vector<char> memory(from.size() * 2);
  TextWriter out(memory);
  codec::encode_hex(from, out);
  return {memory.begin(), memory.end()};
}

}  // namespace samara::crypto
