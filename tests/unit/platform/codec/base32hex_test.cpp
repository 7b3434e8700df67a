#include "platform/codec/base32hex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace samara::codec {
namespace {

struct Vector {
  std::string_view octets;
  std::string_view text;
};
// RFC 4648 section 10, without the padding.
constexpr Vector vectors[] = {{"", ""},
                              {"f", "co"},
                              {"fo", "cpng"},
                              {"foo", "cpnmu"},
                              {"foob", "cpnmuog"},
                              {"fooba", "cpnmuoj1"},
                              {"foobar", "cpnmuoj1e8"}};

std::vector<u8> octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

Result<std::vector<u8>, DecodeError> decode(std::string_view text, size_t room = 256) {
  std::vector<u8> memory(room);
  ByteWriter out(memory);
  TRY(decode_base32hex(text, out));
  memory.resize(out.size());
  return memory;
}

TEST(Base32Hex, decodes_the_vectors_of_rfc_4648_in_either_case) {
  for (const Vector& v : vectors) {
    EXPECT_EQ(decode(v.text).value(), octets_of(v.octets));
    std::string upper(v.text);
    std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    EXPECT_EQ(decode(upper).value(), octets_of(v.octets));
  }
}

TEST(Base32Hex, encodes_the_vectors_of_rfc_4648_in_lower_case) {
  for (const Vector& v : vectors) {
    TextBuffer<16> text;
    encode_base32hex(octets_of(v.octets), text.writer());
    EXPECT_EQ(text.view(), v.text);
    EXPECT_EQ(text.view().size(), base32hex_size(v.octets.size()));
  }
}

TEST(Base32Hex, a_sha1_digest_is_32_characters_and_comes_back) {
  // RFC 5155 appendix A: the hash of "example.".
  constexpr std::string_view label = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";
  const std::vector<u8> digest = decode(label).value();
  ASSERT_EQ(digest.size(), 20U);
  TextBuffer<32> text;
  encode_base32hex(digest, text.writer());
  EXPECT_EQ(text.view(), label);
}

TEST(Base32Hex, refuses_characters_outside_the_alphabet) {
  for (const std::string_view text : {"cpnw", "cpn=", "cp g", "zz", "cpn\x80"}) {
    EXPECT_EQ(decode(text).error(), DecodeError::bad_character) << text;
  }
}

TEST(Base32Hex, refuses_lengths_that_encode_no_whole_octets) {
  for (const std::string_view text : {"c", "cpn", "cpnmuo", "cpnmuoj1c"}) {
    EXPECT_EQ(decode(text).error(), DecodeError::bad_length) << text;
  }
}

TEST(Base32Hex, refuses_bits_that_encode_nothing) {
  for (const std::string_view text : {"cp", "cpnh", "cpnmv", "cpnmuoh"}) {
    EXPECT_EQ(decode(text).error(), DecodeError::stray_bits) << text;
  }
}

TEST(Base32Hex, says_when_the_octets_do_not_fit) {
  EXPECT_EQ(decode("cpnmu", 2).error(), DecodeError::no_room);
  EXPECT_TRUE(decode("cpnmu", 3).ok());
}

}  // namespace
}  // namespace samara::codec
