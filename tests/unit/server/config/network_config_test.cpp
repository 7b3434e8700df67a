#include "server/config/network_config.h"

#include <gtest/gtest.h>

#include "server/config/primary_config.h"

#include <functional>
#include <string>

namespace samara::server {
namespace {

using codec::DeviceTreeWriter;

std::string text_of_mac(const std::array<u8, 6>& mac) {
  TextBuffer<32> text;
  write_mac(mac, text.writer());
  return std::string(text.view());
}

// What reading a blob says whose network node holds a mode, a listen endpoint and what `add` puts in.
std::string error_with(const std::function<void(DeviceTreeWriter&)>& add, bool listen = true, std::string_view mode = "tap") {
  DeviceTreeWriter writer;
  writer.begin_node("");
  writer.string("compatible", boot_compatible);
  writer.string("role", "primary");
  writer.begin_node("listen@0");
  writer.string("endpoint", "127.0.0.1:53");
  writer.end_node();
  writer.begin_node("network");
  if (!mode.empty()) writer.string("mode", mode);
  add(writer);
  if (listen) {
    writer.begin_node("listen@0");
    writer.string("endpoint", "0.0.0.0:53");
    writer.end_node();
  }
  writer.end_node();
  writer.end_node();
  const std::vector<u8> blob = MUST(std::move(writer).finish());
  const auto tree = MUST(codec::DeviceTree::open(blob));
  const auto config = read_primary_config(tree);
  if (config.ok()) return "no error";
  TextBuffer<512> text;
  config.error().write_text(text.writer());
  return std::string(text.view());
}

TEST(NetworkConfig, MacAddressesAreOneCards) {
  ASSERT_TRUE(parse_mac("52:54:00:12:34:fE").has_value());
  EXPECT_EQ(text_of_mac(*parse_mac("52:54:00:12:34:fE")), "52:54:00:12:34:fe");
  for (const std::string_view bad : {"", "52:54:00:12:34", "52:54:00:12:34:5", "52-54-00-12-34-56", "52:54:00:12:34:5g",
                                     "01:00:5e:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "52:54:00:12:34:56:"}) {
    EXPECT_FALSE(parse_mac(bad).has_value()) << bad;
  }
}

TEST(NetworkConfig, OwnAddressesHaveAPrefixLength) {
  ASSERT_TRUE(parse_network_address("192.0.2.2/24").has_value());
  EXPECT_EQ(parse_network_address("192.0.2.2/24")->prefix_length, 24);
  ASSERT_TRUE(parse_network_address("2001:db8::2/128").has_value());
  for (const std::string_view bad : {"192.0.2.2", "192.0.2.2/", "192.0.2.2/0", "192.0.2.2/33", "2001:db8::2/129", "0.0.0.0/8",
                                     "::/64", "192.0.2.2/024", "/24"}) {
    EXPECT_FALSE(parse_network_address(bad).has_value()) << bad;
  }
}

TEST(NetworkConfig, AddressesToBeLentAreHosts) {
  EXPECT_TRUE(parse_lease_address("192.0.2.5").has_value());
  for (const std::string_view bad :
       {"", "192.0.2.5/24", "2001:db8::5", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"}) {
    EXPECT_FALSE(parse_lease_address(bad).has_value()) << bad;
  }
}

TEST(NetworkConfig, BadNetworksAreRefusedWithTheirPlace) {
  const auto nothing = [](DeviceTreeWriter&) {};
  EXPECT_EQ(error_with(nothing), "no error");
  EXPECT_EQ(error_with(nothing, true, "tun"), "/network: property \"mode\" is malformed (expected sockets, tap or xdp)");
  EXPECT_EQ(error_with(nothing, true, ""), "/network: property \"mode\" is missing (expected sockets, tap or xdp)");
  EXPECT_EQ(error_with(nothing, false), "/network is missing (expected at least one listen@N)");
  EXPECT_EQ(error_with([](DeviceTreeWriter& w) { w.u32("mtu", 575); }),
            "/network: property \"mtu\" is out of range (expected a whole number from 576 to 9216)");
  EXPECT_EQ(error_with([](DeviceTreeWriter& w) { w.string("interface", "sixteen-octets-x"); }),
            "/network: property \"interface\" is out of range (expected at most 15 octets)");
  EXPECT_EQ(error_with([](DeviceTreeWriter& w) { w.string("dhcp-address", "::1"); }),
            "/network: property \"dhcp-address\" is malformed (expected an IPv4 address that a host can have, 192.0.2.5)");
  EXPECT_EQ(error_with([](DeviceTreeWriter& w) { w.bytes("address-secret", std::vector<u8>(15)); }),
            "/network: property \"address-secret\" is out of range (expected 16 octets)");
  EXPECT_EQ(error_with([](DeviceTreeWriter& w) { w.string("colour", "red"); }), "/network: property \"colour\" is not known");
  EXPECT_EQ(error_with([](DeviceTreeWriter& w) {
              w.begin_node("route@0");
              w.string("to", "0.0.0.0/0");
              w.string("via", "fe80::1");
              w.end_node();
            }),
            "/network/route@0: property \"via\" is malformed (expected an address of the same family)");
}

TEST(NetworkConfig, AddressesAreBounded) {
  const std::string error = error_with([](DeviceTreeWriter& w) {
    for (size_t i = 0; i <= max_network_addresses; ++i) {
      w.begin_node("address@" + std::to_string(i));
      w.string("address", "192.0.2.2/24");
      w.end_node();
    }
  });
  EXPECT_EQ(error, "/network/address@16 is one too many (expected at most 16 addresses)");
}

}  // namespace
}  // namespace samara::server
