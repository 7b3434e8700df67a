#include "ops/image/machine_link.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "server/config/network_config.h"

namespace samara::ops {
namespace {

TEST(MachineLink, TheAddressOfACardIsOneAndStays) {
  const std::string address = card_address("bridge:br0", "zones/primary.yaml");
  EXPECT_TRUE(server::parse_mac(address).has_value()) << address;
  EXPECT_TRUE(address.starts_with("52:54:00:"));
  EXPECT_EQ(address, card_address("bridge:br0", "zones/primary.yaml"));
  EXPECT_EQ(address, card_address("bridge:br0", "zones/../zones/./primary.yaml"));
  EXPECT_EQ(address, card_address("bridge:br0", std::filesystem::current_path().string() + "/zones/primary.yaml"));
}

TEST(MachineLink, MachinesOnOneBridgeHaveDifferentAddresses) {
  const std::string address = card_address("bridge:br0", "zones/primary.yaml");
  EXPECT_NE(address, card_address("bridge:br0", "zones/secondary.yaml"));
  EXPECT_NE(address, card_address("bridge:br0", "other/primary.yaml"));
  EXPECT_NE(address, card_address("tap:tap0", "zones/primary.yaml"));
  EXPECT_NE(card_address("tap:tap0", "zones/primary.yaml"), card_address("tap:tap1", "zones/primary.yaml"));
}

server::PeerList peers(std::initializer_list<const char*> endpoints) {
  server::PeerList list;
  for (const char* text : endpoints) list.push_back({*Endpoint::parse(text), {}});
  return list;
}

TEST(MachineLink, AMachineReachesServersOfThisHostByTheHostsAddress) {
  RoleConfig config = server::SecondaryConfig{};
  auto& secondary = std::get<server::SecondaryConfig>(config);
  secondary.notify = peers({"127.0.0.1:1", "192.0.2.1:2", "[::1]:3"});
  secondary.zones.push_back({dns::Name(), peers({"127.9.9.9:4"}), {}});
  secondary.zones[0].overrides.notify = peers({"127.0.0.1:5"});
  secondary.catalogs.push_back({dns::Name(), peers({"127.0.0.1:6"}), peers({"127.0.0.1:7"}), {}});
  secondary.catalogs[0].overrides.notify = peers({"127.0.0.1:8"});
  reach_host_instead_of_loopback(config);
  EXPECT_EQ(secondary.notify, peers({"10.0.2.2:1", "192.0.2.1:2", "[::1]:3"}));
  EXPECT_EQ(secondary.zones[0].primaries, peers({"10.0.2.2:4"}));
  EXPECT_EQ(*secondary.zones[0].overrides.notify, peers({"10.0.2.2:5"}));
  EXPECT_EQ(secondary.catalogs[0].primaries, peers({"10.0.2.2:6"}));
  EXPECT_EQ(*secondary.catalogs[0].member_primaries, peers({"10.0.2.2:7"}));
  EXPECT_EQ(*secondary.catalogs[0].overrides.notify, peers({"10.0.2.2:8"}));
}

TEST(MachineLink, WhatIsNoBridgeIsNamed) {
  const auto port = open_bridge_port("longer-than-interfaces-are-called");
  ASSERT_FALSE(port.ok());
  EXPECT_TRUE(port.error().problem.starts_with("bridge longer-than-interfaces-are-called: there is no such interface"))
      << port.error().problem;
}

}  // namespace
}  // namespace samara::ops
