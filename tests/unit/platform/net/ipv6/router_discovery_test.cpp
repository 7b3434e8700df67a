#include "platform/net/ipv6/router_discovery.h"

#include <gtest/gtest.h>

#include "packet.h"

namespace samara::net::ipv6 {
namespace {

using test::address;
using test::prefix;
using test::TestRng;

constexpr MacAddress mac = {{2, 0, 0, 0, 0, 9}};
const IpAddress router = address("fe80::1");
const IpAddress other = address("fe80::2");
const IpAddress far = address("2001:db8:ffff::1");

Instant at(i64 milliseconds) {
  return Instant::since_boot(Duration::milliseconds(milliseconds));
}
Instant at_seconds(i64 seconds) {
  return at(seconds * 1000);
}

RouterAdvertisement lifetime(u16 seconds, RouterPreference preference = RouterPreference::medium) {
  RouterAdvertisement message;
  message.router_lifetime = seconds;
  message.preference = preference;
  return message;
}
RouterAdvertisement on_link(const char* text, u32 valid) {
  RouterAdvertisement message;
  message.prefixes.add({prefix(text), true, false, valid, valid});
  return message;
}
RouterAdvertisement route(const char* text, u32 seconds, RouterPreference preference = RouterPreference::medium) {
  RouterAdvertisement message;
  message.routes.add({prefix(text), preference, seconds});
  return message;
}

struct RouterDiscoveryTest : testing::Test {
  TestRng rng;
  RouterDiscovery discovery{mac, 1500, rng};
  // Lets time pass up to `end`; when solicitations were sent, in milliseconds.
  std::vector<i64> run_until(Instant end) {
    std::vector<i64> sent;
    while (discovery.next_deadline() <= end) {
      const Instant now = discovery.next_deadline();
      discovery.on_deadline(now);
      while (discovery.poll_solicitation(now).has_value()) sent.push_back(now.since_boot().milliseconds());
      EXPECT_GT(discovery.next_deadline(), now);
    }
    return sent;
  }
};

TEST_F(RouterDiscoveryTest, NothingIsSentBeforeTheStart) {
  EXPECT_EQ(discovery.next_deadline(), Instant::never());
  EXPECT_FALSE(discovery.poll_solicitation(at(0)).has_value());
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point7TheFirstSolicitationWaitsUpToASecond) {
  std::vector<i64> first;
  for (u64 seed = 1; seed <= 50; ++seed) {
    TestRng random(seed);
    RouterDiscovery one(mac, 1500, random);
    one.start(at(0));
    const i64 delay = one.next_deadline().since_boot().milliseconds();
    EXPECT_GE(delay, 0);
    EXPECT_LE(delay, 1000);
    first.push_back(delay);
  }
  EXPECT_NE(*std::ranges::min_element(first), *std::ranges::max_element(first));
}

TEST_F(RouterDiscoveryTest, Rfc7559SolicitationsGoOnEverMoreSlowlyUpToAnHour) {
  discovery.start(at(0));
  const std::vector<i64> sent = run_until(at_seconds(6 * 3600));
  ASSERT_GT(sent.size(), 12u);
  double expected = 4000;
  for (size_t i = 1; i < sent.size(); ++i) {
    const auto interval = static_cast<double>(sent[i] - sent[i - 1]);
    EXPECT_GE(interval, 0.9 * std::min(expected, 3600e3) - 1) << i;
    EXPECT_LE(interval, i == 1 ? 1.1 * 4000 + 1 : 1.1 * 3600e3 + 1);
    expected = interval >= 1.8e6 ? 3600e3 : 2 * interval;
  }
  EXPECT_GE(sent.back() - sent[sent.size() - 2], 0.9 * 3600e3);
}

TEST_F(RouterDiscoveryTest, SolicitationsEndWhenARouterAnswers) {
  discovery.start(at(0));
  EXPECT_EQ(run_until(at(1000)).size(), 1u);
  discovery.on_advertisement(at(1500), router, lifetime(1800));
  EXPECT_TRUE(run_until(at_seconds(1000)).empty());
}

TEST_F(RouterDiscoveryTest, Rfc7559AnAdvertisementByNoDefaultRouterIsNoAnswer) {
  discovery.start(at(0));
  run_until(at(1000));
  discovery.on_advertisement(at(1500), router, lifetime(0));
  EXPECT_EQ(run_until(at(6000)).size(), 1u);
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point7OneIsSentEvenAfterAnUnsolicitedAdvertisement) {
  discovery.start(at(0));
  discovery.on_advertisement(at(0), router, lifetime(1800));
  EXPECT_EQ(run_until(at_seconds(1000)).size(), 1u);
}

TEST_F(RouterDiscoveryTest, Rfc4861Section4Point1SourceAndItsLinkLayerAddressGoTogether) {
  discovery.start(at(0));
  auto sent = discovery.poll_solicitation(at(1000));
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(*sent, (SendRouterSolicitation{unspecified, all_routers, {}}));
  discovery.on_link_local(address("fe80::9"));
  sent = discovery.poll_solicitation(at(6000));
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(*sent, (SendRouterSolicitation{address("fe80::9"), all_routers, {mac}}));
  std::vector<u8> out(100);
  EXPECT_TRUE(write(*sent, out).has_value());
}

TEST_F(RouterDiscoveryTest, DefaultRoutersLiveAsLongAsTheySay) {
  EXPECT_FALSE(discovery.router_for(at(0), far).has_value());
  discovery.on_advertisement(at(0), router, lifetime(30));
  EXPECT_EQ(discovery.router_for(at(0), far), router);
  run_until(at(29'999));
  EXPECT_EQ(discovery.router_for(at(29'999), far), router);
  run_until(at_seconds(30));
  EXPECT_FALSE(discovery.router_for(at_seconds(30), far).has_value());
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point4LifetimeZeroEndsItAtOnce) {
  discovery.on_advertisement(at(0), router, lifetime(1800));
  discovery.on_advertisement(at(1), router, lifetime(0));
  EXPECT_FALSE(discovery.router_for(at(1), far).has_value());
}

TEST_F(RouterDiscoveryTest, Rfc4191Section3Point2BetterPreferenceWins) {
  discovery.on_advertisement(at(0), router, lifetime(1800, RouterPreference::low));
  discovery.on_advertisement(at(0), other, lifetime(1800, RouterPreference::medium));
  EXPECT_EQ(discovery.router_for(at(0), far), other);
  discovery.on_advertisement(at(0), router, lifetime(1800, RouterPreference::high));
  EXPECT_EQ(discovery.router_for(at(0), far), router);
}

TEST_F(RouterDiscoveryTest, Rfc4191Section3Point2LongerPrefixWinsOverPreference) {
  discovery.on_advertisement(at(0), router, lifetime(1800, RouterPreference::high));
  discovery.on_advertisement(at(0), other, route("2001:db8:ffff::/48", 600, RouterPreference::low));
  EXPECT_EQ(discovery.router_for(at(0), far), other);
  EXPECT_EQ(discovery.router_for(at(0), address("2001:db8:fffe::1")), router);
}

TEST_F(RouterDiscoveryTest, Rfc4191Section3Point2OneThatAnswersWinsOverALongerPrefix) {
  discovery.on_advertisement(at(0), router, lifetime(1800));
  discovery.on_advertisement(at(0), other, route("2001:db8:ffff::/48", 600));
  discovery.on_reachability(at(0), other, false);
  EXPECT_EQ(discovery.router_for(at(0), far), router);
  // Section 3.5: and is tried again after a minute.
  EXPECT_EQ(discovery.router_for(at_seconds(60), far), other);
  discovery.on_reachability(at_seconds(60), other, false);
  discovery.on_reachability(at_seconds(61), other, true);
  EXPECT_EQ(discovery.router_for(at_seconds(61), far), other);
}

TEST_F(RouterDiscoveryTest, Rfc4191Section3Point1DefaultRouteOptionOverridesTheHeader) {
  RouterAdvertisement message = lifetime(1800, RouterPreference::low);
  message.routes.add({prefix("::/0"), RouterPreference::high, 10});
  discovery.on_advertisement(at(0), router, message);
  ASSERT_EQ(discovery.routes().size(), 1u);
  EXPECT_EQ(discovery.routes()[0].preference, RouterPreference::high);
  EXPECT_EQ(discovery.routes()[0].expires, at_seconds(10));
}

TEST_F(RouterDiscoveryTest, RoutesLiveAsLongAsTheySay) {
  discovery.on_advertisement(at(0), router, route("2001:db8:ffff::/48", 10));
  run_until(at_seconds(10));
  EXPECT_TRUE(discovery.routes().empty());
  discovery.on_advertisement(at_seconds(10), router, route("2001:db8:ffff::/48", infinite_lifetime));
  EXPECT_EQ(discovery.routes()[0].expires, at_seconds(10 + 86'400)) << "for ever means until it is not repeated";
  discovery.on_advertisement(at_seconds(11), router, route("2001:db8:ffff::/48", 0));
  EXPECT_TRUE(discovery.routes().empty());
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point6KnownToAnswerWinsOverUnknown) {
  discovery.on_advertisement(at(0), router, lifetime(1800));
  discovery.on_advertisement(at(0), other, lifetime(1800));
  EXPECT_EQ(discovery.router_for(at(0), far), router);
  discovery.on_reachability(at(0), other, true);
  EXPECT_EQ(discovery.router_for(at(0), far), other);
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point6WhenNoneAnswersEachHasItsTurn) {
  const std::vector<IpAddress> routers = {router, other, address("fe80::3")};
  for (const IpAddress& r : routers) discovery.on_advertisement(at(0), r, lifetime(1800));
  for (i64 turn = 1; turn <= 9; ++turn) {
    const auto chosen = discovery.router_for(at(turn), far);
    ASSERT_TRUE(chosen.has_value());
    EXPECT_EQ(*chosen, routers[static_cast<size_t>(turn - 1) % 3]);
    discovery.on_reachability(at(turn), *chosen, false);
  }
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point4OnLinkPrefixes) {
  EXPECT_TRUE(discovery.on_link(address("fe80::77")));
  EXPECT_FALSE(discovery.on_link(address("2001:db8:1::1")));
  discovery.on_advertisement(at(0), router, on_link("2001:db8:1::/64", 100));
  EXPECT_TRUE(discovery.on_link(address("2001:db8:1::1")));
  RouterAdvertisement silent = on_link("2001:db8:1::/64", 1);
  silent.prefixes[0].on_link = false;
  discovery.on_advertisement(at(0), router, silent);
  EXPECT_EQ(discovery.prefixes()[0].expires, at_seconds(100));
  discovery.on_advertisement(at_seconds(50), router, on_link("2001:db8:1::/64", 100));
  run_until(at_seconds(149));
  EXPECT_TRUE(discovery.on_link(address("2001:db8:1::1")));
  run_until(at_seconds(150));
  EXPECT_FALSE(discovery.on_link(address("2001:db8:1::1")));
  discovery.on_advertisement(at_seconds(150), router, on_link("2001:db8:1::/64", infinite_lifetime));
  EXPECT_EQ(discovery.prefixes()[0].expires, at_seconds(150 + 86'400));
  discovery.on_advertisement(at_seconds(151), router, on_link("2001:db8:1::/64", 0));
  EXPECT_TRUE(discovery.prefixes().empty());
}

TEST_F(RouterDiscoveryTest, RoutersCannotSetTheLinkLocalPrefix) {
  discovery.on_advertisement(at(0), router, on_link("fe80::/64", 100));
  EXPECT_TRUE(discovery.prefixes().empty());
}

TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point4ZeroLeavesParametersAsTheyAre) {
  RouterAdvertisement message;
  message.retransmit_timer = 2000;
  message.mtu = 1400;
  discovery.on_advertisement(at(0), router, message);
  discovery.on_advertisement(at(1), router, RouterAdvertisement{});
  EXPECT_EQ(discovery.retransmit_timer(), Duration::seconds(2));
  EXPECT_EQ(discovery.mtu(), 1400);
}

TEST_F(RouterDiscoveryTest, MtuStaysBetweenTheMinimumAndTheLinks) {
  RouterAdvertisement message;
  for (const u32 mtu : {0u, 1279u, 1501u, 65536u + 1400u, 0xffffffffu}) {
    message.mtu = mtu;
    discovery.on_advertisement(at(0), router, message);
    EXPECT_EQ(discovery.mtu(), 1500) << mtu;
  }
  message.mtu = 1280;
  discovery.on_advertisement(at(0), router, message);
  EXPECT_EQ(discovery.mtu(), 1280);
}

TEST_F(RouterDiscoveryTest, ForgedRetransmitTimersNeitherStopUsNorMakeUsFlood) {
  RouterAdvertisement message;
  message.retransmit_timer = 0xffffffff;
  discovery.on_advertisement(at(0), router, message);
  EXPECT_EQ(discovery.retransmit_timer(), Duration::seconds(5));
  message.retransmit_timer = 1;
  discovery.on_advertisement(at(0), router, message);
  EXPECT_EQ(discovery.retransmit_timer(), Duration::milliseconds(100));
}

TEST_F(RouterDiscoveryTest, ParametersEndWithTheRouterThatToldThem) {
  RouterAdvertisement message;
  message.retransmit_timer = 3'000;
  message.reachable_time = 3'600'000;
  message.mtu = 1280;
  const auto told = [&] {
    return discovery.retransmit_timer() == Duration::seconds(3) && discovery.mtu() == 1280 &&
           discovery.reachable_time() == Duration::seconds(300);
  };
  const auto forgotten = [&] {
    return discovery.retransmit_timer() == Duration::seconds(1) && discovery.mtu() == 1500 &&
           discovery.reachable_time() == Duration::seconds(30);
  };
  discovery.on_advertisement(at(0), router, message);
  run_until(at_seconds(3 * 1800 - 1));
  EXPECT_TRUE(told());
  run_until(at_seconds(3 * 1800));
  EXPECT_TRUE(forgotten());
  message.router_lifetime = 9'000;
  discovery.on_advertisement(at_seconds(6'000), router, message);
  run_until(at_seconds(14'999));
  EXPECT_TRUE(told());
  run_until(at_seconds(15'000));
  EXPECT_TRUE(forgotten());
  // Each by itself: another router repeats one of them.
  discovery.on_advertisement(at_seconds(20'000), router, message);
  RouterAdvertisement other_message;
  other_message.mtu = 1400;
  discovery.on_advertisement(at_seconds(28'000), other, other_message);
  run_until(at_seconds(29'000));
  EXPECT_EQ(discovery.mtu(), 1400);
  EXPECT_EQ(discovery.retransmit_timer(), Duration::seconds(1));
}

TEST_F(RouterDiscoveryTest, WhatIsToldForEverEndsADayAfterItWasLastRepeated) {
  discovery.on_advertisement(at(0), router, on_link("2001:db8:1::/64", infinite_lifetime));
  discovery.on_advertisement(at(0), router, route("2001:db8:ffff::/48", 0xfffffffe));
  run_until(at_seconds(50'000));
  discovery.on_advertisement(at_seconds(50'000), router, on_link("2001:db8:1::/64", infinite_lifetime));
  run_until(at_seconds(86'400));
  EXPECT_TRUE(discovery.routes().empty());
  EXPECT_EQ(discovery.prefixes().size(), 1U);
  run_until(at_seconds(136'400));
  EXPECT_TRUE(discovery.prefixes().empty());
}

// Drawn once, by the neighbour cache: drawn here too, a router that is gone would be believed in for 67 seconds and not for 45.
TEST_F(RouterDiscoveryTest, Rfc4861Section6Point3Point4ReachableTimeIsTheBaseThatTheRouterSays) {
  discovery.start(at(0));
  EXPECT_EQ(discovery.reachable_time(), Duration::seconds(30));
  RouterAdvertisement message;
  message.reachable_time = 10'000;
  discovery.on_advertisement(at(0), router, message);
  EXPECT_EQ(discovery.reachable_time(), Duration::seconds(10));
  message.reachable_time = 0;  // says nothing
  discovery.on_advertisement(at(1), router, message);
  EXPECT_EQ(discovery.reachable_time(), Duration::seconds(10));
  message.reachable_time = 3'600'001;
  discovery.on_advertisement(at(2), router, message);
  EXPECT_EQ(discovery.reachable_time(), Duration::seconds(10));
}

TEST_F(RouterDiscoveryTest, FloodOfOneRouterLeavesTheOthersTheirShare) {
  discovery.on_advertisement(at(0), router, on_link("2001:db8:1::/64", 86400));
  discovery.on_advertisement(at(0), router, lifetime(1800));
  for (u32 i = 0; i < 1000; ++i) {
    const auto high = static_cast<u8>(i >> 8), low = static_cast<u8>(i);
    const IpPrefix forged = *IpPrefix::create(IpAddress::v6({0x20, 2, high, low}), 64);
    RouterAdvertisement message;
    message.prefixes.add({forged, true, true, infinite_lifetime, infinite_lifetime});
    message.routes.add({forged, RouterPreference::high, infinite_lifetime});
    discovery.on_advertisement(at(i), other, message);
  }
  EXPECT_TRUE(discovery.on_link(address("2001:db8:1::1")));
  EXPECT_EQ(discovery.router_for(at(1000), far), router);
  EXPECT_EQ(discovery.routes().size(), RouterDiscovery::max_routes);
  EXPECT_GT(discovery.turned_away(), 900u);
  // Who comes later gets room, too.
  const IpAddress third = address("fe80::3");
  discovery.on_advertisement(at(2000), third, on_link("2001:db8:3::/64", 86400));
  EXPECT_TRUE(discovery.on_link(address("2001:db8:3::1")));
  discovery.on_advertisement(at(2000), third, lifetime(1800, RouterPreference::high));
  EXPECT_EQ(discovery.router_for(at(2000), far), third);
}

TEST_F(RouterDiscoveryTest, FloodOfMadeUpRoutersDoesNotPushOutTheOneThatWasThere) {
  discovery.on_advertisement(at(0), router, lifetime(9000));
  for (u32 i = 0; i < 1000; ++i) {
    const IpAddress forged =
        IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, static_cast<u8>(i >> 8), static_cast<u8>(i)});
    discovery.on_advertisement(at(i), forged, lifetime(65535));
  }
  EXPECT_EQ(discovery.router_for(at(1000), far), router);
  // One that came too late gets in when what the flood left is not repeated, or does not answer.
  discovery.on_advertisement(at(2000), other, lifetime(1800, RouterPreference::high));
  EXPECT_EQ(discovery.router_for(at(2000), far), router);
  discovery.on_reachability(at(2500), discovery.routes()[5].router, false);
  discovery.on_advertisement(at(3000), other, lifetime(1800, RouterPreference::high));
  EXPECT_EQ(discovery.router_for(at(3000), far), other);
  const IpAddress third = address("fe80::3");
  discovery.on_advertisement(at_seconds(3600), router, lifetime(9000));
  discovery.on_advertisement(at_seconds(3600), third, lifetime(1800, RouterPreference::high));
  EXPECT_EQ(discovery.routes().size(), RouterDiscovery::max_routes);
  EXPECT_EQ(discovery.routes()[RouterDiscovery::max_routes - 1].router, third);
  EXPECT_EQ(discovery.routes()[0].router, router);
}

}  // namespace
}  // namespace samara::net::ipv6
