// Test records are written as in a zone file.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "dns-core/rdata/rdata_text.h"
#include "platform/codec/base64.h"
#include "platform/codec/hex.h"

namespace samara::dns {

inline Name name(std::string_view text) {
  const auto parsed = Name::parse(text, Name());
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? parsed.value() : Name();
}

inline std::string text_of(const Name& from) {
  TextBuffer<max_name_text> text;
  from.write_text(text.writer());
  return std::string(text.view());
}

// The stored form of record data in presentation format.
inline std::vector<u8> rdata(RrType type, std::string_view text) {
  std::vector<u8> memory(65'535);
  ByteWriter out(memory);
  Lexer lexer(text);
  EXPECT_TRUE(parse_rdata(type, lexer, Name(), out).ok()) << text;
  memory.resize(out.size());
  return memory;
}

inline std::vector<u8> base64(std::string_view text) {
  std::vector<u8> memory(text.size());
  ByteWriter out(memory);
  EXPECT_TRUE(codec::decode_base64(text, out).ok()) << text;
  memory.resize(out.size());
  return memory;
}

inline std::string hex(Bytes from) {
  std::vector<char> memory(from.size() * 2);
  TextWriter out(memory);
  codec::encode_hex(from, out);
  return {memory.begin(), memory.end()};
}

}  // namespace samara::dns
