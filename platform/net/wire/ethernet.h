// The header of an Ethernet II frame (RFC 894, RFC 2464). Frames of IEEE 802.3 with a length in place of the type are not for
// us: nothing we speak travels in them.
#pragma once

#include "platform/base/result.h"
#include "platform/net/wire/address_fields.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net {

enum class EtherType : u16 { ipv4 = 0x0800, arp = 0x0806, ipv6 = 0x86dd };

struct EthernetHeader {
  static constexpr size_t size = 14;
  MacAddress destination;
  MacAddress source;
  EtherType type = EtherType::ipv4;

  // WireError::length: the third field is a length (below 0x0600).
  static Result<EthernetHeader, WireError> parse(Bytes frame) {
    if (frame.size() < size) return fail(WireError::truncated);
    const auto fixed = frame.first<size>();
    const u16 type = load_be16(fixed, 12);
    if (type < 0x0600) return fail(WireError::length);
    return EthernetHeader{load_mac(fixed, 0), load_mac(fixed, 6), EtherType{type}};
  }
  void write(MutableBytes into) const {
    const auto out = into.first<size>();
    store_mac(out, 0, destination);
    store_mac(out, 6, source);
    store_be16(out, 12, static_cast<u16>(type));
  }
  friend bool operator==(const EthernetHeader&, const EthernetHeader&) = default;
};

}  // namespace samara::net
