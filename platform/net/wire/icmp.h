// The head of an ICMP message (RFC 792): type, code, checksum and one 32-bit field, then a body. The types here are those a
// host answers, sends or obeys. ICMPv6 is in platform/net/ipv6.
#pragma once

#include "platform/base/byte_order.h"
#include "platform/base/result.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net {

struct IcmpHeader {
  static constexpr size_t size = 8;
  u8 type = 0;
  u8 code = 0;
  u32 rest = 0;  // identifier and sequence number, MTU, pointer, by type

  // The checksum, over the whole message, is for the caller to verify.
  static Result<IcmpHeader, WireError> parse(Bytes message) {
    if (message.size() < size) return fail(WireError::truncated);
    return IcmpHeader{message[0], message[1], load_be32(message, 4)};
  }
  // With a checksum of zero, to be filled in at offset 2.
  void write(MutableBytes into) const {
    into[0] = type;
    into[1] = code;
    store_be16(into, 2, 0);
    store_be32(into, 4, rest);
  }
  friend bool operator==(const IcmpHeader&, const IcmpHeader&) = default;
};

namespace icmp4 {
constexpr u8 echo_reply = 0;
constexpr u8 unreachable = 3;
constexpr u8 source_quench = 4;
constexpr u8 redirect = 5;
constexpr u8 echo_request = 8;
constexpr u8 time_exceeded = 11;
constexpr u8 parameter_problem = 12;

constexpr u8 unreachable_protocol = 2;
constexpr u8 unreachable_port = 3;
constexpr u8 unreachable_too_big = 4;
constexpr u8 unreachable_network_prohibited = 9;
constexpr u8 unreachable_host_prohibited = 10;
constexpr u8 unreachable_prohibited = 13;
constexpr u8 time_exceeded_reassembly = 1;
}  // namespace icmp4

}  // namespace samara::net
