// What a host is told about its network, and what it says of its addresses.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/net/tcp/tcp.h"
#include "platform/net/wire/mac_address.h"

namespace samara::net {

// An address of ours and how many of its leading bits are on the link.
struct InterfaceAddress {
  IpAddress address;
  u8 prefix_length = 0;
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// Packets to `destination` go by `gateway`, which is on the link. The longest prefix wins, then the lowest metric.
struct Route {
  IpPrefix destination;
  IpAddress gateway;
  u32 metric = 0;
  friend bool operator==(const Route&, const Route&) = default;
};

struct StackConfig {
  MacAddress mac;
  u16 mtu = 1500;  // octets of an IP packet: 1280 (or 576 without IPv6) to 9216; others are brought into that range
  // Fixed. IPv4 ones are announced and used at once; IPv6 ones pass duplicate address detection first (RFC 4862 section 5.4).
  std::vector<InterfaceAddress> addresses;
  std::vector<Route> routes;
  bool dhcp = false;                      // RFC 2131
  std::optional<IpAddress> dhcp_address;  // had at the last start, asked for first (RFC 2131 section 3.2)
  std::string_view host_name;             // told to the DHCP server; may be empty
  bool ipv6 = true;                       // false: nothing of IPv6 is sent or heard
  bool router_advertisements = true;      // take addresses and routes from them (RFC 4862, RFC 4861 section 6.3)
  // What the stable IPv6 addresses of this host are made from (RFC 7217): 16 octets or more that nobody else knows. Empty:
  // drawn at each start, and so are the addresses.
  std::vector<u8> address_secret;
  // Fixed IPv4 addresses are probed for 4 to 9 seconds before they are used (RFC 5227 section 2.1.1), instead of used,
  // announced and defended.
  bool probe_addresses = false;
  // Answers go to the link-layer address the question came from, nothing is resolved, and the neighbour protocols are not
  // spoken: for a target whose kernel owns the link and hands us only the packets we serve.
  bool mirror_neighbors = false;
  bool checksum_offload = false;    // the card finishes transport checksums
  u32 neighbors = 1024;             // remembered at once
  u32 reassembly_octets = 1 << 20;  // of fragments that wait for their rest
  u32 waiting_packets = 128;  // of an ordinary frame each: answers of the stack's own, and packets without a neighbour yet
  u32 large_packets = 8;      // of 64 KiB each: answers larger than the MTU, on their way out in fragments
  tcp::Capacity tcp;
};

// An address of ours and where it came from.
struct AssignedAddress {
  enum class Origin : u8 { configured, dhcp, router_advertisement, link_local };
  enum class Condition : u8 { tentative, preferred, deprecated, duplicate };
  InterfaceAddress interface;
  Origin origin = Origin::configured;
  Condition condition = Condition::tentative;
};

}  // namespace samara::net
