// Addresses as they stand in headers. The caller has checked the length; a wrong offset traps.
#pragma once

#include <algorithm>
#include <array>

#include "platform/base/ip_address.h"
#include "platform/base/types.h"
#include "platform/net/wire/mac_address.h"

namespace samara::net {

constexpr IpAddress load_v4(Bytes at, size_t offset) {
  const auto b = at.subspan(offset, 4);
  return IpAddress::v4({b[0], b[1], b[2], b[3]});
}
constexpr IpAddress load_v6(Bytes at, size_t offset) {
  std::array<u8, 16> octets{};
  std::copy_n(at.subspan(offset, 16).begin(), 16, octets.begin());
  return IpAddress::v6(octets);
}
constexpr void store_address(MutableBytes at, size_t offset, const IpAddress& address) {
  // One store each: the sizes are known to the compiler.
  if (address.is_v4()) {
    store_be32(at, offset, address.v4_number());
  } else {
    std::ranges::copy(address.octets().first<16>(), at.subspan(offset, 16).begin());
  }
}
constexpr MacAddress load_mac(Bytes at, size_t offset) {
  MacAddress mac;
  std::copy_n(at.subspan(offset, 6).begin(), 6, mac.octets.begin());
  return mac;
}
constexpr void store_mac(MutableBytes at, size_t offset, const MacAddress& mac) {
  std::copy_n(mac.octets.begin(), 6, at.subspan(offset, 6).begin());
}

}  // namespace samara::net
