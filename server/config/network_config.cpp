#include "server/config/network_config.h"

#include "platform/base/byte_writer.h"
#include "platform/base/text_writer.h"
#include "platform/codec/hex.h"

namespace samara::server {
namespace {

using Kind = ConfigError::Kind;
using runtime::NetworkAddress;
using runtime::NetworkConfig;
using runtime::NetworkMode;
using runtime::NetworkRoute;

constexpr std::string_view mode_form = "sockets, tap or xdp";
constexpr std::string_view mac_form = "the address of one card, 52:54:00:12:34:56";
constexpr std::string_view lease_form = "an IPv4 address that a host can have, 192.0.2.5";
constexpr std::string_view own_form = "an address with its prefix length, 192.0.2.1/24";

Read<NetworkAddress> read_address(const NodeReader& node) {
  TRY(node.expect_only(layout::network_address_properties, {}));
  const auto address = parse_network_address(TRY(node.text("address", own_form)));
  if (!address) return node.error(Kind::malformed, "address", own_form);
  return *address;
}

Read<NetworkRoute> read_route(const NodeReader& node) {
  TRY(node.expect_only(layout::network_route_properties, {}));
  const auto destination = IpPrefix::parse(TRY(node.text("to", prefix_form)));
  if (!destination) return node.error(Kind::malformed, "to", prefix_form);
  const auto gateway = IpAddress::parse(TRY(node.text("via", "an address")));
  if (!gateway || gateway->family() != destination->address().family()) {
    return node.error(Kind::malformed, "via", "an address of the same family");
  }
  return NetworkRoute{*destination, *gateway};
}

Read<Endpoint> read_endpoint(const NodeReader& node) {
  TRY(node.expect_only(layout::listen_properties, {}));
  const auto endpoint = Endpoint::parse(TRY(node.text("endpoint", endpoint_form)));
  if (!endpoint || endpoint->port.value() == 0) return node.error(Kind::malformed, "endpoint", endpoint_form);
  return *endpoint;
}

Read<void> read_child(const NodeReader& child, std::string_view kind, NetworkConfig& network) {
  if (kind == "address") {
    if (network.addresses.size() == max_network_addresses) return child.error(Kind::too_many, {}, "at most 16 addresses");
    network.addresses.push_back(TRY(read_address(child)));
  } else if (kind == "route") {
    if (network.routes.size() == max_network_routes) return child.error(Kind::too_many, {}, "at most 64 routes");
    network.routes.push_back(TRY(read_route(child)));
  } else {
    if (network.listen.size() == max_listen) return child.error(Kind::too_many, {}, "at most 64 endpoints");
    network.listen.push_back(TRY(read_endpoint(child)));
  }
  return {};
}

template <class Item>
void write_item(std::string_view kind, size_t index, std::string_view property, const Item& item,
                codec::DeviceTreeWriter& out) {
  TextBuffer<64> name;
  name.writer().put(kind);
  name.writer().put('@');
  name.writer().put(u64{index});
  out.begin_node(name.view());
  TextBuffer<64> text;
  item(text.writer());
  out.string(property, text.view());
}

}  // namespace

std::string_view network_mode_name(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::sockets: return "sockets";
    case NetworkMode::tap: return "tap";
    case NetworkMode::xdp: return "xdp";
  }
  return {};
}

std::optional<NetworkMode> parse_network_mode(std::string_view text) {
  for (const NetworkMode mode : {NetworkMode::sockets, NetworkMode::tap, NetworkMode::xdp}) {
    if (text == network_mode_name(mode)) return mode;
  }
  return {};
}

std::optional<std::array<u8, 6>> parse_mac(std::string_view text) {
  constexpr size_t text_size = 17;
  if (text.size() != text_size) return {};
  std::array<u8, 6> mac{};
  for (size_t i = 0; i < mac.size(); ++i) {
    if (i != 0 && text[3 * i - 1] != ':') return {};
    ByteWriter octet(MutableBytes(mac).subspan(i, 1));
    if (!codec::decode_hex(text.substr(3 * i, 2), octet).ok()) return {};
  }
  if ((mac[0] & 1) != 0 || mac == std::array<u8, 6>{}) return {};  // a group, or nobody
  return mac;
}

void write_mac(const std::array<u8, 6>& mac, TextWriter& out) {
  for (size_t i = 0; i < mac.size(); ++i) {
    if (i != 0) out.put(':');
    codec::encode_hex(Bytes(mac).subspan(i, 1), out);
  }
}

std::optional<NetworkAddress> parse_network_address(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address || address->is_unspecified()) return {};
  const auto length = parse_decimal(text.substr(slash + 1), address->is_v4() ? 32 : 128);
  if (!length || *length == 0) return {};
  return NetworkAddress{*address, static_cast<u8>(*length)};
}

std::optional<IpAddress> parse_lease_address(std::string_view text) {
  constexpr std::array<std::string_view, 4> nobody{"0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"};
  const auto address = IpAddress::parse(text);
  if (!address || !address->is_v4()) return {};
  for (const std::string_view block : nobody) {
    if (IpPrefix::parse(block)->contains(*address)) return {};
  }
  return address;
}

void write_network_address(const NetworkAddress& address, TextWriter& out) {
  address.address.write_text(out);
  out.put('/');
  out.put(u64{address.prefix_length});
}

Read<NetworkConfig> read_network(const NodeReader& node) {
  TRY(node.expect_only(layout::network_properties, layout::network_children));
  NetworkConfig network;
  const auto mode = parse_network_mode(TRY(node.text("mode", mode_form)));
  if (!mode) return node.error(Kind::malformed, "mode", mode_form);
  network.mode = *mode;
  if (node.has("interface")) network.interface = TRY(node.text("interface", max_interface_name, "at most 15 octets"));
  if (node.has("mac")) {
    network.mac = parse_mac(TRY(node.text("mac", mac_form)));
    if (!network.mac) return node.error(Kind::malformed, "mac", mac_form);
  }
  TRY(node.number("mtu", link_mtu, network.mtu));
  TRY(node.truth("dhcp", network.dhcp));
  if (node.has("dhcp-address")) {
    network.dhcp_address = parse_lease_address(TRY(node.text("dhcp-address", lease_form)));
    if (!network.dhcp_address) return node.error(Kind::malformed, "dhcp-address", lease_form);
  }
  TRY(node.truth("router-advertisements", network.router_advertisements));
  if (node.has("host-name")) network.host_name = TRY(node.text("host-name", max_host_name, "at most 255 octets"));
  TRY(node.secret("address-secret", network.address_secret));
  for (const codec::DeviceTreeNode& child : node.children()) {
    TRY(read_child(node.below(child), layout::kind_of(child.name()), network));
  }
  if (network.listen.empty()) return node.error(Kind::missing, {}, "at least one listen@N");
  return network;
}

void write_network(const NetworkConfig& network, codec::DeviceTreeWriter& out) {
  out.begin_node("network");
  out.string("mode", network_mode_name(network.mode));
  if (!network.interface.empty()) out.string("interface", network.interface);
  if (network.mac) {
    TextBuffer<32> text;
    write_mac(*network.mac, text.writer());
    out.string("mac", text.view());
  }
  out.u32("mtu", network.mtu);
  out.u32("dhcp", network.dhcp ? 1 : 0);
  if (network.dhcp_address) {
    TextBuffer<32> text;
    network.dhcp_address->write_text(text.writer());
    out.string("dhcp-address", text.view());
  }
  out.u32("router-advertisements", network.router_advertisements ? 1 : 0);
  if (!network.host_name.empty()) out.string("host-name", network.host_name);
  if (network.address_secret) out.bytes("address-secret", *network.address_secret);
  for (size_t i = 0; i < network.addresses.size(); ++i) {
    write_item("address", i, "address", [&](TextWriter& text) { write_network_address(network.addresses[i], text); }, out);
    out.end_node();
  }
  for (size_t i = 0; i < network.routes.size(); ++i) {
    write_item("route", i, "to", [&](TextWriter& text) { network.routes[i].destination.write_text(text); }, out);
    TextBuffer<64> gateway;
    network.routes[i].gateway.write_text(gateway.writer());
    out.string("via", gateway.view());
    out.end_node();
  }
  for (size_t i = 0; i < network.listen.size(); ++i) {
    write_item("listen", i, "endpoint", [&](TextWriter& text) { network.listen[i].write_text(text); }, out);
    out.end_node();
  }
  out.end_node();
}

}  // namespace samara::server
