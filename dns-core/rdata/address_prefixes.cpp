#include "dns-core/rdata/address_prefixes.h"

#include <algorithm>
#include <array>

#include "dns-core/rdata/ip_fields.h"
#include "dns-core/rdata/numbers.h"

namespace samara::dns {
namespace {

constexpr u16 family_v4 = 1;  // IANA "Address Family Numbers"
constexpr u16 family_v6 = 2;
constexpr u8 negation = 0x80;
constexpr u8 address_length = 0x7f;

struct Item {
  u16 family = 0;
  u8 prefix = 0;
  bool negated = false;
  Bytes address;
};

Item next_item(RdataCursor& at) {
  Item item;
  item.family = at.u16();
  item.prefix = at.u8();
  const u8 octet = at.u8();
  item.negated = (octet & negation) != 0;
  item.address = at.bytes(octet & address_length);
  return item;
}

size_t address_size(u16 family) {
  if (family == family_v4) return 4;
  return family == family_v6 ? 16 : 0;
}

Result<void, SyntaxError> read_item(const Token& token, ByteWriter& out) {
  constexpr std::string_view expected = "[!]1:IPv4/LENGTH or [!]2:IPv6/LENGTH";
  std::string_view text = token.text;
  const bool negated = text.starts_with('!');
  if (negated) text.remove_prefix(1);
  const size_t colon = text.find(':');
  const size_t slash = text.rfind('/');
  if (token.kind == Token::Kind::quoted || colon == std::string_view::npos || slash == std::string_view::npos ||
      slash < colon) {
    return wrong(token, "bad address prefix", expected);
  }
  const auto family = parse_number(text.substr(0, colon), UINT16_MAX);
  if (!family.has_value()) return wrong(token, "bad address family", expected);
  const std::string_view address_text = text.substr(colon + 1, slash - colon - 1);
  std::optional<IpAddress> address;
  if (*family == family_v4) {
    address = IpAddress::parse_v4(address_text);
  } else if (*family == family_v6) {
    address = IpAddress::parse_v6(address_text);
  } else {
    return wrong(token, "unknown address family", expected);
  }
  if (!address.has_value()) return wrong(token, "bad address", expected);
  const auto prefix = parse_number(text.substr(slash + 1), UINT8_MAX);
  if (!prefix.has_value() || *prefix > address->octets().size() * 8) return wrong(token, "bad prefix length", expected);
  Bytes octets = address->octets();
  while (!octets.empty() && octets.back() == 0) octets = octets.first(octets.size() - 1);
  out.u16(static_cast<u16>(*family));
  out.u8(static_cast<u8>(*prefix));
  out.u8(static_cast<u8>(octets.size() | (negated ? negation : 0)));
  out.bytes(octets);
  return {};
}

}  // namespace

void check_address_prefixes(RdataCursor& at) {
  while (!at.at_end()) {
    const Item item = next_item(at);
    if (at.failed()) return;
    const size_t size = address_size(item.family);
    if (size == 0) continue;
    at.require(item.address.size() <= size && item.prefix <= size * 8 && (item.address.empty() || item.address.back() != 0));
  }
}

Result<void, SyntaxError> read_address_prefixes(TextFields& fields) {
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    TRY(read_item(token, fields.out()));
  }
  return {};
}

bool write_address_prefixes(RdataCursor& at, TextWriter& out) {
  bool first = true;
  while (!at.at_end()) {
    const Item item = next_item(at);
    const size_t size = address_size(item.family);
    if (size == 0) return false;
    if (!first) out.put(' ');
    first = false;
    if (item.negated) out.put('!');
    out.put(item.family);
    out.put(':');
    std::array<u8, 16> octets{};
    std::ranges::copy(item.address, octets.begin());
    ip_from_octets(Bytes(octets).first(size)).write_text(out);
    out.put('/');
    out.put(item.prefix);
  }
  return true;
}

}  // namespace samara::dns
