// The network of an image with a TCP/IP of its own, to and from the `network` node of a boot blob (docs/configuration.md).
#pragma once

#include "platform/codec/device_tree.h"
#include "platform/runtime/network_config.h"
#include "server/config/node_reader.h"

namespace samara::server {

constexpr size_t max_network_addresses = 16;
constexpr size_t max_network_routes = 64;
constexpr size_t max_interface_name = 15;  // what a Linux interface can be called
constexpr size_t max_host_name = 255;      // RFC 2132 section 3.14
constexpr Range<u32> link_mtu{576, 9216};  // RFC 791 section 3.2; jumbo frames

std::string_view network_mode_name(runtime::NetworkMode mode);
std::optional<runtime::NetworkMode> parse_network_mode(std::string_view text);
// "52:54:00:12:34:56"; nothing when it is not an address of one card.
std::optional<std::array<u8, 6>> parse_mac(std::string_view text);
void write_mac(const std::array<u8, 6>& mac, TextWriter& out);
// "192.0.2.1/24": an address that is not the link's own number, with the length of its prefix.
std::optional<runtime::NetworkAddress> parse_network_address(std::string_view text);
// An IPv4 address that a DHCP server can lend.
std::optional<IpAddress> parse_lease_address(std::string_view text);
void write_network_address(const runtime::NetworkAddress& address, TextWriter& out);

Read<runtime::NetworkConfig> read_network(const NodeReader& node);
void write_network(const runtime::NetworkConfig& network, codec::DeviceTreeWriter& out);

}  // namespace samara::server
