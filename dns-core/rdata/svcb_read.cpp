#include <algorithm>

#include "dns-core/rdata/ip_fields.h"
#include "dns-core/rdata/svcb.h"
#include "dns-core/rdata/svcb_keys.h"
#include "platform/codec/base64.h"

namespace samara::dns {
namespace {

constexpr std::string_view expected_parameter = "KEY or KEY=VALUE in lower case, such as alpn=h2, or key65300=VALUE";

struct Key {
  u16 number = 0;
  bool generic = false;  // written as keyNNNNN: the value is the wire form as a string
};

std::optional<Key> parse_key(std::string_view text) {
  // RFC 9460 section 2.1: lower case, and a number without zeros in front.
  const auto known = std::ranges::find(svc_param_keys, text, &NamedNumber::name);
  if (known != svc_param_keys.end()) return Key{static_cast<u16>(known->value), false};
  if (!text.starts_with("key") || (text.size() > 4 && text[3] == '0')) return std::nullopt;
  const auto number = parse_number(text.substr(3), invalid_key - 1);
  if (!number.has_value()) return std::nullopt;
  return Key{static_cast<u16>(*number), true};
}

// Calls each(element) for the parts of `text` between commas; an empty part is an error.
template <class F>
Result<void, SyntaxError> for_each_element(const Token& value, std::string_view expected, F each) {
  for (size_t start = 0; start <= value.text.size();) {
    const size_t comma = std::min(value.text.find(',', start), value.text.size());
    const Token element{value.kind, false, value.text.substr(start, comma - start), position_in(value, start)};
    if (element.text.empty()) return wrong(element, "empty element in a list", expected);
    TRY(each(element));
    start = comma + 1;
  }
  return {};
}

Result<void, SyntaxError> read_mandatory(const Token& value, ByteWriter& out) {
  constexpr std::string_view expected = "keys with commas in between";
  const size_t start = out.size();
  return for_each_element(value, expected, [&](const Token& element) -> Result<void, SyntaxError> {
    const auto key = parse_key(element.text);
    if (!key.has_value()) return wrong(element, "unknown key", expected, nearest_name(svc_param_keys, element.text));
    if (key->number == 0) return wrong(element, "the key mandatory in its own list", "other keys");
    if (out.overflowed()) return {};
    size_t place = start;
    while (place < out.size() && load_be16(out.written(), place) < key->number) place += 2;
    if (place < out.size() && load_be16(out.written(), place) == key->number)
      return wrong(element, "key twice in a list", expected);
    const size_t end = out.size();
    out.u16(key->number);
    if (out.overflowed()) return {};
    const MutableBytes tail = out.written_mutable().subspan(place);
    std::ranges::rotate(tail, tail.begin() + static_cast<std::ptrdiff_t>(end - place));
    return {};
  });
}

// Appendix A.1: the string's escapes first, then a backslash keeps a comma or backslash from meaning something in the list.
Result<void, SyntaxError> read_strings(const Token& value, std::string_view expected, ByteWriter& out) {
  size_t length_at = out.size();
  out.u8(0);
  const auto close_string = [&]() -> Result<void, SyntaxError> {
    if (out.overflowed()) return {};
    const size_t length = out.size() - length_at - 1;
    if (length == 0 || length > 255) return wrong(value, "bad length of an element", expected);
    out.written_mutable()[length_at] = static_cast<u8>(length);
    return {};
  };
  for (size_t i = 0; i < value.text.size();) {
    u8 octet = TRY(decode_octet(value, i));
    if (octet == ',') {
      TRY(close_string());
      length_at = out.size();
      out.u8(0);
      continue;
    }
    if (octet == '\\') {
      if (i == value.text.size()) return wrong(value, "backslash without a character", expected);
      octet = TRY(decode_octet(value, i));
    }
    out.u8(octet);
  }
  return close_string();
}

Result<void, SyntaxError> read_numbers(const Token& value, ByteWriter& out) {
  constexpr std::string_view expected = "numbers up to 65535 with commas in between";
  return for_each_element(value, expected, [&](const Token& element) -> Result<void, SyntaxError> {
    const auto number = parse_number(element.text, UINT16_MAX);
    if (!number.has_value()) return wrong(element, "bad number", expected);
    out.u16(static_cast<u16>(*number));
    return {};
  });
}

Result<void, SyntaxError> read_addresses(const Token& value, bool v4, ByteWriter& out) {
  const std::string_view expected = v4 ? "IPv4 addresses such as 192.0.2.1 with commas in between"
                                       : "IPv6 addresses such as 2001:db8::1 with commas in between";
  return for_each_element(value, expected, [&](const Token& element) -> Result<void, SyntaxError> {
    const auto address = v4 ? IpAddress::parse_v4(element.text) : IpAddress::parse_v6(element.text);
    if (!address.has_value()) return wrong(element, "bad IP address", expected);
    out.bytes(address->octets());
    return {};
  });
}

Result<void, SyntaxError> read_weights(const Token& value, ByteWriter& out) {
  constexpr std::string_view expected =
      "PROTOCOL:WEIGHT with commas in between, each weight from 0 to 100, such as do53:100,dot:10";
  return for_each_element(value, expected, [&](const Token& element) -> Result<void, SyntaxError> {
    const size_t colon = element.text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon > 255) return wrong(element, "bad weight", expected);
    const auto weight = parse_number(element.text.substr(colon + 1), 100);
    if (!weight.has_value()) return wrong(element, "bad weight", expected);
    out.u8(static_cast<u8>(colon));
    out.text(element.text.substr(0, colon));
    out.u8(static_cast<u8>(*weight));
    return {};
  });
}

Result<void, SyntaxError> read_port(const Token& value, ByteWriter& out) {
  const auto number = parse_number(value.text, UINT16_MAX);
  if (!number.has_value()) return wrong(value, "bad port", "a port number from 0 to 65535");
  out.u16(static_cast<u16>(*number));
  return {};
}

Result<void, SyntaxError> read_ech(const Token& value, ByteWriter& out) {
  const auto decoded = codec::decode_base64(value.text, out);
  if (!decoded.ok()) return wrong(value, codec::describe(decoded.error()), "an ECHConfigList in base 64");
  return {};
}

Result<void, SyntaxError> read_value(Key key, const Token& value, ByteWriter& out) {
  if (key.generic) return decode_text(value, out);
  switch (SvcParamKey{key.number}) {
    case SvcParamKey::mandatory: return read_mandatory(value, out);
    case SvcParamKey::alpn: return read_strings(value, "protocol identifiers of 1 to 255 octets with commas in between", out);
    case SvcParamKey::docpath:
      return read_strings(value, "segments of a path, of 1 to 255 octets, with commas in between", out);
    case SvcParamKey::oots: return read_weights(value, out);
    case SvcParamKey::port: return read_port(value, out);
    case SvcParamKey::ipv4hint: return read_addresses(value, true, out);
    case SvcParamKey::ipv6hint: return read_addresses(value, false, out);
    case SvcParamKey::ech: return read_ech(value, out);
    case SvcParamKey::tls_supported_groups: return read_numbers(value, out);
    case SvcParamKey::no_default_alpn:
    case SvcParamKey::ohttp:
    case SvcParamKey::pvd:
    case SvcParamKey::dohpath: break;
  }
  return decode_text(value, out);
}

// Moves the parameter at `param`, the last one written, to its place among those from `start`. False when its key is there.
bool put_in_order(size_t start, size_t param, ByteWriter& out) {
  const u16 key = load_be16(out.written(), param);
  size_t place = start;
  while (place < param && load_be16(out.written(), place) < key) place += size_t{4} + load_be16(out.written(), place + 2);
  if (place < param && load_be16(out.written(), place) == key) return false;
  const MutableBytes tail = out.written_mutable().subspan(place);
  std::ranges::rotate(tail, tail.begin() + static_cast<std::ptrdiff_t>(param - place));
  return true;
}

// The value that belongs to `parameter`: what follows its equals sign, or the quoted string right behind that.
Result<Token, SyntaxError> take_value(const Token& parameter, size_t equals, TextFields& fields) {
  if (equals >= parameter.text.size()) return Token{Token::Kind::word, false, {}, position_in(parameter, equals)};
  const Token value{Token::Kind::word, false, parameter.text.substr(equals + 1), position_in(parameter, equals + 1)};
  if (!value.text.empty()) return value;
  const Token behind = TRY(fields.next_or_end());
  if (!behind.is_text()) return value;
  if (behind.kind == Token::Kind::quoted && !behind.after_blank) return behind;
  fields.put_back(behind);
  return value;
}

Result<void, SyntaxError> read_parameter(const Token& parameter, size_t start, TextFields& fields) {
  ByteWriter& out = fields.out();
  const size_t equals = std::min(parameter.text.find('='), parameter.text.size());
  const Token name{Token::Kind::word, false, parameter.text.substr(0, equals), parameter.at};
  if (parameter.kind == Token::Kind::quoted) return wrong(parameter, "quoted string in the wrong place", expected_parameter);
  const auto key = parse_key(name.text);
  if (!key.has_value()) return wrong(name, "unknown key", expected_parameter, nearest_name(svc_param_keys, name.text));
  const Token value = TRY(take_value(parameter, equals, fields));
  const size_t param_at = out.size();
  out.u16(key->number);
  out.u16(0);
  const size_t value_at = out.size();
  if (value.text.empty()) {
    if (!is_service_parameter_value(key->number, {})) return wrong(name, "key without a value", expected_parameter);
  } else {
    TRY(read_value(*key, value, out));
  }
  if (out.overflowed()) return {};
  const Bytes written = out.written().subspan(value_at);
  if (written.size() > UINT16_MAX) return wrong(name, "value is too long", "at most 65535 octets");
  if (!is_service_parameter_value(key->number, written))
    return wrong(value, "bad value for its key", "a value in the key's format");
  out.patch_u16(value_at - 2, static_cast<u16>(written.size()));
  if (!put_in_order(start, param_at, out)) return wrong(name, "key twice in a record", "each key once");
  return {};
}

}  // namespace

Result<void, SyntaxError> read_service_parameters(TextFields& fields) {
  const size_t start = fields.out().size();
  Token first{};
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    if (first.text.empty()) first = token;
    TRY(read_parameter(token, start, fields));
  }
  if (fields.out().overflowed()) return {};
  const std::string_view conflict = service_parameter_conflict(fields.out().written().subspan(start));
  if (!conflict.empty()) return wrong(first, conflict, "parameters that agree with each other");
  return {};
}

}  // namespace samara::dns
