// IPv6 addresses as the protocols of this folder need them (RFC 4291 section 2): the groups everybody knows, and what an
// address is made of.
#pragma once

#include <algorithm>
#include <array>

#include "platform/base/ip_address.h"
#include "platform/base/types.h"
#include "platform/net/wire/address_kind.h"

namespace samara::net::ipv6 {

constexpr IpAddress unspecified = IpAddress::v6({});
constexpr IpAddress all_nodes = IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
constexpr IpAddress all_routers = IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
// Where MLDv2 reports go (RFC 3810 section 5.2.14).
constexpr IpAddress all_mldv2_routers = IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16});

// Of a group: 1 this interface, 2 this link, … (RFC 7346 section 2).
constexpr u8 multicast_scope(const IpAddress& group) {
  return group.octets()[1] & 0x0f;
}
// An address that one node may have: not unspecified, not a group.
constexpr bool is_unicast(const IpAddress& address) {
  return !address.is_v4() && !address.is_unspecified() && !is_multicast(address);
}

using InterfaceIdentifier = std::array<u8, 8>;
constexpr u8 interface_identifier_bits = 64;  // on Ethernet (RFC 2464 section 4)

// The first 64 bits of `prefix` and `identifier`.
constexpr IpAddress join(const IpAddress& prefix, const InterfaceIdentifier& identifier) {
  std::array<u8, 16> octets{};
  std::ranges::copy(prefix.octets().first(8), octets.begin());
  std::ranges::copy(identifier, MutableBytes(octets).subspan(8).begin());
  return IpAddress::v6(octets);
}
constexpr IpAddress link_local_prefix = IpAddress::v6({0xfe, 0x80});

}  // namespace samara::net::ipv6
