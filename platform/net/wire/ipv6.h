// The IPv6 header and the extension headers between it and what it carries (RFC 8200 sections 3 and 4). The walk is bounded:
// headers in an order that no sender has a reason for, too many of them, or longer than RFC 9098 finds on any real path,
// are refused.
#pragma once

#include <optional>

#include "platform/base/result.h"
#include "platform/net/ip_packet.h"
#include "platform/net/wire/address_fields.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net {

struct Ipv6Header {
  static constexpr size_t size = 40;
  u8 traffic_class = 0;
  u32 flow_label = 0;  // 20 bits
  u16 payload_length = 0;
  Protocol next_header = Protocol::none;
  u8 hop_limit = 64;
  IpAddress source;
  IpAddress destination;

  // payload_length <= packet.size() - 40; what follows it is padding. Jumbograms (RFC 2675) are not for us: their length of
  // zero is taken at its word.
  static Result<Ipv6Header, WireError> parse(Bytes packet);
  void write(MutableBytes into) const;
  friend bool operator==(const Ipv6Header&, const Ipv6Header&) = default;
};

struct Ipv6FragmentHeader {
  static constexpr size_t size = 8;
  Protocol next_header = Protocol::none;
  u16 offset = 0;  // octets, a multiple of 8
  bool more = false;
  u32 identification = 0;

  static Result<Ipv6FragmentHeader, WireError> parse(Bytes header);
  void write(MutableBytes into) const;
  // RFC 6946: a packet of one fragment is processed alone, whatever else has its identification.
  bool is_atomic() const { return offset == 0 && !more; }
  friend bool operator==(const Ipv6FragmentHeader&, const Ipv6FragmentHeader&) = default;
};

// A header we do not accept, and the ICMPv6 parameter problem (RFC 4443 section 3.4) its sender is told, if any.
struct Ipv6HeaderProblem {
  enum class Tell : u8 {
    nobody,
    source,         // RFC 8200 section 4.2, option type with 11 in its highest bits: not if the destination is multicast
    source_always,  // with 10: even then
  };
  Tell tell = Tell::nobody;
  u8 code = 0;
  u32 pointer = 0;  // octets from the start of the IPv6 header
};

// Where the walk ended: at what the packet carries, or at its fragment header.
struct Ipv6Payload {
  Protocol protocol = Protocol::none;
  size_t offset = 0;             // of `protocol`'s header, from the IPv6 header on
  size_t next_header_field = 6;  // where `protocol` stood
  bool hop_by_hop = false;
};

constexpr size_t max_extension_headers = 8;
constexpr size_t max_extension_octets = 512;
constexpr size_t max_extension_options = 16;  // RFC 8504 section 5.3 suggests 8 of each header; padding is not counted

// Walks from the header at `from` (whose protocol is `first`, named by the field at `field`) over hop-by-hop, destination and
// routing headers up to a fragment header or anything else. `packet` is what Ipv6Header::parse() left, without padding.
Result<Ipv6Payload, Ipv6HeaderProblem> walk_extension_headers(Bytes packet, Protocol first, size_t from, size_t field);

}  // namespace samara::net
