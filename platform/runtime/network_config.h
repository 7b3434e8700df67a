// NetworkConfig: what an image that brings its own TCP/IP is told about its network. Plain values: who reads them from a boot
// configuration needs to know nothing about the stack, and the stack nothing about boot configurations.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/types.h"

namespace samara::runtime {

// Where the Linux target gets its packets from. The other targets have a network card of their own and take no notice.
enum class NetworkMode : u8 {
  sockets,  // the kernel's TCP/IP
  tap,      // a tap device: all of a link's frames
  xdp,      // AF_XDP: frames for what is listened on, the kernel keeps the rest of the link
};

// An address of ours, with as many of its leading bits as all on the link share.
struct NetworkAddress {
  IpAddress address;
  u8 prefix_length = 0;
  friend bool operator==(const NetworkAddress&, const NetworkAddress&) = default;
};

struct NetworkRoute {
  IpPrefix destination;
  IpAddress gateway;
  friend bool operator==(const NetworkRoute&, const NetworkRoute&) = default;
};

constexpr size_t address_secret_size = 16;  // RFC 7217 section 5: 128 bits at least

struct NetworkConfig {
  NetworkMode mode = NetworkMode::sockets;
  std::string_view interface;            // the Linux target's tap device or network interface
  std::optional<std::array<u8, 6>> mac;  // instead of the card's own
  u16 mtu = 1500;                        // at most; the card may know a smaller one
  std::vector<NetworkAddress> addresses;
  std::vector<NetworkRoute> routes;
  bool dhcp = false;
  std::optional<IpAddress> dhcp_address;  // asked for first; IPv4
  bool router_advertisements = true;      // IPv6 addresses and routes from the link's routers
  std::string_view host_name;             // told to the DHCP server
  // What stable IPv6 addresses are made from (RFC 7217); absent: from the MAC address and the host name.
  std::optional<std::array<u8, address_secret_size>> address_secret;
  std::vector<Endpoint> listen;  // UDP and TCP on each; the unspecified address means all of its family's
  friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

}  // namespace samara::runtime
