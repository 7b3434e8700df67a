#include "platform/net/ipv6/address_configuration.h"

#include <gtest/gtest.h>

#include <set>

#include "packet.h"
#include "platform/net/ipv6/interface_identifier.h"

namespace samara::net::ipv6 {
namespace {

using test::address;
using test::prefix;
using test::TestRng;
using Condition = LocalAddress::Condition;
using Origin = LocalAddress::Origin;

constexpr MacAddress mac = {{2, 0, 0, 0, 0, 9}};
const std::array<u8, 16> secret = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
const IpAddress router = address("fe80::1");
constexpr u32 day = 86400;

Instant at(i64 milliseconds) {
  return Instant::since_boot(Duration::milliseconds(milliseconds));
}
Instant at_seconds(i64 seconds) {
  return at(seconds * 1000);
}

PrefixInformation autonomous(const char* text, u32 valid, u32 preferred) {
  return {prefix(text), true, true, valid, preferred};
}

struct Timed {
  i64 milliseconds;
  AddressOutput output;
};

struct AddressConfigurationTest : testing::Test {
  TestRng rng;
  AddressConfiguration addresses{{mac, secret, {}, 1}, rng};
  std::vector<Timed> log;

  void drain(Instant now) {
    while (auto output = addresses.poll()) log.push_back({now.since_boot().milliseconds(), *output});
  }
  void run_until(Instant end) {
    while (addresses.next_deadline() <= end) {
      const Instant now = addresses.next_deadline();
      addresses.on_deadline(now);
      drain(now);
      ASSERT_GT(addresses.next_deadline(), now);
    }
  }
  template <class Output>
  std::vector<Output> all() const {
    std::vector<Output> found;
    for (const Timed& timed : log) {
      if (const auto* output = std::get_if<Output>(&timed.output)) found.push_back(*output);
    }
    return found;
  }
  std::vector<LocalAddress> list() const {
    std::vector<LocalAddress> found;
    addresses.for_each_address([&](const LocalAddress& local) { found.push_back(local); });
    return found;
  }
  std::optional<LocalAddress> advertised() const {
    for (const LocalAddress& local : list()) {
      if (local.origin == Origin::advertised) return local;
    }
    return std::nullopt;
  }
  // With a link-local address and one of 2001:db8:1::/64.
  void with_advertised(u32 valid, u32 preferred) {
    addresses.start(at(0));
    addresses.on_prefix(at(0), router, autonomous("2001:db8:1::/64", valid, preferred));
    drain(at(0));
    run_until(at_seconds(5));
    log.clear();
  }
};

TEST(InterfaceIdentifier, Rfc7217Section5SameInputsSameIdentifier) {
  const auto one = [](const char* network_prefix, MacAddress card, std::string_view network, u8 counter, u8 key) {
    std::array<u8, 16> other_secret = secret;
    other_secret[0] = key;
    const std::vector<u8> octets(network.begin(), network.end());
    return stable_identifier(other_secret, address(network_prefix), card, octets, counter);
  };
  const auto base = one("2001:db8:1::", mac, "net", 0, 1);
  EXPECT_EQ(base, one("2001:db8:1::", mac, "net", 0, 1));
  EXPECT_EQ(base, one("2001:db8:1::ffff", mac, "net", 0, 1));  // only the prefix counts
  EXPECT_NE(base, one("2001:db8:2::", mac, "net", 0, 1));
  EXPECT_NE(base, one("2001:db8:1::", {{2, 0, 0, 0, 0, 8}}, "net", 0, 1));
  EXPECT_NE(base, one("2001:db8:1::", mac, "ten", 0, 1));
  EXPECT_NE(base, one("2001:db8:1::", mac, "net", 1, 1));
  EXPECT_NE(base, one("2001:db8:1::", mac, "net", 0, 2));
}

TEST(InterfaceIdentifier, ReservedOnesAreKnown) {
  EXPECT_TRUE(is_reserved({}));
  EXPECT_TRUE(is_reserved({0x02, 0x00, 0x5e, 0xff, 0xfe, 0, 0, 0}));
  EXPECT_TRUE(is_reserved({0x02, 0x00, 0x5e, 0xff, 0xfe, 0xff, 0xff, 0xff}));
  EXPECT_FALSE(is_reserved({0x02, 0x00, 0x5e, 0xff, 0xff, 0, 0, 0}));
  EXPECT_TRUE(is_reserved({0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80}));
  EXPECT_FALSE(is_reserved({0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}));
  EXPECT_FALSE(is_reserved({0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST_F(AddressConfigurationTest, LinkLocalAddressComesUpAfterDetection) {
  addresses.start(at(0));
  drain(at(0));
  ASSERT_EQ(list().size(), 1u);
  const IpAddress own = list()[0].address;
  EXPECT_EQ(own, join(link_local_prefix, stable_identifier(secret, link_local_prefix, mac, {}, 0)));
  EXPECT_TRUE(addresses.is_tentative(own));
  EXPECT_FALSE(addresses.link_local().has_value());
  run_until(at_seconds(10));
  EXPECT_EQ(addresses.link_local(), own);
  EXPECT_EQ(addresses.next_deadline(), Instant::never());
  ASSERT_EQ(log.size(), 3u);
  // RFC 4862 section 5.4.2: the group first, then within a second the solicitation, and RetransTimer later the address is ours.
  EXPECT_EQ(std::get<JoinGroup>(log[0].output).group, solicited_node_group(own));
  EXPECT_EQ(log[0].milliseconds, 0);
  const auto& sent = std::get<SendNeighborSolicitation>(log[1].output);
  EXPECT_LE(log[1].milliseconds, 1000);
  EXPECT_EQ(log[1].milliseconds, std::get<JoinGroup>(log[0].output).report_delay.milliseconds());
  EXPECT_EQ(sent.source, unspecified);
  EXPECT_EQ(sent.destination, solicited_node_group(own));
  EXPECT_EQ(sent.message.target, own);
  EXPECT_FALSE(sent.message.source_link_layer.has_value());
  EXPECT_TRUE(sent.message.nonce.has_value());
  EXPECT_EQ(std::get<AddressUp>(log[2].output).address, own);
  EXPECT_EQ(log[2].milliseconds, log[1].milliseconds + 1000);
}

TEST_F(AddressConfigurationTest, Rfc4861Section7Point2Point6AddressesAreAnnouncedWhenTheLinkIsUpAgain) {
  addresses.start(at(0));
  addresses.add_configured(at(0), address("2001:db8::1"), 64);
  drain(at(0));
  run_until(at_seconds(10));
  log.clear();
  addresses.on_link_up(at_seconds(20));
  run_until(at_seconds(60));
  const auto sent = all<SendNeighborAdvertisement>();
  ASSERT_EQ(sent.size(), 6U) << "MAX_NEIGHBOR_ADVERTISEMENT of each";
  EXPECT_EQ(log.size(), 6U) << "and nothing else: both stay in use";
  std::multiset<i64> times;
  for (const Timed& timed : log) times.insert(timed.milliseconds);
  EXPECT_EQ(times, (std::multiset<i64>{20'000, 20'000, 21'000, 21'000, 22'000, 22'000}));
  for (const SendNeighborAdvertisement& one : sent) {
    EXPECT_EQ(one.source, one.message.target);
    EXPECT_EQ(one.destination, all_nodes);
    EXPECT_FALSE(one.message.solicited);
    EXPECT_TRUE(one.message.override_cache);
    EXPECT_EQ(one.message.target_link_layer, mac);
  }
  EXPECT_EQ(std::ranges::count(sent, address("2001:db8::1"), [](const auto& one) { return one.message.target; }), 3);
  EXPECT_EQ(addresses.next_deadline(), Instant::never());
}

TEST_F(AddressConfigurationTest, DetectionBeginsAnewWhenTheLinkComesUpDuringIt) {
  addresses.start(at(0));
  drain(at(0));
  const IpAddress own = list()[0].address;
  run_until(at(1'500));
  ASSERT_TRUE(addresses.is_tentative(own));
  addresses.on_link_up(at(1'600));
  run_until(at_seconds(10));
  EXPECT_EQ(all<SendNeighborSolicitation>().size(), 2U) << "the first went nowhere";
  ASSERT_EQ(all<AddressUp>().size(), 1U);
  EXPECT_EQ(log.back().milliseconds, 2'600);
  EXPECT_EQ(all<JoinGroup>().size(), 1U) << "it listens already";
}

TEST_F(AddressConfigurationTest, ADuplicateIsTriedAgainWhenTheLinkComesUp) {
  addresses.add_configured(at(0), address("2001:db8::1"), 64);
  drain(at(0));
  addresses.on_advertisement(at(0), {.target = address("2001:db8::1"), .target_link_layer = std::nullopt});
  drain(at(0));
  addresses.on_link_up(at_seconds(5));
  run_until(at_seconds(8));
  EXPECT_TRUE(addresses.is_assigned(address("2001:db8::1"))) << "on another link it may be none";
}

TEST_F(AddressConfigurationTest, RetransmitTimerAndTransmitsAreObeyed) {
  AddressConfiguration three({mac, secret, {}, 3}, rng);
  three.set_retransmit_timer(Duration::seconds(4));
  three.start(at(0));
  std::vector<i64> sent;
  while (three.next_deadline() != Instant::never()) {
    const Instant now = three.next_deadline();
    three.on_deadline(now);
    while (auto output = three.poll()) {
      if (!std::holds_alternative<JoinGroup>(*output)) sent.push_back(now.since_boot().milliseconds());
    }
  }
  ASSERT_EQ(sent.size(), 4u);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(sent[i] - sent[i - 1], 4000);
}

TEST_F(AddressConfigurationTest, WithoutDetectionAddressesAreUpAtOnce) {
  AddressConfiguration none({mac, secret, {}, 0}, rng);
  none.start(at(0));
  EXPECT_TRUE(none.link_local().has_value());
  EXPECT_TRUE(std::holds_alternative<JoinGroup>(*none.poll()));
  EXPECT_TRUE(std::holds_alternative<AddressUp>(*none.poll()));
  EXPECT_FALSE(none.poll().has_value());
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point4Point3SolicitationByAnotherMeansDuplicate) {
  addresses.start(at(0));
  drain(at(0));
  const IpAddress first = list()[0].address;
  addresses.on_solicitation(at(100), unspecified, {first, {}, Nonce{9, 9, 9, 9, 9, 9}});
  drain(at(100));
  ASSERT_EQ(all<AddressDuplicate>().size(), 1u);
  EXPECT_EQ(all<AddressDuplicate>()[0].address, first);
  EXPECT_TRUE(all<AddressDuplicate>()[0].another_follows);
  ASSERT_EQ(all<LeaveGroup>().size(), 1u);
  EXPECT_EQ(all<LeaveGroup>()[0].group, solicited_node_group(first));
  // RFC 7217 section 6: the next counter, a second later.
  ASSERT_EQ(list().size(), 1u);
  EXPECT_EQ(list()[0].address, join(link_local_prefix, stable_identifier(secret, link_local_prefix, mac, {}, 1)));
  run_until(at_seconds(10));
  EXPECT_EQ(addresses.link_local(), list()[0].address);
  EXPECT_GE(log.back().milliseconds, 100 + 1000 + 1000);
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point4Point3WithoutNonceToo) {
  addresses.start(at(0));
  addresses.on_solicitation(at(100), unspecified, {list()[0].address, {}, {}});
  drain(at(100));
  EXPECT_EQ(all<AddressDuplicate>().size(), 1u);
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point4Point3SolicitationFromAnAddressIsIgnored) {
  addresses.start(at(0));
  const IpAddress own = list()[0].address;
  addresses.on_solicitation(at(100), router, {own, {}, {}});
  EXPECT_FALSE(addresses.answer(router, {own, {}, {}}).has_value());
  run_until(at_seconds(10));
  EXPECT_EQ(addresses.link_local(), own);
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point4Point4AdvertisementMeansDuplicate) {
  addresses.start(at(0));
  addresses.on_advertisement(at(100), {list()[0].address, false, false, true, MacAddress{}});
  drain(at(100));
  EXPECT_EQ(all<AddressDuplicate>().size(), 1u);
}

TEST_F(AddressConfigurationTest, Rfc7217Section6AfterThreeMoreItGivesUpLoudly) {
  addresses.start(at(0));
  std::set<std::vector<u8>> tried;
  for (i64 i = 0; i < 10; ++i) {
    for (const LocalAddress& local : list()) {
      tried.insert({local.address.octets().begin(), local.address.octets().end()});
      addresses.on_advertisement(at(i), {local.address, false, false, true, {}});
    }
    drain(at(i));
  }
  EXPECT_EQ(tried.size(), 4u);
  const auto duplicates = all<AddressDuplicate>();
  ASSERT_EQ(duplicates.size(), 4u);
  EXPECT_TRUE(duplicates[2].another_follows);
  EXPECT_FALSE(duplicates[3].another_follows);
  ASSERT_EQ(list().size(), 1u);
  EXPECT_EQ(list()[0].condition, Condition::duplicate);
  EXPECT_FALSE(addresses.link_local().has_value());
  EXPECT_EQ(all<JoinGroup>().size(), all<LeaveGroup>().size());
}

TEST_F(AddressConfigurationTest, ConfiguredDuplicateIsNotReplacedButTriedAgain) {
  EXPECT_TRUE(addresses.add_configured(at(0), address("2001:db8::53"), 64));
  addresses.on_advertisement(at(1), {address("2001:db8::53"), false, false, true, {}});
  drain(at(1));
  ASSERT_EQ(all<AddressDuplicate>().size(), 1u);
  EXPECT_FALSE(all<AddressDuplicate>()[0].another_follows);
  EXPECT_EQ(list()[0].condition, Condition::duplicate);
  EXPECT_FALSE(addresses.is_assigned(address("2001:db8::53")));
  EXPECT_FALSE(addresses.answer(router, {address("2001:db8::53"), {}, {}}).has_value());
  // One forged advertisement costs a minute, and one each time another minute.
  run_until(at(60'001));
  EXPECT_TRUE(all<AddressUp>().empty());
  EXPECT_TRUE(addresses.is_tentative(address("2001:db8::53")));
  addresses.on_advertisement(at(60'002), {address("2001:db8::53"), false, false, true, {}});
  drain(at(60'002));
  EXPECT_EQ(all<AddressDuplicate>().size(), 2u);
  run_until(at(120'001));
  EXPECT_EQ(list()[0].condition, Condition::duplicate);
  run_until(at(124'000));
  ASSERT_EQ(all<AddressUp>().size(), 1u);
  EXPECT_EQ(all<AddressUp>()[0].address, address("2001:db8::53"));
  EXPECT_EQ(all<JoinGroup>().size(), all<LeaveGroup>().size() + 1);
  EXPECT_EQ(addresses.next_deadline(), Instant::never());
}

TEST_F(AddressConfigurationTest, DetectionBeginsAnewHoweverOftenItFailed) {
  EXPECT_TRUE(addresses.add_configured(at(0), address("2001:db8::53"), 64));
  // Each time in the second between its solicitation and the end of the detection.
  size_t asked = 0;
  for (i64 tick = 1; asked < 20; ++tick) {
    run_until(at(tick * 100));
    if (all<SendNeighborSolicitation>().size() == asked) continue;
    asked = all<SendNeighborSolicitation>().size();
    addresses.on_advertisement(at(tick * 100), {address("2001:db8::53"), false, false, true, {}});
    drain(at(tick * 100));
  }
  EXPECT_EQ(all<AddressDuplicate>().size(), 20u);
  run_until(at_seconds(20 * 62 + 70));
  EXPECT_TRUE(addresses.is_assigned(address("2001:db8::53")));
}

TEST_F(AddressConfigurationTest, Rfc7527OwnSolicitationThatComesBackIsNoDuplicate) {
  addresses.start(at(0));
  const IpAddress own = list()[0].address;
  // A link that sends everything back, always.
  while (addresses.next_deadline() != Instant::never()) {
    const Instant now = addresses.next_deadline();
    ASSERT_LT(now, at_seconds(20));
    addresses.on_deadline(now);
    while (auto output = addresses.poll()) {
      log.push_back({now.since_boot().milliseconds(), *output});
      if (const auto* sent = std::get_if<SendNeighborSolicitation>(&*output))
        addresses.on_solicitation(now, unspecified, sent->message);
    }
  }
  EXPECT_TRUE(all<AddressDuplicate>().empty());
  const auto sent = all<SendNeighborSolicitation>();
  EXPECT_EQ(sent.size(), 4u);  // one, and MAX_MULTICAST_SOLICIT more
  std::set<Nonce> nonces;
  for (const auto& one : sent) nonces.insert(*one.message.nonce);
  EXPECT_EQ(nonces.size(), 4u);
  EXPECT_EQ(addresses.loopbacks(), 4u);
  EXPECT_EQ(addresses.link_local(), own);
}

TEST_F(AddressConfigurationTest, Rfc4861Section7Point2Point4SolicitationsForOurAddressesAreAnswered) {
  with_advertised(day, day);
  const IpAddress own = advertised()->address;
  auto answer = addresses.answer(router, {own, {}, {}});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->source, own);
  EXPECT_EQ(answer->destination, router);
  EXPECT_EQ(answer->message, (NeighborAdvertisement{own, false, true, true, mac}));
  answer = addresses.answer(unspecified, {own, {}, Nonce{}});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->destination, all_nodes);
  EXPECT_FALSE(answer->message.solicited);
  EXPECT_FALSE(addresses.answer(router, {address("2001:db8:1::1"), {}, {}}).has_value());
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point5Point3PrefixesThatMakeNoAddress) {
  addresses.start(at(0));
  PrefixInformation not_autonomous = autonomous("2001:db8:1::/64", day, day);
  not_autonomous.autonomous = false;
  addresses.on_prefix(at(0), router, not_autonomous);                                  // (a)
  addresses.on_prefix(at(0), router, autonomous("fe80::/64", day, day));               // (b)
  addresses.on_prefix(at(0), router, autonomous("2001:db8:1::/64", day, day + 1));     // (c)
  addresses.on_prefix(at(0), router, autonomous("2001:db8:1::/64", 0, 0));             // (d)
  addresses.on_prefix(at(0), router, autonomous("2001:db8::/48", day, day));           // (d)
  addresses.on_prefix(at(0), router, autonomous("2001:db8:1:0:8000::/65", day, day));  // (d)
  addresses.on_prefix(at(0), router, autonomous("ff02::/64", day, day));
  EXPECT_FALSE(advertised().has_value());
  addresses.on_prefix(at(0), router, autonomous("2001:db8:1::/64", day, day));
  ASSERT_TRUE(advertised().has_value());
  EXPECT_EQ(advertised()->prefix_length, 64);
  EXPECT_TRUE(prefix("2001:db8:1::/64").contains(advertised()->address));
}

TEST_F(AddressConfigurationTest, LifetimesEndInDeprecatedAndThenGone) {
  with_advertised(3 * 3600, 3600);
  const IpAddress own = advertised()->address;
  EXPECT_EQ(advertised()->condition, Condition::preferred);
  run_until(at_seconds(3600));
  EXPECT_EQ(advertised()->condition, Condition::deprecated);
  EXPECT_TRUE(addresses.is_assigned(own));
  run_until(at_seconds(3 * 3600));
  EXPECT_FALSE(advertised().has_value());
  ASSERT_EQ(all<AddressDown>().size(), 1u);
  EXPECT_EQ(all<AddressDown>()[0].address, own);
  EXPECT_EQ(all<LeaveGroup>()[0].group, solicited_node_group(own));
}

TEST_F(AddressConfigurationTest, AnAdvertisementMakesItPreferredAgain) {
  with_advertised(3 * 3600, 3600);
  run_until(at_seconds(3700));
  addresses.on_prefix(at_seconds(3700), router, autonomous("2001:db8:1::/64", 3 * 3600, 3600));
  EXPECT_EQ(advertised()->condition, Condition::preferred);
  addresses.on_prefix(at_seconds(3701), router, autonomous("2001:db8:1::/64", 3 * 3600, 0));
  EXPECT_EQ(advertised()->condition, Condition::deprecated);
}

TEST_F(AddressConfigurationTest, AddressMadeDeprecatedComesUpDeprecated) {
  with_advertised(day, 0);
  EXPECT_EQ(advertised()->condition, Condition::deprecated);
}

TEST_F(AddressConfigurationTest, InfiniteLifetimesNeverEnd) {
  with_advertised(infinite_lifetime, infinite_lifetime);
  EXPECT_EQ(addresses.next_deadline(), Instant::never());
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point5Point3E1LongerThanTwoHoursOrThanLeftIsTaken) {
  with_advertised(3600, 3600);
  addresses.on_prefix(at_seconds(10), router, autonomous("2001:db8:1::/64", 7201, 10));
  EXPECT_EQ(advertised()->valid_until, at_seconds(10 + 7201));
  addresses.on_prefix(at_seconds(7000), router, autonomous("2001:db8:1::/64", 300, 10));
  EXPECT_EQ(advertised()->valid_until, at_seconds(7300));
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point5Point3E2LessThanLeftOfTwoHoursIsIgnored) {
  with_advertised(3600, 3600);
  addresses.on_prefix(at_seconds(10), router, autonomous("2001:db8:1::/64", 100, 50));
  EXPECT_EQ(advertised()->valid_until, at_seconds(3600));
  EXPECT_EQ(advertised()->preferred_until, at_seconds(60));  // but the preferred lifetime is taken
  addresses.on_prefix(at_seconds(10), router, autonomous("2001:db8:1::/64", 0, 0));
  EXPECT_EQ(advertised()->valid_until, at_seconds(3600));
}

TEST_F(AddressConfigurationTest, Rfc4862Section5Point5Point3E3ForgedShortLifetimeLeavesTwoHours) {
  with_advertised(infinite_lifetime, infinite_lifetime);
  addresses.on_prefix(at_seconds(10), router, autonomous("2001:db8:1::/64", 0, 0));
  EXPECT_EQ(advertised()->valid_until, at_seconds(10 + 7200));
}

TEST_F(AddressConfigurationTest, DuplicateAdvertisedAddressIsNotTriedAgainWithEachAdvertisement) {
  addresses.on_prefix(at(0), router, autonomous("2001:db8:1::/64", day, day));
  for (i64 i = 0; i < 10; ++i) {
    for (const LocalAddress& local : list()) addresses.on_advertisement(at(i), {local.address, false, false, true, {}});
    drain(at(i));
    addresses.on_prefix(at(i), router, autonomous("2001:db8:1::/64", day, day));
  }
  EXPECT_EQ(all<AddressDuplicate>().size(), 4u);
  EXPECT_EQ(advertised()->condition, Condition::duplicate);
  EXPECT_TRUE(all<AddressUp>().empty());
  // Nobody objects after a minute: it is ours, until its time is over.
  run_until(at_seconds(70));
  EXPECT_EQ(all<AddressUp>().size(), 1u);
  run_until(at_seconds(day + 1));
  EXPECT_FALSE(advertised().has_value());
  EXPECT_EQ(all<AddressDown>().size(), 1u);
}

TEST_F(AddressConfigurationTest, ThousandPrefixesOfOneRouterLeaveTheOthersTheirShare) {
  addresses.start(at(0));
  addresses.on_prefix(at(0), router, autonomous("2001:db8:1::/64", day, day));
  const IpAddress real = advertised()->address;
  const IpAddress flooder = address("fe80::66"), third = address("fe80::3");
  for (u32 i = 0; i < 1000; ++i) {
    const IpPrefix forged = *IpPrefix::create(IpAddress::v6({0x20, 2, static_cast<u8>(i >> 8), static_cast<u8>(i)}), 64);
    addresses.on_prefix(at(0), flooder, {forged, true, true, infinite_lifetime, infinite_lifetime});
    if (i % 100 == 0) drain(at(0));
  }
  EXPECT_EQ(list().size(), 1 + AddressConfiguration::max_advertised);
  EXPECT_GT(addresses.turned_away(), 900u);
  addresses.on_prefix(at(0), third, autonomous("2001:db8:3::/64", day, day));
  run_until(at_seconds(5));
  EXPECT_EQ(list().size(), 1 + AddressConfiguration::max_advertised);
  EXPECT_TRUE(addresses.is_assigned(real));
  EXPECT_TRUE(prefix("2001:db8:3::/64").contains(list().back().address));
  EXPECT_TRUE(addresses.is_assigned(list().back().address));
  EXPECT_TRUE(addresses.link_local().has_value());
}

TEST_F(AddressConfigurationTest, ThousandAdvertisementsWithoutAPollStayWithinBounds) {
  addresses.start(at(0));
  for (u32 i = 0; i < 1000; ++i) {
    const IpAddress source =
        IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, static_cast<u8>(i >> 8), static_cast<u8>(i)});
    const IpPrefix forged = *IpPrefix::create(IpAddress::v6({0x20, 2, static_cast<u8>(i >> 8), static_cast<u8>(i)}), 64);
    addresses.on_prefix(at_seconds(i * 2000), source, {forged, true, true, infinite_lifetime, infinite_lifetime});
    for (const LocalAddress& local : list())
      addresses.on_advertisement(at_seconds(i * 2000), {local.address, false, false, true, {}});
  }
  EXPECT_LE(list().size(), 1 + AddressConfiguration::max_advertised);
  drain(at_seconds(2'000'000));
  EXPECT_LE(log.size(), 66u * 6);
}

TEST_F(AddressConfigurationTest, ConfiguredAddressesAreCheckedAndBounded) {
  EXPECT_FALSE(addresses.add_configured(at(0), address("ff02::1"), 64));
  EXPECT_FALSE(addresses.add_configured(at(0), address("::"), 64));
  EXPECT_FALSE(addresses.add_configured(at(0), *IpAddress::parse_v4("192.0.2.1"), 24));
  EXPECT_FALSE(addresses.add_configured(at(0), address("2001:db8::1"), 129));
  for (u8 i = 1; i <= AddressConfiguration::max_configured; ++i) {
    const IpAddress one = IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i});
    EXPECT_TRUE(addresses.add_configured(at(0), one, 64));
    EXPECT_FALSE(addresses.add_configured(at(0), one, 64));
  }
  EXPECT_FALSE(addresses.add_configured(at(0), address("2001:db8::ffff"), 64));
  run_until(at_seconds(5));
  EXPECT_EQ(all<AddressUp>().size(), size_t{AddressConfiguration::max_configured});
  EXPECT_EQ(addresses.next_deadline(), Instant::never());
}

}  // namespace
}  // namespace samara::net::ipv6
