#include "platform/codec/base64.h"

#include <array>

namespace samara::codec {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr u8 not_a_digit = 0x80;
constexpr std::array<u8, 256> digits = [] {
  std::array<u8, 256> table{};
  table.fill(not_a_digit);
  for (size_t i = 0; i < alphabet.size(); ++i) table[static_cast<u8>(alphabet[i])] = static_cast<u8>(i);
  return table;
}();

constexpr u8 digit(char c) {
  return digits[static_cast<u8>(c)];
}

}  // namespace

size_t Base64Decoder::feed_groups(std::string_view piece, ByteWriter& out) {
  size_t used = 0;
  for (; piece.size() - used >= 4; used += 4) {
    const u8 a = digit(piece[used]);
    const u8 b = digit(piece[used + 1]);
    const u8 c = digit(piece[used + 2]);
    const u8 d = digit(piece[used + 3]);
    if (((a | b | c | d) & not_a_digit) != 0) break;  // the step by step way says what is wrong
    out.bytes(std::array<u8, 3>{static_cast<u8>((a << 2) | (b >> 4)), static_cast<u8>((b << 4) | (c >> 2)),
                                static_cast<u8>((c << 6) | d)});
  }
  return used;
}

Result<void, DecodeError> Base64Decoder::feed(std::string_view piece, ByteWriter& out) {
  while (!piece.empty()) {
    if (characters_ == 0 && !ended_) {
      piece.remove_prefix(feed_groups(piece, out));
      if (piece.empty()) break;
    }
    TRY(feed_one(piece.front(), out));
    piece.remove_prefix(1);
  }
  if (out.overflowed()) return fail(DecodeError::no_room);
  return {};
}

Result<void, DecodeError> Base64Decoder::feed_one(char c, ByteWriter& out) {
  if (ended_) {
    if (c != '=' || padding_needed_ == 0) return fail(DecodeError::bad_padding);
    --padding_needed_;
    return {};
  }
  if (c == '=') return begin_padding(out);
  const u8 value = digit(c);
  if (value == not_a_digit) return fail(DecodeError::bad_character);
  bits_ = (bits_ << 6) | value;
  if (++characters_ < 4) return {};
  out.bytes(std::array<u8, 3>{static_cast<u8>(bits_ >> 16), static_cast<u8>(bits_ >> 8), static_cast<u8>(bits_)});
  bits_ = 0;
  characters_ = 0;
  return {};
}

Result<void, DecodeError> Base64Decoder::begin_padding(ByteWriter& out) {
  // RFC 4648 section 4: two characters and `==` are one octet, three and `=` are two.
  if (characters_ < 2) return fail(DecodeError::bad_padding);
  if (characters_ == 2) {
    if ((bits_ & 0x0f) != 0) return fail(DecodeError::stray_bits);
    out.u8(static_cast<u8>(bits_ >> 4));
    padding_needed_ = 1;
  } else {
    if ((bits_ & 0x03) != 0) return fail(DecodeError::stray_bits);
    out.u16(static_cast<u16>(bits_ >> 2));
  }
  characters_ = 0;
  ended_ = true;
  return {};
}

Result<void, DecodeError> Base64Decoder::finish() const {
  if (padding_needed_ != 0) return fail(DecodeError::bad_padding);
  if (characters_ != 0) return fail(DecodeError::bad_length);
  return {};
}

Result<void, DecodeError> decode_base64(std::string_view text, ByteWriter& out) {
  Base64Decoder decoder;
  TRY(decoder.feed(text, out));
  return decoder.finish();
}

void encode_base64(Bytes octets, TextWriter& out) {
  for (; octets.size() >= 3; octets = octets.subspan(3)) {
    const u32 group = (u32{octets[0]} << 16) | (u32{octets[1]} << 8) | octets[2];
    for (const u32 shift : {18U, 12U, 6U, 0U}) out.put(alphabet[(group >> shift) & 63]);
  }
  if (octets.size() == 1) {
    const u32 group = u32{octets[0]} << 4;
    out.put(alphabet[group >> 6]);
    out.put(alphabet[group & 63]);
    out.put("==");
  } else if (octets.size() == 2) {
    const u32 group = ((u32{octets[0]} << 8) | octets[1]) << 2;
    out.put(alphabet[group >> 12]);
    out.put(alphabet[(group >> 6) & 63]);
    out.put(alphabet[group & 63]);
    out.put('=');
  }
}

}  // namespace samara::codec
