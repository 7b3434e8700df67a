#include "dns-core/rdata/atm_address.h"

#include <algorithm>

#include "platform/codec/hex.h"

namespace samara::dns {
namespace {

constexpr u8 end_system_format = 0;
constexpr u8 e164_format = 1;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_digit_octet(u8 c) {
  return c >= '0' && c <= '9';
}

// Hex digits with dots in between; at least one octet.
Result<void, SyntaxError> read_dotted_hex(const Token& token, std::string_view text, std::string_view expected,
                                          ByteWriter& out) {
  codec::HexDecoder decoder;
  const size_t start = out.size();
  while (!text.empty()) {
    const size_t dot = std::min(text.find('.'), text.size());
    const auto fed = decoder.feed(text.substr(0, dot), out);
    if (!fed.ok()) return wrong(token, codec::describe(fed.error()), expected);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  const auto finished = decoder.finish();
  if (!finished.ok()) return wrong(token, codec::describe(finished.error()), expected);
  if (out.size() == start) return wrong(token, "address without digits", expected);
  return {};
}

}  // namespace

Result<void, SyntaxError> read_nsap(TextFields& fields) {
  constexpr std::string_view expected = "0x and hex digits";
  const Token token = TRY(fields.word(expected));
  if (!token.text.starts_with("0x") && !token.text.starts_with("0X")) return wrong(token, "NSAP address without 0x", expected);
  return read_dotted_hex(token, token.text.substr(2), expected, fields.out());
}

void write_nsap(RdataCursor& at, TextWriter& out) {
  out.put("0x");
  codec::encode_hex(at.all(), out, codec::HexCase::upper);
}

void check_atm_address(RdataCursor& at) {
  const u8 format = at.u8();
  if (at.at_end()) at.fail(RdataError::truncated);
  const Bytes address = at.all();
  if (format == e164_format) at.require(std::ranges::all_of(address, is_digit_octet));
}

Result<void, SyntaxError> read_atm_address(TextFields& fields) {
  constexpr std::string_view expected = "+ and digits (E.164) or hex digits, with dots where they help to read";
  const Token token = TRY(fields.word(expected));
  if (!token.text.starts_with('+')) {
    fields.out().u8(end_system_format);
    return read_dotted_hex(token, token.text, expected, fields.out());
  }
  // Dots are for the eye, as in the other format.
  const std::string_view number = token.text.substr(1);
  const auto is_digit_or_dot = [](char c) { return is_digit(c) || c == '.'; };
  if (!std::ranges::any_of(number, is_digit) || !std::ranges::all_of(number, is_digit_or_dot)) {
    return wrong(token, "bad E.164 number", expected);
  }
  fields.out().u8(e164_format);
  for (const char c : number) {
    if (c != '.') fields.out().u8(static_cast<u8>(c));
  }
  return {};
}

bool write_atm_address(RdataCursor& at, TextWriter& out) {
  const u8 format = at.u8();
  if (format > e164_format) return false;
  if (format == end_system_format) {
    codec::encode_hex(at.all(), out, codec::HexCase::upper);
    return true;
  }
  out.put('+');
  for (const u8 digit : at.all()) out.put(static_cast<char>(digit));
  return true;
}

}  // namespace samara::dns
