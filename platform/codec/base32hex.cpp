#include "platform/codec/base32hex.h"

namespace samara::codec {
namespace {

constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuv";
constexpr u32 not_a_digit = 32;

constexpr u32 digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<u32>(c - '0');
  if (c >= 'a' && c <= 'v') return static_cast<u32>(c - 'a') + 10;
  if (c >= 'A' && c <= 'V') return static_cast<u32>(c - 'A') + 10;
  return not_a_digit;
}

}  // namespace

Result<void, DecodeError> decode_base32hex(std::string_view text, ByteWriter& out) {
  u32 bits = 0;
  u32 count = 0;
  for (const char c : text) {
    const u32 value = digit(c);
    if (value == not_a_digit) return fail(DecodeError::bad_character);
    bits = (bits << 5) | value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      out.u8(static_cast<u8>(bits >> count));
      bits &= (1U << count) - 1;
    }
  }
  // What is left is less than a character: 1, 3 or 6 characters of a group encode no whole number of octets.
  if (count >= 5) return fail(DecodeError::bad_length);
  if (bits != 0) return fail(DecodeError::stray_bits);
  if (out.overflowed()) return fail(DecodeError::no_room);
  return {};
}

void encode_base32hex(Bytes octets, TextWriter& out) {
  u32 bits = 0;
  u32 count = 0;
  for (const u8 octet : octets) {
    bits = (bits << 8) | octet;
    count += 8;
    while (count >= 5) {
      count -= 5;
      out.put(alphabet[(bits >> count) & 31]);
    }
    bits &= (1U << count) - 1;
  }
  if (count > 0) out.put(alphabet[(bits << (5 - count)) & 31]);
}

}  // namespace samara::codec
