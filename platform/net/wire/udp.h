// The UDP header (RFC 768; RFC 8200 section 8.1 for IPv6).
#pragma once

#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net {

struct UdpHeader {
  static constexpr size_t size = 8;
  static constexpr size_t checksum_offset = 6;
  Port source;
  Port destination;
  u16 length = size;  // header and data
  u16 checksum = 0;   // 0: the sender computed none

  // length <= datagram.size(); what follows is padding of the IP packet's sender and not part of the datagram.
  static Result<UdpHeader, WireError> parse(Bytes datagram) {
    if (datagram.size() < size) return fail(WireError::truncated);
    const auto fixed = datagram.first<size>();
    const UdpHeader h{Port(load_be16(fixed, 0)), Port(load_be16(fixed, 2)), load_be16(fixed, 4), load_be16(fixed, 6)};
    if (h.length < size) return fail(WireError::length);
    if (h.length > datagram.size()) return fail(WireError::truncated);
    return h;
  }
  void write(MutableBytes into) const {
    const auto out = into.first<size>();
    store_be16(out, 0, source.value());
    store_be16(out, 2, destination.value());
    store_be16(out, 4, length);
    store_be16(out, 6, checksum);
  }
  friend bool operator==(const UdpHeader&, const UdpHeader&) = default;
};

}  // namespace samara::net
