// An Ethernet address (IEEE 802 EUI-48).
#pragma once

#include <array>
#include <compare>

#include "platform/base/ip_address.h"
#include "platform/base/types.h"

namespace samara::net {

struct MacAddress {
  std::array<u8, 6> octets{};

  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  // Where a multicast IP packet goes: 01:00:5e and 23 bits (RFC 1112 section 6.4), 33:33 and 32 bits (RFC 2464 section 7).
  static constexpr MacAddress multicast(const IpAddress& group) {
    const Bytes g = group.octets();
    if (group.is_v4()) return {{0x01, 0x00, 0x5e, static_cast<u8>(g[1] & 0x7f), g[2], g[3]}};
    return {{0x33, 0x33, g[12], g[13], g[14], g[15]}};
  }
  constexpr bool is_group() const { return (octets[0] & 1) != 0; }
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

}  // namespace samara::net
