#include "ops/yaml/network.h"

#include <algorithm>
#include <array>

#include "ops/text_of.h"
#include "ops/yaml/manifest.h"
#include "ops/yaml/secrets.h"
#include "platform/net/wire/address_kind.h"
#include "server/config/network_config.h"

namespace samara::ops::yaml {

namespace {

using runtime::NetworkAddress;
using runtime::NetworkConfig;
using runtime::NetworkMode;
using runtime::NetworkRoute;

const std::array<std::string, 3> modes{"sockets", "tap", "xdp"};

std::optional<IpAddress> read_address(const Value& value, const Reading& reading) {
  const auto text = reading.text(value, "an address such as 192.0.2.1", 64);
  if (!text) return {};
  const auto address = IpAddress::parse(*text);
  if (!address)
    reading.error(value, in_quotes(*text) + " is not an address", "an address such as 192.0.2.1 or \"2001:db8::1\"");
  return address;
}

void read_own(const Value& item, const Reading& reading, NetworkConfig& network) {
  constexpr std::string_view expected = "an address with the length of its link's prefix, such as 192.0.2.2/24";
  const auto text = reading.text(item, expected, 64);
  if (!text) return;
  const auto address = server::parse_network_address(*text);
  if (!address) {
    reading.error(item, in_quotes(*text) + " is not an address with a prefix length", std::string(expected));
    return;
  }
  if (!net::is_host(address->address, address->prefix_length) || !net::is_peer_unicast(address->address)) {
    reading.error(item, in_quotes(*text) + " is not an address that a host can have on its link", std::string(expected));
    return;
  }
  network.addresses.push_back(*address);
}

// Everything that is not on the link goes there.
void read_gateway(const Value& item, const Reading& reading, NetworkConfig& network) {
  const auto gateway = read_address(item, reading);
  if (!gateway) return;
  const IpAddress any = gateway->is_v4() ? IpAddress::v4({}) : IpAddress::v6({});
  if (const auto everything = IpPrefix::create(any, 0)) network.routes.push_back({*everything, *gateway});
}

void read_route(const Value& item, const Reading& reading, NetworkConfig& network) {
  Fields fields(item, reading, "the route");
  const Value* to = fields.require("to", "to: an address block");
  const Value* via = fields.require("via", "via: the gateway's address");
  fields.finish();
  if (to == nullptr || via == nullptr) return;
  const auto destination = reading.prefix(*to);
  const auto gateway = read_address(*via, reading);
  if (!destination || !gateway) return;
  if (gateway->family() != destination->address().family()) {
    reading.error(*via, "a gateway of another family than its block", "IPv4 with IPv4, IPv6 with IPv6");
    return;
  }
  network.routes.push_back({*destination, *gateway});
}

void read_listen(const Value& item, const Reading& reading, NetworkConfig& network) {
  const auto endpoint = reading.endpoint(item);
  if (!endpoint) return;
  if (endpoint->port.value() == 0) {
    reading.error(item, "port 0", "a port from 1 to 65535");
    return;
  }
  network.listen.push_back(*endpoint);
}

void read_mac(const Value& value, const Reading& reading, NetworkConfig& network) {
  constexpr std::string_view expected = "the address of one card in quotes, such as \"52:54:00:12:34:56\"";
  const auto text = reading.text(value, expected, 64);
  if (!text) return;
  network.mac = server::parse_mac(*text);
  if (!network.mac) reading.error(value, in_quotes(*text) + " is not the address of one card", std::string(expected));
}

void read_lease_address(const Value& value, const Reading& reading, NetworkConfig& network) {
  constexpr std::string_view expected = "the IPv4 address that the DHCP server gave before, such as 192.0.2.5";
  const auto text = reading.text(value, expected, 64);
  if (!text) return;
  network.dhcp_address = server::parse_lease_address(*text);
  if (!network.dhcp_address) reading.error(value, in_quotes(*text) + " is not an address to be lent", std::string(expected));
}

bool on_our_link(const IpAddress& gateway, const NetworkConfig& network) {
  const bool link_local = !gateway.is_v4() && IpPrefix::parse("fe80::/10")->contains(gateway);
  return link_local || std::ranges::any_of(network.addresses, [&](const NetworkAddress& own) {
           return own.address.family() == gateway.family() &&
                  masked(own.address, own.prefix_length) == masked(gateway, own.prefix_length);
         });
}

void check(const Value& value, const Reading& reading, const NetworkConfig& network) {
  if (network.mode != NetworkMode::sockets && network.interface.empty()) {
    reading.error(value, "mode " + std::string(server::network_mode_name(network.mode)) + " without interface",
                  "interface: the device's name");
  }
  if (network.mode == NetworkMode::xdp && network.addresses.empty()) {
    reading.error(value, "mode xdp without addresses", "addresses: those of the interface that are to be served");
  }
  if (network.addresses.empty() || network.dhcp) return;  // the links are not known yet
  for (const NetworkRoute& route : network.routes) {
    if (on_our_link(route.gateway, network)) continue;
    reading.error(value, "a gateway that is on no link of ours", "an address inside the prefix of one of `addresses`");
  }
}

}  // namespace

NetworkConfig automatic_network() {
  NetworkConfig network;
  network.dhcp = true;
  network.listen = {{IpAddress::v4({}), Port(53)}, {IpAddress::v6({}), Port(53)}};
  return network;
}

NetworkConfig read_network(const Value& value, const Reading& reading, Deployment& deployment) {
  NetworkConfig network;
  Fields fields(value, reading, "network");
  if (const Value* mode = fields.find("mode")) {
    if (const auto index = reading.choice(*mode, modes, "mode")) network.mode = static_cast<NetworkMode>(*index);
  }
  if (const Value* interface = fields.find("interface")) {
    if (auto text = reading.text(*interface, "a device's name", server::max_interface_name)) {
      network.interface = deployment.keep(*text);
    }
  }
  if (const Value* mac = fields.find("mac")) read_mac(*mac, reading, network);
  if (const Value* mtu = fields.find("mtu")) {
    if (const auto number = reading.number(*mtu, server::link_mtu)) network.mtu = static_cast<u16>(*number);
  }
  const Value* dhcp = fields.find("dhcp");
  if (const Value* advertisements = fields.find("router-advertisements")) {
    network.router_advertisements = reading.truth(*advertisements).value_or(network.router_advertisements);
  }
  if (const Value* name = fields.find("host-name")) {
    if (auto text = reading.text(*name, "a host name", server::max_host_name)) network.host_name = deployment.keep(*text);
  }
  if (const Value* address = fields.find("dhcp-address")) read_lease_address(*address, reading, network);
  network.address_secret = read_hex_secret(fields, "address-secret", reading);
  for_items(fields.find("addresses"), reading, server::max_network_addresses,
            "a list such as [192.0.2.2/24, \"2001:db8::2/64\"]", [&](const Value& item) { read_own(item, reading, network); });
  for_items(fields.find("gateways"), reading, 8, "a list such as [192.0.2.1, \"fe80::1\"]",
            [&](const Value& item) { read_gateway(item, reading, network); });
  for_items(fields.find("routes"), reading, server::max_network_routes - 8,
            "a list such as [{to: 198.51.100.0/24, via: 192.0.2.9}]",
            [&](const Value& item) { read_route(item, reading, network); });
  for_items(fields.find("listen"), reading, server::max_listen, "a list such as [\"0.0.0.0:53\", \"[::]:53\"]",
            [&](const Value& item) { read_listen(item, reading, network); });
  fields.finish();
  // Who gives no address wants to be given one.
  network.dhcp = dhcp == nullptr ? network.addresses.empty() : reading.truth(*dhcp).value_or(false);
  if (network.dhcp_address && !network.dhcp) reading.error(value, "dhcp-address without dhcp", "dhcp: true");
  if (network.listen.empty()) network.listen = automatic_network().listen;
  check(value, reading, network);
  return network;
}

std::string write_network(const NetworkConfig& network, const std::string& address_secret) {
  std::string out;
  const auto line = [&out](const std::string& text) { out += "  " + text + '\n'; };
  const auto quoted = [](const std::string& text) { return '"' + text + '"'; };
  line("mode: " + std::string(server::network_mode_name(network.mode)));
  if (!network.interface.empty()) line("interface: " + quoted(std::string(network.interface)));
  if (network.mac) {
    TextBuffer<32> mac;
    server::write_mac(*network.mac, mac.writer());
    line("mac: " + quoted(std::string(mac.view())));
  }
  line("mtu: " + std::to_string(network.mtu));
  line(std::string("dhcp: ") + (network.dhcp ? "true" : "false"));
  if (network.dhcp_address) line("dhcp-address: " + text_of(*network.dhcp_address));
  line(std::string("router-advertisements: ") + (network.router_advertisements ? "true" : "false"));
  if (!network.host_name.empty()) line("host-name: " + quoted(std::string(network.host_name)));
  if (!address_secret.empty()) line("address-secret: " + address_secret);
  if (!network.addresses.empty()) line("addresses:");
  for (const NetworkAddress& own : network.addresses) {
    TextBuffer<64> text;
    server::write_network_address(own, text.writer());
    line("  - " + quoted(std::string(text.view())));
  }
  if (!network.routes.empty()) line("routes:");
  for (const NetworkRoute& route : network.routes) {
    line("  - {to: " + quoted(text_of(route.destination)) + ", via: " + quoted(text_of(route.gateway)) + "}");
  }
  line("listen:");
  for (const Endpoint& endpoint : network.listen) line("  - " + quoted(text_of(endpoint)));
  return out;
}

}  // namespace samara::ops::yaml
