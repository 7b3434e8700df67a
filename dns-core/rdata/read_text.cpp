// Reading of presentation format: one small reader for each field kind (descriptor.h).
#include <algorithm>
#include <array>

#include "dns-core/rdata/address_prefixes.h"
#include "dns-core/rdata/atm_address.h"
#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/gateway.h"
#include "dns-core/rdata/host_identity.h"
#include "dns-core/rdata/ip_fields.h"
#include "dns-core/rdata/location.h"
#include "dns-core/rdata/numbers.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/rdata/services.h"
#include "dns-core/rdata/svcb.h"
#include "dns-core/rdata/text_fields.h"
#include "dns-core/rdata/type_bitmap.h"
#include "platform/codec/base32hex.h"
#include "platform/codec/base64.h"
#include "platform/codec/hex.h"

namespace samara::dns {
namespace {

using Done = Result<void, SyntaxError>;

constexpr size_t max_rdata_size = 65535;
constexpr u64 max_u48 = (u64{1} << 48) - 1;

constexpr std::string_view expected_hex = "hex digits, two for each octet";
constexpr std::string_view expected_hash = "base 32 (hex alphabet) without padding";
constexpr std::string_view expected_deletion =
    "0 0 0 00 to have the DS set deleted (RFC 8078 section 4 as corrected by its erratum 5049)";
constexpr std::string_view expected_base64 = "base 64 with padding";
constexpr std::string_view expected_string = "a string of at most 255 octets";

Done read_number(TextFields& fields, size_t size, u64 max) {
  const u64 value = TRY(fields.number("a number", max));
  ByteWriter& out = fields.out();
  switch (size) {
    case 1: out.u8(static_cast<u8>(value)); break;
    case 2: out.u16(static_cast<u16>(value)); break;
    case 4: out.u32(static_cast<u32>(value)); break;
    case 6: out.u48(value); break;
    default: out.u64(value); break;
  }
  return {};
}

Done read_named_number(TextFields& fields, Field field) {
  const size_t size = fixed_size(field);
  const NumberForm form = number_form(field);
  const Token token = TRY(fields.word(form.expected));
  auto value = parse_number(token.text, size == 1 ? UINT8_MAX : UINT16_MAX);
  if (!value.has_value()) value = value_of(form.names, token.text);
  if (!value.has_value()) {
    return wrong(token, "unknown number or mnemonic", form.expected, nearest_name(form.names, token.text));
  }
  if (size == 1) {
    fields.out().u8(static_cast<u8>(*value));
  } else {
    fields.out().u16(static_cast<u16>(*value));
  }
  return {};
}

// RFC 2535 section 7.1: "ZONE|NOAUTH|SIG1".
Done read_key_flags(TextFields& fields) {
  const NumberForm form = number_form(Field::key_flags);
  const Token token = TRY(fields.word(form.expected));
  if (const auto number = parse_number(token.text, UINT16_MAX)) {
    fields.out().u16(static_cast<u16>(*number));
    return {};
  }
  u32 flags = 0;
  for (size_t start = 0; start <= token.text.size();) {
    const size_t bar = std::min(token.text.find('|', start), token.text.size());
    const std::string_view name = token.text.substr(start, bar - start);
    const auto value = value_of(form.names, name);
    if (!value.has_value()) return wrong(token, "unknown key flag", form.expected, nearest_name(form.names, name));
    flags |= *value;
    start = bar + 1;
  }
  fields.out().u16(static_cast<u16>(flags));
  return {};
}

Done read_period(TextFields& fields) {
  constexpr std::string_view expected = "seconds, or a period such as 1w2d3h4m5s";
  const Token token = TRY(fields.word(expected));
  const auto seconds = parse_period(token.text, UINT32_MAX);
  if (!seconds.has_value()) return wrong(token, "bad period", expected);
  fields.out().u32(*seconds);
  return {};
}

Done read_time(TextFields& fields) {
  constexpr std::string_view expected = "a time as YYYYMMDDHHMMSS, or seconds since 1970";
  const Token token = TRY(fields.word(expected));
  const auto seconds = parse_time(token.text);
  if (!seconds.has_value()) return wrong(token, "bad time", expected);
  fields.out().u32(*seconds);
  return {};
}

Done read_type_number(TextFields& fields) {
  constexpr std::string_view expected = "a type mnemonic such as A, or TYPEnnn";
  const Token token = TRY(fields.word(expected));
  const auto type = parse_type(token.text);
  if (!type.has_value()) return wrong(token, "unknown record type", expected, nearest_type(token.text));
  fields.out().u16(code(*type));
  return {};
}

// Groups of hex digits with one separator in between: "0014:4fff:ff20:ee64", "00-00-5e-00-53-2a".
Done read_hex_groups(TextFields& fields, size_t groups, size_t octets_each, char separator, std::string_view expected) {
  const Token token = TRY(fields.word(expected));
  std::string_view rest = token.text;
  for (size_t i = 0; i < groups; ++i) {
    const size_t end = std::min(rest.find(separator), rest.size());
    // RFC 6742 section 2.1.2 lets leading zeros go; RFC 7043 sections 3.2 and 4.2 ask for two digits.
    const bool short_allowed = octets_each == 2;
    const bool last = i + 1 == groups;
    if (end == 0 || end > octets_each * 2 || (!short_allowed && end != octets_each * 2) || last != (end == rest.size())) {
      return wrong(token, "bad groups of hex digits", expected);
    }
    u32 value = 0;
    for (const char c : rest.substr(0, end)) {
      constexpr std::string_view digits = "0123456789abcdef";
      const size_t digit = digits.find(static_cast<char>(to_lower(static_cast<u8>(c))));
      if (digit == std::string_view::npos) return wrong(token, "bad hex digit", expected);
      value = value << 4 | static_cast<u32>(digit);
    }
    if (octets_each == 2) {
      fields.out().u16(static_cast<u16>(value));
    } else {
      fields.out().u8(static_cast<u8>(value));
    }
    rest.remove_prefix(last ? end : end + 1);
  }
  return {};
}

Done read_strings(TextFields& fields) {
  const Token first = TRY(fields.text(expected_string));
  TRY(fields.string(first));
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    TRY(fields.string(token));
  }
  return {};
}

Done read_string_or_none(TextFields& fields) {
  const Token token = TRY(fields.next_or_end());
  if (!token.is_text()) return {};
  return fields.string(token);
}

Done read_digits(TextFields& fields) {
  constexpr std::string_view expected = "an address of four or more decimal digits";
  const Token token = TRY(fields.text(expected));
  if (token.text.size() < 4 || token.text.find_first_not_of("0123456789") != std::string_view::npos) {
    return wrong(token, "bad address", expected);
  }
  return fields.string(token);
}

Done read_tag(TextFields& fields) {
  constexpr std::string_view expected = "a tag of letters and digits, such as issue";
  const Token token = TRY(fields.word(expected));
  const bool good = std::ranges::all_of(token.text, [](char c) {
    const u8 lower = to_lower(static_cast<u8>(c));
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
  });
  if (!good) return wrong(token, "bad tag", expected);
  return fields.string(token);
}

Done read_text(TextFields& fields, bool may_be_empty) {
  const Token token = TRY(fields.text("a string"));
  if (token.text.empty() && !may_be_empty) return wrong(token, "empty string", "at least one character");
  return decode_text(token, fields.out());
}

// Feeds words up to the end of the line to a decoder.
template <class Decoder>
Done read_encoded(TextFields& fields, bool may_be_empty, std::string_view expected) {
  Decoder decoder;
  Token last{};
  if (!may_be_empty) fields.put_back(TRY(fields.word(expected)));
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    last = token;
    if (last.kind == Token::Kind::quoted) return wrong(last, "quoted string in the wrong place", expected);
    const auto fed = decoder.feed(last.text, fields.out());
    if (!fed.ok()) return wrong(last, codec::describe(fed.error()), expected);
  }
  const auto finished = decoder.finish();
  if (!finished.ok()) return wrong(last, codec::describe(finished.error()), expected);
  return {};
}

Done read_base64_or_dash(TextFields& fields) {
  const Token token = TRY(fields.word("base 64, or - for nothing"));
  if (token.text == "-") return {};
  fields.put_back(token);
  return read_encoded<codec::Base64Decoder>(fields, false, expected_base64);
}

// The digits of a field with a length octet.
Done read_counted(TextFields& fields, Result<void, codec::DecodeError> (*decode)(std::string_view, ByteWriter&),
                  bool dash_is_empty, std::string_view expected) {
  const Token token = TRY(fields.word(expected));
  ByteWriter& out = fields.out();
  const size_t length_at = out.size();
  out.u8(0);
  if (dash_is_empty && token.text == "-") return {};
  const auto decoded = decode(token.text, out);
  if (out.overflowed()) return {};
  if (!decoded.ok()) return wrong(token, codec::describe(decoded.error()), expected);
  const size_t length = out.size() - length_at - 1;
  if (length > 255) return wrong(token, "field is longer than 255 octets", expected);
  out.written_mutable()[length_at] = static_cast<u8>(length);
  return {};
}

Done read_sized_base64(TextFields& fields) {
  const u64 length = TRY(fields.number("a number of octets", UINT16_MAX));
  ByteWriter& out = fields.out();
  out.u16(static_cast<u16>(length));
  if (length == 0) return {};
  const Token token = TRY(fields.word(expected_base64));
  const size_t start = out.size();
  const auto decoded = codec::decode_base64(token.text, out);
  if (out.overflowed()) return {};
  if (!decoded.ok()) return wrong(token, codec::describe(decoded.error()), expected_base64);
  if (out.size() - start != length) return wrong(token, "length does not agree with the number before it", expected_base64);
  return {};
}

Done read_field(Field field, TextFields& fields) {
  switch (field) {
    case Field::none: return {};
    case Field::number8:
    case Field::flags: return read_number(fields, 1, UINT8_MAX);
    case Field::number16: return read_number(fields, 2, UINT16_MAX);
    case Field::number32: return read_number(fields, 4, UINT32_MAX);
    case Field::number48: return read_number(fields, 6, max_u48);
    case Field::number64: return read_number(fields, 8, UINT64_MAX);
    case Field::period: return read_period(fields);
    case Field::time: return read_time(fields);
    case Field::type: return read_type_number(fields);
    case Field::algorithm:
    case Field::digest_type:
    case Field::certificate_type:
    case Field::key_protocol:
    case Field::tlsa_usage:
    case Field::tlsa_selector:
    case Field::tlsa_matching:
    case Field::dsync_scheme:
    case Field::rcode: return read_named_number(fields, field);
    case Field::key_flags: return read_key_flags(fields);
    case Field::ipv4: return read_ipv4(fields);
    case Field::ipv6: return read_ipv6(fields);
    case Field::locator64: return read_hex_groups(fields, 4, 2, ':', "four groups of hex digits such as 0014:4fff:ff20:ee64");
    case Field::eui48: return read_hex_groups(fields, 6, 1, '-', "six groups of hex digits such as 00-00-5e-00-53-2a");
    case Field::eui64: return read_hex_groups(fields, 8, 1, '-', "eight groups of hex digits such as 00-00-5e-ef-10-00-00-2a");
    case Field::name: return fields.name();
    case Field::string: return fields.string(TRY(fields.text(expected_string)));
    case Field::string_or_none: return read_string_or_none(fields);
    case Field::strings: return read_strings(fields);
    case Field::digits: return read_digits(fields);
    case Field::tag: return read_tag(fields);
    case Field::text: return read_text(fields, true);
    case Field::text_not_empty: return read_text(fields, false);
    case Field::hex:
    case Field::digest: return read_encoded<codec::HexDecoder>(fields, false, expected_hex);
    case Field::base64: return read_encoded<codec::Base64Decoder>(fields, false, expected_base64);
    case Field::base64_or_none: return read_encoded<codec::Base64Decoder>(fields, true, expected_base64);
    case Field::base64_or_dash: return read_base64_or_dash(fields);
    case Field::salt: return read_counted(fields, codec::decode_hex, true, "hex digits, or - for no salt");
    case Field::hash: return read_counted(fields, codec::decode_base32hex, false, expected_hash);
    case Field::sized_base64: return read_sized_base64(fields);
    case Field::opaque: {
      constexpr std::string_view expected = "\\# LENGTH HEX (RFC 3597 section 5)";
      return wrong(TRY(fields.text(expected)), "the data of this type has no text format", expected);
    }
    case Field::types:
      fields.put_back(TRY(fields.word("a type mnemonic such as A, or TYPEnnn")));
      return read_type_bitmap(fields);
    case Field::types_or_none: return read_type_bitmap(fields);
    case Field::nxt_types: return read_nxt_bitmap(fields);
    case Field::services: return read_services(fields);
    case Field::location: return read_location(fields);
    case Field::prefixes: return read_address_prefixes(fields);
    case Field::ipsec_gateway: return read_ipsec_gateway(fields);
    case Field::amt_relay: return read_amt_relay(fields);
    case Field::a6_address: return read_a6_address(fields);
    case Field::host_identity: return read_host_identity(fields);
    case Field::nsap: return read_nsap(fields);
    case Field::atm_address: return read_atm_address(fields);
    case Field::service_parameters: return read_service_parameters(fields);
  }
  return {};
}

// RFC 3597 section 5: `\# LENGTH HEX…`. `mark` is the `\#` itself.
Done read_generic(RrType type, const Token& mark, TextFields& fields) {
  const size_t start = fields.out().size();
  const Token length_token = TRY(fields.word("the number of octets"));
  const u64 length = TRY(TextFields::number_in(length_token, UINT16_MAX));
  TRY(read_encoded<codec::HexDecoder>(fields, true, expected_hex));
  if (fields.out().overflowed()) return {};
  const Bytes rdata = fields.out().written().subspan(start);
  if (rdata.size() != length) {
    return wrong(length_token, "number of octets does not agree with the data", "as many octets in hex as the number says");
  }
  const std::string_view broken = broken_rule(type, rdata);
  if (!broken.empty()) return wrong(mark, broken, "data in the wire format of the type");
  return {};
}

Done read_fields(RrType type, const Token& first, Lexer& lexer, const Name& origin, ByteWriter& stored) {
  TextFields fields(first, lexer, origin, stored);
  if (first.kind == Token::Kind::word && first.text == "\\#") {
    TRY(fields.word({}));
    return read_generic(type, first, fields);
  }
  const Descriptor* descriptor = find_descriptor(type);
  if (descriptor == nullptr) {
    constexpr std::string_view expected = "\\# LENGTH HEX (RFC 3597 section 5)";
    return wrong(TRY(fields.text(expected)), "the data of an unknown type has no text format", expected);
  }
  const size_t start = stored.size();
  std::optional<Token> digest;
  for (const Field field : descriptor->fields) {
    if (field == Field::none) break;
    if (field == Field::digest || field == Field::hash) {
      digest = TRY(fields.word(field == Field::hash ? expected_hash : expected_hex));
      if (type == RrType::CDS && digest->text == "0") return wrong(*digest, "half an octet", expected_deletion);
      fields.put_back(*digest);
    }
    TRY(read_field(field, fields));
  }
  TRY(fields.end());
  // The one rule that takes two fields to check.
  if (digest.has_value() && !stored.overflowed()) {
    const std::string_view broken = broken_rule(type, stored.written().subspan(start));
    if (!broken.empty()) return wrong(*digest, broken, "as many octets as its kind has");
  }
  return {};
}

}  // namespace

Result<void, SyntaxError> parse_rdata(RrType type, Lexer& lexer, const Name& origin, ByteWriter& stored) {
  const ByteWriter::Mark start = stored.mark();
  const Token first = TRY(lexer.next());
  auto done = read_fields(type, first, lexer, origin, stored);
  if (stored.overflowed() || stored.size() - start.size > max_rdata_size) {
    done = wrong(first, "record data is too long", "at most 65535 octets");
  }
  if (!done.ok()) stored.rollback(start);
  return done;
}

}  // namespace samara::dns
