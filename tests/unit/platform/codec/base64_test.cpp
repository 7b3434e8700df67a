#include "platform/codec/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace samara::codec {
namespace {

struct Vector {
  std::string_view octets;
  std::string_view text;
};
// RFC 4648 section 10.
constexpr Vector vectors[] = {{"", ""},
                              {"f", "Zg=="},
                              {"fo", "Zm8="},
                              {"foo", "Zm9v"},
                              {"foob", "Zm9vYg=="},
                              {"fooba", "Zm9vYmE="},
                              {"foobar", "Zm9vYmFy"}};

std::string as_string(Bytes octets) {
  return {octets.begin(), octets.end()};
}

std::string decoded(std::string_view text) {
  std::vector<u8> memory(text.size());
  ByteWriter out(memory);
  EXPECT_TRUE(decode_base64(text, out).ok()) << text;
  return as_string(out.written());
}

DecodeError error_of(std::string_view text) {
  std::vector<u8> memory(text.size());
  ByteWriter out(memory);
  const auto result = decode_base64(text, out);
  EXPECT_FALSE(result.ok()) << text;
  return result.ok() ? DecodeError{} : result.error();
}

TEST(Base64, decodes_the_vectors_of_rfc_4648) {
  for (const Vector& v : vectors) EXPECT_EQ(decoded(v.text), v.octets);
}

TEST(Base64, encodes_the_vectors_of_rfc_4648) {
  for (const Vector& v : vectors) {
    TextBuffer<16> text;
    encode_base64(std::vector<u8>(v.octets.begin(), v.octets.end()), text.writer());
    EXPECT_EQ(text.view(), v.text);
    EXPECT_EQ(text.view().size(), base64_size(v.octets.size()));
  }
}

TEST(Base64, every_split_of_a_text_decodes_to_the_same_octets) {
  constexpr std::string_view text = "AAECAwQFBgcICQoLDA0ODw==";
  const std::string whole = decoded(text);
  ASSERT_EQ(whole.size(), 16U);
  for (size_t i = 0; i <= text.size(); ++i) {
    for (size_t j = i; j <= text.size(); ++j) {
      std::array<u8, 16> memory{};
      ByteWriter out(memory);
      Base64Decoder decoder;
      ASSERT_TRUE(decoder.feed(text.substr(0, i), out).ok());
      ASSERT_TRUE(decoder.feed(text.substr(i, j - i), out).ok());
      ASSERT_TRUE(decoder.feed(text.substr(j), out).ok());
      ASSERT_TRUE(decoder.finish().ok());
      EXPECT_EQ(as_string(out.written()), whole);
    }
  }
}

TEST(Base64, all_octets_survive_a_round_trip_at_every_length) {
  std::vector<u8> octets;
  for (int length = 0; length < 260; ++length) {
    std::vector<char> memory(base64_size(octets.size()));
    TextWriter text(memory);
    encode_base64(octets, text);
    ASSERT_FALSE(text.overflowed());
    EXPECT_EQ(decoded(text.view()), as_string(octets));
    octets.push_back(static_cast<u8>(length * 37));
  }
}

TEST(Base64, refuses_characters_outside_the_alphabet) {
  for (const std::string_view text : {"Zm9v Zg==", "Zm9-", "Zm9_", "Zm\n9", "Zm9vY!==", "\x80m9v"}) {
    EXPECT_EQ(error_of(text), DecodeError::bad_character) << text;
  }
  EXPECT_EQ(error_of(std::string_view("Zm\0v", 4)), DecodeError::bad_character);
}

TEST(Base64, refuses_a_text_that_ends_inside_a_group) {
  for (const std::string_view text : {"Z", "Zg", "Zm9", "Zm9vY", "Zm9vYg", "Zm9vYmE"}) {
    EXPECT_EQ(error_of(text), DecodeError::bad_length) << text;
  }
}

TEST(Base64, refuses_misplaced_padding) {
  for (const std::string_view text : {"=", "Z=", "Z===", "Zg=", "Zg===", "Zm8==", "Zm9v=", "Zg==Zg==", "Zm8=Z", "Zg=g"}) {
    EXPECT_EQ(error_of(text), DecodeError::bad_padding) << text;
  }
}

TEST(Base64, refuses_bits_that_encode_nothing) {
  EXPECT_EQ(error_of("Zh=="), DecodeError::stray_bits);
  EXPECT_EQ(error_of("Zm9="), DecodeError::stray_bits);
}

TEST(Base64, says_when_the_octets_do_not_fit) {
  std::array<u8, 5> memory{};
  ByteWriter out(memory);
  const auto result = decode_base64("Zm9vYmFy", out);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error(), DecodeError::no_room);
  ByteWriter exact(memory);
  EXPECT_TRUE(decode_base64("Zm9vYmE=", exact).ok());
}

TEST(Base64, encoding_into_too_little_room_overflows_the_writer) {
  TextBuffer<7> text;
  encode_base64(std::vector<u8>{1, 2, 3, 4}, text.writer());
  EXPECT_TRUE(text.writer().overflowed());
}

}  // namespace
}  // namespace samara::codec
