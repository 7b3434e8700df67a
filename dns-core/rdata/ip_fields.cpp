#include "dns-core/rdata/ip_fields.h"

#include <algorithm>

namespace samara::dns {
namespace {

constexpr std::string_view expected_ipv4 = "an IPv4 address such as 192.0.2.1";
constexpr std::string_view expected_ipv6 = "an IPv6 address such as 2001:db8::1";

}  // namespace

IpAddress ip_from_octets(Bytes octets) {
  if (octets.size() == 4) return IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
  std::array<u8, 16> copy{};
  std::ranges::copy(octets.first(16), copy.begin());
  return IpAddress::v6(copy);
}

Result<void, SyntaxError> read_ipv4(TextFields& fields) {
  const Token token = TRY(fields.word(expected_ipv4));
  const auto address = IpAddress::parse_v4(token.text);
  if (!address.has_value()) return wrong(token, "bad IPv4 address", expected_ipv4);
  fields.out().bytes(address->octets());
  return {};
}

Result<void, SyntaxError> read_ipv6(TextFields& fields) {
  const Token token = TRY(fields.word(expected_ipv6));
  const auto address = IpAddress::parse_v6(token.text);
  if (!address.has_value()) return wrong(token, "bad IPv6 address", expected_ipv6);
  fields.out().bytes(address->octets());
  return {};
}

}  // namespace samara::dns
