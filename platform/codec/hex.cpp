#include "platform/codec/hex.h"

#include <array>

namespace samara::codec {
namespace {

constexpr u8 not_a_digit = 0xff;
constexpr std::array<u8, 256> digits = [] {
  std::array<u8, 256> table{};
  table.fill(not_a_digit);
  for (size_t i = 0; i < 10; ++i) table[static_cast<size_t>('0') + i] = static_cast<u8>(i);
  for (size_t i = 0; i < 6; ++i) {
    table[static_cast<size_t>('a') + i] = static_cast<u8>(10 + i);
    table[static_cast<size_t>('A') + i] = static_cast<u8>(10 + i);
  }
  return table;
}();

}  // namespace

Result<void, DecodeError> HexDecoder::feed(std::string_view piece, ByteWriter& out) {
  for (const char c : piece) {
    const u8 value = digits[static_cast<u8>(c)];
    if (value == not_a_digit) return fail(DecodeError::bad_character);
    if (half_) {
      out.u8(static_cast<u8>((high_ << 4) | value));
    } else {
      high_ = value;
    }
    half_ = !half_;
  }
  if (out.overflowed()) return fail(DecodeError::no_room);
  return {};
}

Result<void, DecodeError> HexDecoder::finish() const {
  if (half_) return fail(DecodeError::bad_length);
  return {};
}

Result<void, DecodeError> decode_hex(std::string_view text, ByteWriter& out) {
  HexDecoder decoder;
  TRY(decoder.feed(text, out));
  return decoder.finish();
}

void encode_hex(Bytes octets, TextWriter& out, HexCase letters) {
  const std::string_view alphabet = letters == HexCase::lower ? "0123456789abcdef" : "0123456789ABCDEF";
  for (const u8 octet : octets) {
    out.put(alphabet[octet >> 4]);
    out.put(alphabet[octet & 15]);
  }
}

}  // namespace samara::codec
