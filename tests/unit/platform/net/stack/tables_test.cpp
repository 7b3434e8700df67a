#include <string>

#include "platform/net/stack/address_table.h"
#include "platform/net/stack/path_mtu.h"
#include "platform/net/stack/route_table.h"
#include "platform/net/stack/udp_ports.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

using Condition = AssignedAddress::Condition;
using Origin = AssignedAddress::Origin;
const Instant now = Instant::since_boot(Duration::seconds(1000));

// ---- routes

TEST(RouteTable, LongestPrefixThenLowestMetric) {
  RouteTable table;
  table.add({block("0.0.0.0/0"), ip("192.0.2.1"), 5}, RouteOrigin::configured);
  table.add({block("0.0.0.0/0"), ip("192.0.2.2"), 1}, RouteOrigin::configured);
  table.add({block("10.0.0.0/8"), ip("192.0.2.3"), 9}, RouteOrigin::configured);
  EXPECT_EQ(table.gateway_for(now, ip("198.51.100.1"))->gateway, ip("192.0.2.2"));
  EXPECT_EQ(table.gateway_for(now, ip("10.1.1.1"))->gateway, ip("192.0.2.3"));
  EXPECT_FALSE(table.gateway_for(now, ip("2001:db8::1")).has_value());
}

TEST(RouteTable, DeadGatewayIsPassedOverUntilItIsTriedAgain) {
  RouteTable table;
  table.add({block("0.0.0.0/0"), ip("192.0.2.1"), 1}, RouteOrigin::configured);
  table.add({block("0.0.0.0/0"), ip("192.0.2.2"), 2}, RouteOrigin::configured);
  EXPECT_TRUE(table.mark_dead(now, ip("192.0.2.1")));
  EXPECT_FALSE(table.mark_dead(now, ip("192.0.2.9")));
  EXPECT_EQ(table.gateway_for(now, ip("198.51.100.1"))->gateway, ip("192.0.2.2"));
  table.mark_dead(now + Duration::seconds(1), ip("192.0.2.2"));
  // All are dead: the one that will be tried again first.
  const auto all_dead = table.gateway_for(now + Duration::seconds(2), ip("198.51.100.1"));
  EXPECT_EQ(all_dead->gateway, ip("192.0.2.1"));
  EXPECT_FALSE(all_dead->alive);
  EXPECT_EQ(table.gateway_for(now + Duration::seconds(100), ip("198.51.100.1"))->gateway, ip("192.0.2.1"));
  table.mark_alive(ip("192.0.2.2"));
  EXPECT_EQ(table.gateway_for(now, ip("198.51.100.1"))->gateway, ip("192.0.2.2"));
}

TEST(RouteTable, RoutesOfOneOriginGoTogetherAndTheTableIsBounded) {
  RouteTable table;
  for (u8 i = 0; i < 70; ++i) {
    const bool added = table.add({block("0.0.0.0/0"), IpAddress::v4({192, 0, 2, i}), i}, RouteOrigin::dhcp);
    EXPECT_EQ(added, i < RouteTable::capacity);
  }
  table.remove_all(RouteOrigin::dhcp);
  EXPECT_FALSE(table.gateway_for(now, ip("198.51.100.1")).has_value());
}

// ---- addresses

struct Sources : testing::Test {
  AddressTable table;
  void add(std::string_view address, u8 length, Condition condition = Condition::preferred) {
    table.add({{ip(address), length}, Origin::configured, condition});
  }
  std::string source(std::string_view destination) {
    const auto found = table.source_for(ip(destination));
    if (!found.has_value()) return "none";
    std::array<char, 64> text{};
    TextWriter writer(text);
    found->write_text(writer);
    return std::string(writer.view());
  }
};

TEST_F(Sources, SameAddressIsPreferred) {  // RFC 6724 section 5, rule 1
  add("2001:db8::1", 64);
  add("2001:db8::2", 64);
  EXPECT_EQ(source("2001:db8::2"), "2001:db8::2");
}
TEST_F(Sources, AppropriateScopeIsPreferred) {  // rule 2
  add("fe80::1", 64);
  add("2001:db8::1", 64);
  EXPECT_EQ(source("fe80::9"), "fe80::1");
  EXPECT_EQ(source("2001:db8:9::1"), "2001:db8::1");
  EXPECT_EQ(source("ff02::1"), "fe80::1");
  EXPECT_EQ(source("ff0e::1"), "2001:db8::1");
}
TEST_F(Sources, OneThatIsNotReadyYetIsWaitedForBeforeWeSpeak) {
  const auto begins = [this](std::string_view destination) { return table.source_to_begin(ip(destination)); };
  add("fe80::1", 64);
  EXPECT_EQ(begins("2001:db8::9"), ip("fe80::1"));
  add("2001:db8::1", 64, AssignedAddress::Condition::tentative);
  EXPECT_EQ(begins("2001:db8::9"), std::nullopt);
  EXPECT_EQ(begins("fe80::9"), ip("fe80::1"));
  EXPECT_EQ(source("2001:db8::9"), "fe80::1");  // an answer, or a question for a neighbour
  table.set_condition(ip("2001:db8::1"), AssignedAddress::Condition::duplicate);
  EXPECT_EQ(begins("2001:db8::9"), ip("fe80::1"));
  table.set_condition(ip("2001:db8::1"), AssignedAddress::Condition::preferred);
  EXPECT_EQ(begins("2001:db8::9"), ip("2001:db8::1"));
}
TEST_F(Sources, DeprecatedIsAvoided) {  // rule 3
  add("2001:db8::1", 64, Condition::deprecated);
  add("2001:db8:1::1", 64);
  EXPECT_EQ(source("2001:db8::9"), "2001:db8:1::1");
}
TEST_F(Sources, MatchingLabelIsPreferred) {  // rule 6
  add("fd00::1", 64);
  add("2001:db8::1", 64);
  EXPECT_EQ(source("2600::1"), "2001:db8::1");
  EXPECT_EQ(source("fd77::1"), "fd00::1");
}
TEST_F(Sources, LongestMatchingPrefixIsPreferred) {  // rule 8
  add("2001:db8:1::1", 64);
  add("2001:db8:2::1", 64);
  EXPECT_EQ(source("2001:db8:2:9::1"), "2001:db8:2::1");
  EXPECT_EQ(source("2001:db8:1::9"), "2001:db8:1::1");
}
TEST_F(Sources, UnusableAndOtherFamiliesAreNotTaken) {
  add("2001:db8::1", 64, Condition::tentative);
  add("2001:db8::2", 64, Condition::duplicate);
  add("192.0.2.1", 24);
  EXPECT_EQ(source("2001:db8::9"), "none");
  EXPECT_EQ(source("198.51.100.1"), "192.0.2.1");
}

TEST(AddressTable, OnLinkAndBroadcast) {
  AddressTable table;
  table.add({{ip("192.0.2.1"), 25}, Origin::configured, Condition::preferred});
  table.add({{ip("2001:db8::1"), 64}, Origin::router_advertisement, Condition::preferred});
  EXPECT_TRUE(table.is_on_link(ip("192.0.2.99")));
  EXPECT_FALSE(table.is_on_link(ip("192.0.2.200")));
  EXPECT_TRUE(table.is_on_link(ip("fe80::9")));
  EXPECT_FALSE(table.is_on_link(ip("2001:db8::9")));  // RFC 5942: an advertised address says nothing of the link
  EXPECT_TRUE(table.is_broadcast(ip("192.0.2.127")));
  EXPECT_TRUE(table.is_broadcast(ip("255.255.255.255")));
  EXPECT_FALSE(table.is_broadcast(ip("192.0.2.255")));
}

// ---- the rest

TEST(PathMtu, TableIsBoundedAndForgets) {
  SeededRng rng;
  PathMtu paths(16, 1500, rng);
  for (u32 i = 0; i < 1000; ++i) {
    EXPECT_TRUE(paths.learn(now, IpAddress::v4({10, 0, static_cast<u8>(i >> 8), static_cast<u8>(i)}), 1000));
  }
  EXPECT_EQ(paths.find(now, ip("10.0.3.231")).mtu, 1000);
  EXPECT_EQ(paths.find(now + Duration::seconds(600), ip("10.0.3.231")).mtu, 1500);
}

TEST(PathMtu, NarrowPathsLoseDontFragment) {
  SeededRng rng;
  PathMtu paths(16, 1500, rng);
  EXPECT_TRUE(paths.learn(now, ip("10.0.0.1"), 300));
  EXPECT_EQ(paths.find(now, ip("10.0.0.1")).mtu, min_ipv4_mtu);
  EXPECT_FALSE(paths.find(now, ip("10.0.0.1")).dont_fragment);
  EXPECT_FALSE(paths.learn(now, ip("10.0.0.1"), 1000));
}

TEST(PathMtu, PlateausOfRfc1191) {
  EXPECT_EQ(plateau_below(1500), 1492);
  EXPECT_EQ(plateau_below(1492), 1006);
  EXPECT_EQ(plateau_below(9000), 8166);
  EXPECT_EQ(plateau_below(68), 68);
  EXPECT_EQ(plateau_below(0), 68);
}

TEST(UdpPorts, FamiliesAndAddressesAreApart) {
  UdpPorts ports;
  EXPECT_TRUE(ports.add(at("0.0.0.0:53")));
  EXPECT_TRUE(ports.is_open(at("192.0.2.1:53")));
  EXPECT_FALSE(ports.is_open(at("[2001:db8::1]:53")));
  EXPECT_FALSE(ports.is_open(at("192.0.2.1:54")));
  EXPECT_TRUE(ports.add(at("[2001:db8::1]:53")));
  EXPECT_TRUE(ports.is_open(at("[2001:db8::1]:53")));
  EXPECT_FALSE(ports.is_open(at("[2001:db8::2]:53")));
  for (u16 i = 1; i < 256; ++i) EXPECT_TRUE(ports.add({ip("192.0.2.1"), Port(i)}));
  EXPECT_FALSE(ports.add(at("192.0.2.1:999")));
  ports.remove(at("[2001:db8::1]:53"));
  EXPECT_TRUE(ports.add(at("192.0.2.1:999")));
}

}  // namespace
}  // namespace samara::net
