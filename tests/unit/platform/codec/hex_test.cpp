#include "platform/codec/hex.h"

#include <gtest/gtest.h>

#include <vector>

namespace samara::codec {
namespace {

TEST(Hex, reads_either_case) {
  std::array<u8, 8> memory{};
  ByteWriter out(memory);
  ASSERT_TRUE(decode_hex("0123456789abCDeF", out).ok());
  EXPECT_EQ(memory, (std::array<u8, 8>{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}));
}

TEST(Hex, writes_the_case_asked_for) {
  const std::vector<u8> octets{0x00, 0x9a, 0xff};
  TextBuffer<6> lower;
  encode_hex(octets, lower.writer());
  EXPECT_EQ(lower.view(), "009aff");
  TextBuffer<6> upper;
  encode_hex(octets, upper.writer(), HexCase::upper);
  EXPECT_EQ(upper.view(), "009AFF");
}

TEST(Hex, a_piece_may_end_between_the_digits_of_an_octet) {
  std::array<u8, 3> memory{};
  ByteWriter out(memory);
  HexDecoder decoder;
  for (const std::string_view piece : {"d", "", "ea", "db", "e"}) ASSERT_TRUE(decoder.feed(piece, out).ok());
  ASSERT_TRUE(decoder.finish().ok());
  EXPECT_EQ(memory, (std::array<u8, 3>{0xde, 0xad, 0xbe}));
}

TEST(Hex, refuses_an_odd_number_of_digits) {
  std::array<u8, 3> memory{};
  ByteWriter out(memory);
  EXPECT_EQ(decode_hex("abc", out).error(), DecodeError::bad_length);
}

TEST(Hex, refuses_other_characters) {
  for (const std::string_view text : {"0g", "0x10", "a b", "a-", "/0", ":0", "@0", "`0"}) {
    std::array<u8, 8> memory{};
    ByteWriter out(memory);
    EXPECT_EQ(decode_hex(text, out).error(), DecodeError::bad_character) << text;
  }
}

TEST(Hex, says_when_the_octets_do_not_fit) {
  std::array<u8, 2> memory{};
  ByteWriter out(memory);
  EXPECT_EQ(decode_hex("010203", out).error(), DecodeError::no_room);
}

}  // namespace
}  // namespace samara::codec
