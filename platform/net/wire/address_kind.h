// What an address is by itself, without knowing the network it is used in (RFC 1122 section 3.2.1.3, RFC 6890, RFC 4291).
#pragma once

#include <algorithm>

#include "platform/base/ip_address.h"

namespace samara::net {

constexpr bool is_multicast(const IpAddress& a) {
  return a.is_v4() ? a.v4_number() >> 28 == 0xe : a.octets()[0] == 0xff;
}
constexpr bool is_limited_broadcast(const IpAddress& a) {
  return a.is_v4() && a.v4_number() == 0xffffffff;
}
constexpr bool is_loopback(const IpAddress& a) {
  if (a.is_v4()) return a.octets()[0] == 127;
  return load_be64(a.octets(), 0) == 0 && load_be64(a.octets(), 8) == 1;
}
constexpr bool is_link_local(const IpAddress& a) {
  if (a.is_v4()) return load_be16(a.octets()) == 0xa9fe;
  return (load_be16(a.octets()) & 0xffc0) == 0xfe80;
}
constexpr bool is_v4_mapped(const IpAddress& a) {
  return !a.is_v4() && load_be64(a.octets(), 0) == 0 && load_be32(a.octets(), 8) == 0xffff;
}
// Can stand as the source of a packet from somebody else: one host, and not this one. 0.0.0.0/8 and 240.0.0.0/4 name no host
// (RFC 1122 section 3.2.1.3 and RFC 1112 section 4).
constexpr bool is_peer_unicast(const IpAddress& a) {
  if (a.is_v4()) {
    const u32 first = a.v4_number() >> 24;
    return first != 0 && first != 127 && first < 224;
  }
  return !is_multicast(a) && !is_loopback(a) && !a.is_unspecified() && !is_v4_mapped(a);
}
// The group that a neighbour solicitation for `a` goes to (RFC 4291 section 2.7.1).
constexpr IpAddress solicited_node_group(const IpAddress& a) {
  const Bytes o = a.octets();
  return IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, o[13], o[14], o[15]});
}
// The last address of the block, which is its broadcast address (RFC 1122 section 3.2.1.3 (d)); of IPv4 only, and blocks of
// one or two addresses have none (RFC 3021).
constexpr bool is_directed_broadcast(const IpAddress& a, const IpAddress& ours, u8 prefix_length) {
  if (!a.is_v4() || !ours.is_v4() || prefix_length >= 31) return false;
  const u32 host = 0xffffffffU >> prefix_length;
  return a.v4_number() == (ours.v4_number() | host);
}
// Neither the last address of its block nor the first, which names the network (RFC 1122 section 3.2.1.3).
constexpr bool is_host(const IpAddress& a, u8 prefix_length) {
  if (!a.is_v4() || prefix_length >= 31) return true;
  const u32 host = 0xffffffffU >> prefix_length;
  return (a.v4_number() & host) != 0 && (a.v4_number() & host) != host;
}
constexpr bool same_block(const IpAddress& a, const IpAddress& b, u8 prefix_length) {
  if (a.family() != b.family()) return false;
  if (a.is_v4()) {
    const u32 difference = a.v4_number() ^ b.v4_number();
    return prefix_length == 0 || (difference >> (32 - std::min<u8>(prefix_length, 32))) == 0;
  }
  const u64 high = load_be64(a.octets(), 0) ^ load_be64(b.octets(), 0);
  if (prefix_length == 0) return true;
  if (prefix_length <= 64) return (high >> (64 - prefix_length)) == 0;
  const u64 low = load_be64(a.octets(), 8) ^ load_be64(b.octets(), 8);
  return high == 0 && (low >> (128 - std::min<u8>(prefix_length, 128))) == 0;
}

}  // namespace samara::net
