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

TEST(MachineLink, WhatIsNoBridgeIsNamed) {
  const auto port = open_bridge_port("longer-than-interfaces-are-called");
  ASSERT_FALSE(port.ok());
  EXPECT_TRUE(port.error().problem.starts_with("bridge longer-than-interfaces-are-called: there is no such interface"))
      << port.error().problem;
}

}  // namespace
}  // namespace samara::ops
