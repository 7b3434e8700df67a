#include "dns-core/rdata/gateway.h"

#include <algorithm>
#include <array>

#include "dns-core/rdata/ip_fields.h"

namespace samara::dns {
namespace {

enum class Place : u8 { none = 0, ipv4 = 1, ipv6 = 2, name = 3 };
constexpr u64 last_place = 3;

constexpr u8 discovery_optional = 0x80;

// True when a name comes next; everything else is stepped over.
bool skip_to_name(u8 place, RdataCursor& at) {
  switch (Place{place}) {
    case Place::none: return false;
    case Place::ipv4: at.bytes(4); return false;
    case Place::ipv6: at.bytes(16); return false;
    case Place::name: return true;
  }
  at.all();
  return false;
}

Result<void, SyntaxError> read_place(u64 place, TextFields& fields) {
  switch (Place{static_cast<u8>(place)}) {
    case Place::none: {
      const Token token = TRY(fields.word("a single dot, for none"));
      if (token.text != ".") return wrong(token, "gateway where there is none", "a single dot, for none");
      return {};
    }
    case Place::ipv4: return read_ipv4(fields);
    case Place::ipv6: return read_ipv6(fields);
    case Place::name: return fields.name();
  }
  return {};
}

bool write_place(u8 place, RdataCursor& at, TextWriter& out) {
  switch (Place{place}) {
    case Place::none: out.put('.'); return true;
    case Place::ipv4: ip_from_octets(at.bytes(4)).write_text(out); return true;
    case Place::ipv6: ip_from_octets(at.bytes(16)).write_text(out); return true;
    case Place::name: {
      ByteReader name(at.name());
      MUST(Name::from_wire(name)).write_text(out);
      return true;
    }
  }
  return false;
}

Result<u64, SyntaxError> read_place_type(TextFields& fields) {
  constexpr std::string_view expected = "0 for none, 1 for IPv4, 2 for IPv6, 3 for a name";
  const Token token = TRY(fields.word(expected));
  const u64 type = TRY(TextFields::number_in(token, UINT8_MAX));
  if (type > last_place) return wrong(token, "unknown gateway type", expected);
  return type;
}

constexpr size_t suffix_size(u8 prefix_length) {
  return (max_a6_prefix - size_t{prefix_length} + 7) / 8;
}
// The bits of the suffix's first octet that belong to the prefix.
constexpr u8 prefix_bits(u8 prefix_length) {
  return static_cast<u8>(~(0xffU >> (prefix_length % 8)));
}

}  // namespace

bool skip_to_ipsec_gateway_name(RdataCursor& at) {
  const u8 place = at.u8();
  at.u8();
  return skip_to_name(place, at);
}

void check_ipsec_gateway(RdataCursor& at) {
  if (skip_to_ipsec_gateway_name(at)) at.name();
}

Result<void, SyntaxError> read_ipsec_gateway(TextFields& fields) {
  const u64 place = TRY(read_place_type(fields));
  const u64 algorithm = TRY(fields.number("an algorithm from 0 to 255", UINT8_MAX));
  fields.out().u8(static_cast<u8>(place));
  fields.out().u8(static_cast<u8>(algorithm));
  return read_place(place, fields);
}

bool write_ipsec_gateway(RdataCursor& at, TextWriter& out) {
  const u8 place = at.u8();
  out.put(place);
  out.put(' ');
  out.put(at.u8());
  out.put(' ');
  return write_place(place, at, out);
}

bool skip_to_amt_relay_name(RdataCursor& at) {
  const auto place = static_cast<u8>(at.u8() & ~discovery_optional);
  return skip_to_name(place, at);
}

void check_amt_relay(RdataCursor& at) {
  if (skip_to_amt_relay_name(at)) at.name();
}

Result<void, SyntaxError> read_amt_relay(TextFields& fields) {
  constexpr std::string_view expected = "the discovery-optional bit, 0 or 1";
  const Token bit = TRY(fields.word(expected));
  if (bit.text != "0" && bit.text != "1") return wrong(bit, "not a bit", expected);
  const u64 place = TRY(read_place_type(fields));
  fields.out().u8(static_cast<u8>(place | (bit.text == "1" ? discovery_optional : 0)));
  return read_place(place, fields);
}

bool write_amt_relay(RdataCursor& at, TextWriter& out) {
  const u8 octet = at.u8();
  const auto place = static_cast<u8>(octet & ~discovery_optional);
  out.put(octet == place ? "0 " : "1 ");
  out.put(place);
  out.put(' ');
  return write_place(place, at, out);
}

bool skip_to_a6_name(RdataCursor& at) {
  const u8 length = at.u8();
  if (length > max_a6_prefix) {
    at.fail(RdataError::bad_value);
    return false;
  }
  at.bytes(suffix_size(length));
  return length != 0;  // RFC 2874 section 3.1: no prefix, no name
}

void check_a6_address(RdataCursor& at) {
  if (skip_to_a6_name(at)) at.name();
}

Result<void, SyntaxError> read_a6_address(TextFields& fields) {
  constexpr std::string_view expected = "a prefix length from 0 to 128";
  const Token prefix = TRY(fields.word(expected));
  const u64 number = TRY(TextFields::number_in(prefix, UINT8_MAX));
  if (number > max_a6_prefix) return wrong(prefix, "prefix length is too large", expected);
  const auto length = static_cast<u8>(number);
  fields.out().u8(length);
  if (length != max_a6_prefix) {
    constexpr std::string_view expected_suffix = "an IPv6 address whose bits before the prefix length are zero";
    const Token token = TRY(fields.word(expected_suffix));
    const auto address = IpAddress::parse_v6(token.text);
    if (!address.has_value()) return wrong(token, "bad address suffix", expected_suffix);
    if (masked(*address, length) != IpAddress::v6({}))
      return wrong(token, "address suffix reaches into the prefix", expected_suffix);
    fields.out().bytes(address->octets().last(suffix_size(length)));
  }
  if (length == 0) return {};
  return fields.name("the name that has the prefix");
}

bool write_a6_address(RdataCursor& at, TextWriter& out) {
  const u8 length = at.u8();
  const Bytes suffix = at.bytes(suffix_size(length));
  out.put(length);
  if (!suffix.empty()) {
    if (length % 8 != 0 && (suffix[0] & prefix_bits(length)) != 0) return false;
    std::array<u8, 16> address{};
    std::ranges::copy(suffix, std::span(address).last(suffix.size()).begin());
    out.put(' ');
    IpAddress::v6(address).write_text(out);
  }
  if (length == 0) return true;
  out.put(' ');
  return write_place(static_cast<u8>(Place::name), at, out);
}

}  // namespace samara::dns
