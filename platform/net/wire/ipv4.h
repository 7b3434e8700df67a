// The IPv4 header (RFC 791). Options are read over: none of them is of use to an end host, and source routes are refused
// (RFC 7126 sections 4.3 and 4.4).
#pragma once

#include "platform/base/result.h"
#include "platform/net/ip_packet.h"
#include "platform/net/wire/address_fields.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net {

struct Ipv4Header {
  static constexpr size_t size = 20;  // without options, as we write it
  u8 header_length = size;            // octets, options included
  u8 traffic_class = 0;               // RFC 2474 and, in the low two bits, RFC 3168
  u16 total_length = size;
  u16 identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  u16 fragment_offset = 0;  // octets
  u8 hop_limit = 64;
  Protocol protocol = Protocol::none;
  IpAddress source;
  IpAddress destination;

  bool is_fragment() const { return more_fragments || fragment_offset != 0; }

  // Verifies version, lengths, checksum and options; total_length <= packet.size(), and what follows it is padding.
  static Result<Ipv4Header, WireError> parse(Bytes packet);
  // Writes 20 octets with their checksum; header_length is not looked at.
  void write(MutableBytes into) const;
  friend bool operator==(const Ipv4Header&, const Ipv4Header&) = default;
};

}  // namespace samara::net
