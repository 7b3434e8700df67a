// ARP for IPv4 over Ethernet (RFC 826).
#pragma once

#include "platform/base/result.h"
#include "platform/net/wire/address_fields.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net {

struct ArpMessage {
  enum class Operation : u16 { request = 1, reply = 2 };
  static constexpr size_t size = 28;
  Operation operation = Operation::request;
  MacAddress sender_mac;
  IpAddress sender;
  MacAddress target_mac;
  IpAddress target;

  // What follows the message is padding.
  static Result<ArpMessage, WireError> parse(Bytes packet) {
    if (packet.size() < size) return fail(WireError::truncated);
    if (load_be16(packet, 0) != 1 || load_be16(packet, 2) != 0x0800) return fail(WireError::version);
    if (load_be16(packet, 4) != 0x0604) return fail(WireError::length);
    const u16 operation = load_be16(packet, 6);
    if (operation != 1 && operation != 2) return fail(WireError::value);
    return ArpMessage{Operation{operation}, load_mac(packet, 8), load_v4(packet, 14), load_mac(packet, 18),
                      load_v4(packet, 24)};
  }
  void write(MutableBytes into) const {
    store_be32(into, 0, 0x00010800);
    store_be16(into, 4, 0x0604);
    store_be16(into, 6, static_cast<u16>(operation));
    store_mac(into, 8, sender_mac);
    store_address(into, 14, sender);
    store_mac(into, 18, target_mac);
    store_address(into, 24, target);
  }
  friend bool operator==(const ArpMessage&, const ArpMessage&) = default;
};

}  // namespace samara::net
