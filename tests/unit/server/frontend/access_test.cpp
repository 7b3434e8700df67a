#include "server/frontend/access.h"

#include <gtest/gtest.h>

namespace samara::server {
namespace {

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}
IpPrefix prefix(std::string_view text) {
  return *IpPrefix::parse(text);
}

TEST(AccessTable, that_is_empty_lets_nobody_in) {
  const AccessTable table({});
  EXPECT_FALSE(table.allows(address("127.0.0.1"), std::nullopt));
  EXPECT_FALSE(table.allows(address("::1"), u16{0}));
}

TEST(AccessTable, with_an_open_rule_lets_everybody_in) {
  const AccessTable table({{prefix("192.0.2.0/24"), u16{3}}, {std::nullopt, std::nullopt}});
  EXPECT_TRUE(table.allows(address("198.51.100.1"), std::nullopt));
  EXPECT_TRUE(table.allows(address("2001:db8::1"), u16{9}));
}

TEST(AccessTable, lets_in_a_block_to_its_last_address) {
  const AccessTable table({{prefix("192.0.2.64/26"), std::nullopt}, {prefix("2001:db8::/33"), std::nullopt}});
  EXPECT_FALSE(table.allows(address("192.0.2.63"), std::nullopt));
  EXPECT_TRUE(table.allows(address("192.0.2.64"), std::nullopt));
  EXPECT_TRUE(table.allows(address("192.0.2.127"), u16{1}));
  EXPECT_FALSE(table.allows(address("192.0.2.128"), std::nullopt));
  EXPECT_TRUE(table.allows(address("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"), std::nullopt));
  EXPECT_FALSE(table.allows(address("2001:db8:8000::"), std::nullopt));
}

TEST(AccessTable, keeps_the_families_apart) {
  const AccessTable four({{prefix("0.0.0.0/0"), std::nullopt}});
  EXPECT_TRUE(four.allows(address("203.0.113.9"), std::nullopt));
  EXPECT_FALSE(four.allows(address("::"), std::nullopt));
  const AccessTable six({{prefix("::/0"), std::nullopt}});
  EXPECT_FALSE(six.allows(address("0.0.0.0"), std::nullopt));
  EXPECT_TRUE(six.allows(address("::ffff:203.0.113.9"), std::nullopt));
}

TEST(AccessTable, asks_for_the_key_a_rule_names) {
  const AccessTable table({{std::nullopt, u16{2}}});
  EXPECT_TRUE(table.allows(address("192.0.2.1"), u16{2}));
  EXPECT_FALSE(table.allows(address("192.0.2.1"), u16{1}));
  EXPECT_FALSE(table.allows(address("192.0.2.1"), std::nullopt));
}

TEST(AccessTable, asks_for_both_block_and_key_of_a_rule) {
  const AccessTable table({{prefix("192.0.2.0/24"), u16{0}}, {prefix("198.51.100.0/24"), u16{1}}});
  EXPECT_TRUE(table.allows(address("192.0.2.1"), u16{0}));
  EXPECT_FALSE(table.allows(address("192.0.2.1"), u16{1}));
  EXPECT_FALSE(table.allows(address("198.51.100.1"), u16{0}));
  EXPECT_TRUE(table.allows(address("198.51.100.1"), u16{1}));
}

}  // namespace
}  // namespace samara::server
