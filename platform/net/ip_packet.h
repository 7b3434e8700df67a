// What the network layer and a transport protocol hand each other: whole packets, whatever family and however many fragments.
#pragma once

#include "platform/base/ip_address.h"
#include "platform/base/types.h"

namespace samara::net {

// Assigned Internet protocol numbers.
enum class Protocol : u8 {
  hop_by_hop = 0,
  icmp = 1,
  tcp = 6,
  udp = 17,
  routing = 43,
  fragment = 44,
  icmpv6 = 58,
  none = 59,
  destination_options = 60
};

// The least MTU a path is believed to have (RFC 8200 section 5). Of IPv4 it is what every host takes in one piece (RFC 791, RFC
// 9293 section 3.7.1): no smaller segments are cut for a narrower path, DF is cleared instead, so that it fragments them
// itself.
constexpr u16 min_ipv6_mtu = 1280;
constexpr u16 min_ipv4_mtu = 576;

// One packet that came in, reassembled, its IP headers checked and taken off. `payload` is the transport header and its data.
// `quotable` is the packet as it came, from its IP header on, as far as an ICMP error about it may quote; both live until the
// next frame is given to the stack.
struct IpPacket {
  IpAddress source;
  IpAddress destination;
  Protocol protocol = Protocol::none;
  u8 hop_limit = 0;
  bool congestion_experienced = false;  // RFC 3168
  bool unicast = true;                  // sent to one of our addresses, by a link-layer unicast frame
  bool checksum_known = false;          // the transport checksum needs no verification
  MutableBytes payload;
  Bytes quotable;
};

// How a transport protocol wants what it wrote into a FrameSlot to travel.
struct OutgoingPacket {
  IpAddress source;
  IpAddress destination;
  Protocol protocol = Protocol::none;
  u8 hop_limit = 64;           // RFC 1700
  bool dont_fragment = false;  // IPv4: set DF and do not fragment here either (path MTU discovery)
  u8 traffic_class = 0;        // IPv4: TOS (RFC 2474)
};

// What an ICMP or ICMPv6 error says about a packet we sent (RFC 1122 section 4.2.3.9, RFC 5461).
enum class DeliveryError : u8 {
  network_unreachable,  // also host unreachable, source route failed, time exceeded: may pass, "soft"
  port_unreachable,     // also protocol unreachable: "hard"
  administratively_prohibited,
  packet_too_big,  // with the MTU of the next hop
};

}  // namespace samara::net
