// The parts that the stack decides by, each at its boundaries: address conflicts, reassembly, routes, sources, packet buffers,
// what is known of packets that left.
#include "platform/net/stack/address_table.h"
#include "platform/net/stack/conflict_detector.h"
#include "platform/net/stack/egress.h"
#include "platform/net/stack/packet_store.h"
#include "platform/net/stack/path_mtu.h"
#include "platform/net/stack/reassembler.h"
#include "platform/net/stack/route_table.h"
#include "platform/net/stack/udp_ports.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

constexpr Duration ms(i64 n) {
  return Duration::milliseconds(n);
}
const Instant begin = Instant::since_boot(Duration::seconds(1'000));

// ---- conflicts (RFC 5227)

struct Conflicts : testing::Test {
  using Action = ConflictDetector::Action;
  using Operation = ArpMessage::Operation;
  const IpAddress ours = ip("192.0.2.1");
  SeededRng rng;
  Instant now = begin;
  ConflictDetector detector{ours, our_mac, ConflictDetector::Policy::hold};

  std::vector<Action> actions() {
    std::vector<Action> all;
    while (const auto action = detector.poll_action()) all.push_back(*action);
    return all;
  }
  void hears(Operation operation, std::string_view sender, std::string_view target, const MacAddress& mac = peer_mac) {
    detector.on_arp(now, {operation, mac, ip(sender), {}, ip(target)});
  }
  void to_deadline() {
    ASSERT_NE(detector.next_deadline(), Instant::never());
    detector.on_deadline(detector.next_deadline() + ms(-1), rng);
    EXPECT_TRUE(actions().empty()) << "not before its time";
    now = detector.next_deadline();
    detector.on_deadline(now, rng);
  }
};

TEST_F(Conflicts, AnAddressIsProbedThreeTimesAndAnnouncedTwice) {  // section 2.1.1, 2.3
  detector.probe(now, rng, ConflictDetector::thorough);
  EXPECT_TRUE(detector.is_probing());
  EXPECT_LE(detector.next_deadline() - now, Duration::seconds(1));
  for (int probe = 1; probe <= 3; ++probe) {
    to_deadline();
    EXPECT_EQ(actions(), std::vector{Action::send_probe});
    const Duration wait = detector.next_deadline() - now;
    EXPECT_GE(wait, Duration::seconds(probe < 3 ? 1 : 2));
    EXPECT_LE(wait, Duration::seconds(2));
  }
  to_deadline();
  EXPECT_EQ(actions(), (std::vector{Action::won, Action::send_announcement}));
  EXPECT_FALSE(detector.is_probing());
  EXPECT_EQ(detector.next_deadline(), now + Duration::seconds(2));
  to_deadline();
  EXPECT_EQ(actions(), std::vector{Action::send_announcement});
  EXPECT_EQ(detector.next_deadline(), Instant::never());
}

TEST_F(Conflicts, WhoUsesOrProbesAnAddressThatIsProbedHasIt) {
  const auto lost_by = [&](Operation operation, std::string_view sender, std::string_view target, const MacAddress& mac) {
    detector.probe(now, rng, ConflictDetector::thorough);
    hears(operation, sender, target, mac);
    const bool lost = actions() == std::vector{Action::lost};
    EXPECT_EQ(detector.is_probing(), !lost);
    EXPECT_EQ(detector.next_deadline() == Instant::never(), lost);
    return lost;
  };
  EXPECT_TRUE(lost_by(Operation::reply, "192.0.2.1", "192.0.2.9", peer_mac));
  EXPECT_TRUE(lost_by(Operation::request, "192.0.2.1", "192.0.2.9", peer_mac));
  EXPECT_TRUE(lost_by(Operation::request, "0.0.0.0", "192.0.2.1", peer_mac)) << "another probe";
  EXPECT_FALSE(lost_by(Operation::request, "192.0.2.9", "192.0.2.1", peer_mac)) << "a question";
  EXPECT_FALSE(lost_by(Operation::reply, "0.0.0.0", "192.0.2.1", peer_mac));
  EXPECT_FALSE(lost_by(Operation::request, "0.0.0.0", "192.0.2.2", peer_mac));
  EXPECT_FALSE(lost_by(Operation::request, "0.0.0.0", "192.0.2.1", our_mac)) << "our own probe, come back";
}

TEST_F(Conflicts, AnAddressIsDefendedOnceInTenSecondsAndHeld) {  // section 2.4
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_TRUE(actions().empty()) << "nobody claims it yet";
  detector.announce(now);
  actions();
  const auto defence = std::vector{Action::send_announcement, Action::conflicted};
  hears(Operation::request, "0.0.0.0", "192.0.2.1");
  EXPECT_TRUE(actions().empty()) << "a probe is answered, and no conflict";
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_EQ(actions(), defence);
  now = now + ms(9'999);
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_TRUE(actions().empty());
  now = now + ms(1);
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_EQ(actions(), defence);
  now = now + ms(9'999);
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_TRUE(actions().empty()) << "counted from the last defence";
  detector.announce(now);
  actions();
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_EQ(actions(), defence) << "a new claim begins anew";
}

TEST_F(Conflicts, AnAddressThatMayBeGivenUpIsAtTheSecondConflict) {
  detector = ConflictDetector(ours, our_mac, ConflictDetector::Policy::give_up);
  detector.announce(now);
  actions();
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_EQ(actions(), std::vector{Action::send_announcement});
  now = now + Duration::seconds(10);
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_EQ(actions(), std::vector{Action::send_announcement}) << "ten seconds later it is another one";
  now = now + ms(9'999);
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_EQ(actions(), std::vector{Action::lost});
  hears(Operation::reply, "192.0.2.1", "192.0.2.9");
  EXPECT_TRUE(actions().empty());
  EXPECT_EQ(detector.next_deadline(), Instant::never());
}

// ---- reassembly

struct Reassembly : testing::Test {
  using Verdict = Reassembler::Verdict;
  Reassembler reassembler{1 << 20};
  Octets octets = counted(65'535);

  Fragment piece(u32 id, u32 offset, u32 size, bool more, std::string_view source = "192.0.2.9") {
    Fragment fragment;
    fragment.source = ip(source);
    fragment.destination = fragment.source.is_v4() ? ip("192.0.2.1") : ip("2001:db8::1");
    fragment.protocol = Protocol::udp;
    fragment.identification = id;
    fragment.offset = offset;
    fragment.more = more;
    fragment.payload = Bytes(octets).subspan(offset % 60'000, size);
    fragment.packet = Bytes(octets).first(200);
    return fragment;
  }
  Verdict take(u32 id, u32 offset, u32 size, bool more, std::string_view source = "192.0.2.9", Instant now = begin) {
    return reassembler.on_fragment(now, piece(id, offset, size, more, source));
  }
};

TEST_F(Reassembly, WaitsThirtySecondsInIpv4AndSixtyInIpv6) {
  take(1, 0, 8, true, "192.0.2.9");
  EXPECT_EQ(reassembler.next_deadline(), begin + Duration::seconds(30));
  take(2, 0, 8, true, "2001:db8::9");
  take(3, 8, 8, true, "2001:db8::9", begin + Duration::seconds(1));
  take(3, 16, 8, true, "2001:db8::9", begin + Duration::seconds(5));
  EXPECT_EQ(reassembler.next_deadline(), begin + Duration::seconds(30));
  reassembler.on_deadline(begin + ms(29'999));
  EXPECT_EQ(reassembler.datagrams(), 3U);
  reassembler.on_deadline(begin + Duration::seconds(30));
  EXPECT_EQ(reassembler.datagrams(), 2U);
  EXPECT_EQ(reassembler.next_deadline(), begin + Duration::seconds(60));
  reassembler.on_deadline(begin + Duration::seconds(60));
  EXPECT_EQ(reassembler.next_deadline(), begin + Duration::seconds(61)) << "counted from the first fragment of each";
  reassembler.on_deadline(begin + Duration::seconds(61));
  EXPECT_EQ(reassembler.datagrams(), 0U);
  EXPECT_EQ(reassembler.blocks_in_use(), 0U);
  EXPECT_EQ(reassembler.next_deadline(), Instant::never());
  EXPECT_EQ(reassembler.timed_out(), 3U);
  // The sender of the first fragment is told of two; the third never came to have one.
  EXPECT_EQ(reassembler.poll_expired()->source, ip("2001:db8::9"));
  const auto of_ipv4 = reassembler.poll_expired();
  EXPECT_EQ(of_ipv4->source, ip("192.0.2.9"));
  EXPECT_EQ(of_ipv4->destination, ip("192.0.2.1"));
  EXPECT_EQ(of_ipv4->quote_size, max_fragment_quote);
  EXPECT_EQ(of_ipv4->first_octet, octets[0]);
  EXPECT_FALSE(reassembler.poll_expired().has_value());
}

TEST_F(Reassembly, NobodyIsToldOfWhatWasRefused) {
  take(1, 0, 16, true);
  EXPECT_EQ(take(1, 8, 16, true), Verdict::overlap);
  EXPECT_EQ(reassembler.blocks_in_use(), 0U);
  reassembler.on_deadline(begin + Duration::seconds(30));
  EXPECT_EQ(reassembler.timed_out(), 1U);
  EXPECT_FALSE(reassembler.poll_expired().has_value());
  EXPECT_EQ(take(1, 0, 16, true, "192.0.2.9", begin + Duration::seconds(31)), Verdict::waits) << "a new datagram";
  EXPECT_EQ(take(1, 16, 16, false), Verdict::complete);
}

TEST_F(Reassembly, TheSeventeenthDatagramOfASourceTakesThePlaceOfItsOldest) {
  take(1, 0, 8, true, "192.0.2.1");
  for (u32 id = 1; id <= 16; ++id) take(id, 0, 8, true);
  EXPECT_EQ(reassembler.evicted(), 0U);
  EXPECT_EQ(reassembler.datagrams(), 17U);
  take(17, 0, 8, true);
  EXPECT_EQ(reassembler.evicted(), 1U);
  EXPECT_EQ(take(1, 8, 8, false, "192.0.2.1"), Verdict::complete) << "the other source lost nothing";
  EXPECT_EQ(take(2, 8, 8, false), Verdict::complete);
  EXPECT_EQ(take(17, 8, 8, false), Verdict::complete);
  EXPECT_EQ(take(1, 8, 8, false), Verdict::waits) << "the oldest is gone";
}

TEST_F(Reassembly, TheSixtyFifthDatagramTakesThePlaceOfTheOldestOfAll) {
  const auto source = [](u32 n) { return "10.0.0." + std::to_string(n); };
  for (u32 n = 1; n <= 64; ++n) EXPECT_EQ(take(7, 0, 8, true, source(n)), Verdict::waits);
  EXPECT_EQ(reassembler.evicted(), 0U);
  EXPECT_EQ(take(7, 0, 8, true, source(65)), Verdict::waits);
  EXPECT_EQ(reassembler.datagrams(), 64U);
  EXPECT_EQ(reassembler.evicted(), 1U);
  EXPECT_EQ(take(7, 8, 8, false, source(2)), Verdict::complete);
  EXPECT_EQ(take(7, 8, 8, false, source(65)), Verdict::complete);
  EXPECT_EQ(take(7, 8, 8, false, source(1)), Verdict::waits);
}

TEST_F(Reassembly, WhereBlocksAreShortTheOldestOtherDatagramGoes) {
  Reassembler small(1);  // the least there is: blocks for two datagrams of the greatest length
  const auto fill = [&](u32 id, Instant now) {
    Verdict last = Verdict::waits;
    for (u32 at = 0; at < 60'000; at += 1'536) {
      Fragment fragment = piece(id, at, 1'536, true, "10.0.0." + std::to_string(id));
      last = small.on_fragment(now, fragment);
    }
    return last;
  };
  EXPECT_EQ(fill(1, begin), Verdict::waits);
  EXPECT_EQ(fill(2, begin), Verdict::waits);
  EXPECT_EQ(small.evicted(), 0U);
  EXPECT_EQ(fill(3, begin), Verdict::waits);
  EXPECT_EQ(small.evicted(), 1U);
  EXPECT_EQ(small.datagrams(), 2U);
  EXPECT_EQ(small.on_fragment(begin, piece(2, 61'440, 8, false, "10.0.0.2")), Verdict::complete);
}

TEST_F(Reassembly, ADatagramHasItsGreatestLengthAndItsMostFragmentsAndNoMore) {
  EXPECT_EQ(take(1, 65'528, 8, false), Verdict::too_long);
  EXPECT_EQ(reassembler.datagrams(), 0U);
  EXPECT_EQ(take(2, 65'528, 7, false), Verdict::waits);
  EXPECT_EQ(take(2, 65'528, 8, true), Verdict::too_long);
  EXPECT_EQ(take(2, 0, 8, true), Verdict::overlap) << "what belongs to it is refused from then on";
  for (u32 i = 0; i < max_fragments - 1; ++i) EXPECT_EQ(take(3, 16 * i, 8, true), Verdict::waits);
  EXPECT_EQ(take(3, 16 * max_fragments, 8, true), Verdict::waits);
  EXPECT_EQ(take(3, 16 * max_fragments + 8, 8, true), Verdict::no_room);
  EXPECT_EQ(take(4, 0, 7, true), Verdict::malformed);
  EXPECT_EQ(take(4, 0, 7, false), Verdict::first_too_short);
  EXPECT_EQ(take(4, 0, 8, false), Verdict::complete) << "one that is whole";
}

TEST_F(Reassembly, TheEndIsWhereTheLastFragmentSays) {
  EXPECT_EQ(take(1, 16, 8, false), Verdict::waits);
  EXPECT_EQ(take(1, 8, 8, true), Verdict::waits);
  EXPECT_EQ(take(1, 16, 8, false), Verdict::duplicate);
  EXPECT_EQ(take(1, 0, 8, true), Verdict::complete);
  EXPECT_TRUE(std::ranges::equal(reassembler.completed().payload, Bytes(octets).first(24)));
  EXPECT_EQ(take(2, 16, 8, false), Verdict::waits);
  EXPECT_EQ(take(2, 16, 8, true), Verdict::overlap) << "the same octets, but not the last";
  EXPECT_EQ(take(3, 16, 8, false), Verdict::waits);
  EXPECT_EQ(take(3, 24, 8, true), Verdict::overlap) << "beyond the end";
  EXPECT_EQ(take(4, 16, 8, true), Verdict::waits);
  EXPECT_EQ(take(4, 0, 8, false), Verdict::overlap) << "an end before what is there";
  EXPECT_EQ(take(5, 8, 8, true), Verdict::waits);
  EXPECT_EQ(take(5, 16, 16, false), Verdict::waits) << "it begins where the other ends";
  EXPECT_EQ(take(5, 0, 8, true), Verdict::complete);
}

TEST_F(Reassembly, WhatTheWholeIsToldOfComesFromItsFragments) {
  Fragment first = piece(1, 0, 8, true);
  first.hop_limit = 9;
  Fragment second = piece(1, 8, 8, false);
  second.hop_limit = 200;
  second.congestion_experienced = true;  // RFC 3168 section 5.3
  reassembler.on_fragment(begin, second);
  EXPECT_EQ(reassembler.on_fragment(begin, first), Verdict::complete);
  EXPECT_TRUE(reassembler.completed().congestion_experienced);
  EXPECT_EQ(reassembler.completed().hop_limit, 9);
  EXPECT_TRUE(reassembler.completed().unicast);
  first.identification = second.identification = 2;
  first.unicast = false;
  second.congestion_experienced = false;
  reassembler.on_fragment(begin, first);
  EXPECT_EQ(reassembler.on_fragment(begin, second), Verdict::complete);
  EXPECT_FALSE(reassembler.completed().congestion_experienced);
  EXPECT_FALSE(reassembler.completed().unicast);
}

// ---- routes, sources and path MTUs

TEST(RouteTableRules, TheSameWayIsReplacedOfItsOwnOriginOnly) {
  RouteTable table;
  const Route by_one{block("0.0.0.0/0"), ip("192.0.2.1"), 5};
  const Route by_two{block("0.0.0.0/0"), ip("192.0.2.2"), 3};
  EXPECT_TRUE(table.add(by_one, RouteOrigin::configured));
  EXPECT_TRUE(table.add(by_two, RouteOrigin::dhcp));
  EXPECT_EQ(table.gateway_for(begin, ip("198.51.100.1"))->gateway, ip("192.0.2.2"));
  EXPECT_TRUE(table.add({by_one.destination, by_one.gateway, 1}, RouteOrigin::configured));
  EXPECT_EQ(table.gateway_for(begin, ip("198.51.100.1"))->gateway, ip("192.0.2.1"));
  table.remove(by_one, RouteOrigin::dhcp);
  EXPECT_TRUE(table.is_gateway(ip("192.0.2.1"))) << "another origin's";
  table.remove({block("10.0.0.0/8"), ip("192.0.2.1"), 1}, RouteOrigin::configured);
  EXPECT_TRUE(table.is_gateway(ip("192.0.2.1"))) << "another destination's";
  table.remove(by_one, RouteOrigin::configured);
  EXPECT_FALSE(table.is_gateway(ip("192.0.2.1")));
  table.remove_all(RouteOrigin::configured);
  EXPECT_TRUE(table.is_gateway(ip("192.0.2.2")));
}

TEST(RouteTableRules, ADeadGatewayIsTriedAgainAfterAMinute) {
  RouteTable table;
  table.add({block("10.0.0.0/8"), ip("192.0.2.1"), 1}, RouteOrigin::configured);
  table.add({block("0.0.0.0/0"), ip("192.0.2.2"), 1}, RouteOrigin::configured);
  table.mark_dead(begin, ip("192.0.2.1"));
  const auto at = [&](Duration after) { return *table.gateway_for(begin + after, ip("10.1.1.1")); };
  EXPECT_EQ(at(ms(59'999)).gateway, ip("192.0.2.2")) << "a less specific one that works";
  EXPECT_TRUE(at(ms(59'999)).alive);
  EXPECT_EQ(at(ms(60'000)).gateway, ip("192.0.2.1"));
  EXPECT_TRUE(at(ms(60'000)).alive);
  // The order in which they were added does not matter.
  RouteTable turned;
  turned.add({block("0.0.0.0/0"), ip("192.0.2.2"), 1}, RouteOrigin::configured);
  turned.add({block("10.0.0.0/8"), ip("192.0.2.1"), 1}, RouteOrigin::configured);
  EXPECT_EQ(turned.gateway_for(begin, ip("10.1.1.1"))->gateway, ip("192.0.2.1"));
  turned.mark_dead(begin, ip("192.0.2.1"));
  EXPECT_EQ(turned.gateway_for(begin, ip("10.1.1.1"))->gateway, ip("192.0.2.2"));
  turned.mark_dead(begin, ip("192.0.2.2"));
  EXPECT_FALSE(turned.gateway_for(begin, ip("10.1.1.1"))->alive);
  turned.mark_alive(ip("192.0.2.1"));
  EXPECT_TRUE(turned.gateway_for(begin, ip("10.1.1.1"))->alive);
}

TEST(PathMtuRules, AValueIsGoodForTenMinutesAndNeverAboveTheLinks) {
  SeededRng rng;
  PathMtu paths(16, 1'500, rng);
  const IpAddress there = ip("198.51.100.1");
  EXPECT_FALSE(paths.learn(begin, there, 1'500)) << "no news";
  EXPECT_FALSE(paths.learn(begin, there, 1'501));
  EXPECT_TRUE(paths.learn(begin, there, 1'400));
  EXPECT_FALSE(paths.learn(begin, there, 1'400));
  EXPECT_EQ(paths.find(begin + ms(599'999), there).mtu, 1'400);
  EXPECT_EQ(paths.find(begin + ms(600'000), there).mtu, 1'500);
  EXPECT_EQ(paths.find(begin, ip("198.51.100.2")).mtu, 1'500);
  paths.set_ipv4_link_mtu(1'000);
  EXPECT_EQ(paths.find(begin, there).mtu, 1'000);
  EXPECT_EQ(paths.find(begin, ip("2001:db8::9")).mtu, 1'500);
  paths.set_ipv6_link_mtu(1'300);
  EXPECT_EQ(paths.find(begin, ip("2001:db8::9")).mtu, 1'300);
  paths.set_ipv6_link_mtu(100);
  EXPECT_EQ(paths.find(begin, ip("2001:db8::9")).mtu, 1'280);
  paths.set_ipv4_link_mtu(1'500);
  // At the least MTU fragments are not needed yet; below it they are.
  EXPECT_TRUE(paths.learn(begin, there, 576));
  EXPECT_TRUE(paths.find(begin, there).dont_fragment);
  EXPECT_TRUE(paths.learn(begin, there, 575));
  EXPECT_EQ(paths.find(begin, there).mtu, 576);
  EXPECT_FALSE(paths.find(begin, there).dont_fragment);
  EXPECT_FALSE(paths.learn(begin, there, 574));
}

TEST(PathMtuRules, TheOneThatEndsFirstMakesPlace) {
  SeededRng rng;
  PathMtu paths(4, 1'500, rng);
  const auto there = [](u8 n) { return IpAddress::v4({198, 51, 100, n}); };
  for (u8 n = 1; n <= 4; ++n) EXPECT_TRUE(paths.learn(begin + ms(n == 3 ? 0 : n), there(n), 1'400));
  EXPECT_TRUE(paths.learn(begin + ms(9), there(3), 1'300)) << "in its own place";
  EXPECT_TRUE(paths.learn(begin + ms(10), there(5), 1'400));
  const Instant later = begin + ms(20);
  EXPECT_EQ(paths.find(later, there(1)).mtu, 1'500);
  EXPECT_EQ(paths.find(later, there(2)).mtu, 1'400);
  EXPECT_EQ(paths.find(later, there(3)).mtu, 1'300);
  EXPECT_EQ(paths.find(later, there(4)).mtu, 1'400);
  EXPECT_EQ(paths.find(later, there(5)).mtu, 1'400);
}

TEST(AddressTableRules, OneThatIsDeprecatedIsUsedAndOneThatIsInDoubtIsNot) {
  AddressTable table;
  const auto add = [&](std::string_view address, u8 length, AssignedAddress::Condition condition) {
    return table.add({{ip(address), length}, AssignedAddress::Origin::configured, condition});
  };
  using Condition = AssignedAddress::Condition;
  EXPECT_TRUE(add("192.0.2.1", 24, Condition::deprecated));
  EXPECT_FALSE(add("192.0.2.1", 25, Condition::preferred)) << "it is there";
  EXPECT_NE(table.find_usable(ip("192.0.2.1")), nullptr);
  EXPECT_TRUE(table.set_condition(ip("192.0.2.1"), Condition::duplicate));
  EXPECT_FALSE(table.set_condition(ip("192.0.2.1"), Condition::duplicate)) << "no news";
  EXPECT_FALSE(table.set_condition(ip("192.0.2.2"), Condition::duplicate));
  EXPECT_EQ(table.find_usable(ip("192.0.2.1")), nullptr);
  EXPECT_FALSE(table.is_on_link(ip("192.0.2.9"))) << "its network is as doubtful";
  table.set_condition(ip("192.0.2.1"), Condition::tentative);
  EXPECT_TRUE(table.is_on_link(ip("192.0.2.9")));
  table.set_prefix_length(ip("192.0.2.1"), 30);
  EXPECT_FALSE(table.is_on_link(ip("192.0.2.9")));
  EXPECT_TRUE(table.is_broadcast(ip("192.0.2.3")));
  EXPECT_TRUE(table.remove(ip("192.0.2.1")));
  EXPECT_FALSE(table.remove(ip("192.0.2.1")));
  for (u8 i = 0; i < AddressTable::capacity; ++i) {
    EXPECT_TRUE(table.add({{IpAddress::v4({10, 0, 0, i}), 8}, AssignedAddress::Origin::configured, Condition::preferred}));
  }
  EXPECT_FALSE(add("192.0.2.1", 24, Condition::preferred));
}

// RFC 6724 section 5: what comes first decides, whichever address was added first.
TEST(AddressTableRules, EachRuleGoesBeforeTheNext) {
  using Condition = AssignedAddress::Condition;
  struct Source {
    std::string_view address;
    u8 length = 64;
    Condition condition = Condition::preferred;
  };
  const auto prefers = [](const Source& better, const Source& worse, std::string_view destination) {
    for (const bool turned : {false, true}) {
      AddressTable table;
      for (const Source& s : {turned ? worse : better, turned ? better : worse}) {
        table.add({{ip(s.address), s.length}, AssignedAddress::Origin::configured, s.condition});
      }
      if (table.source_for(ip(destination)) != ip(better.address)) return false;
    }
    return true;
  };
  const auto old = Condition::deprecated;
  EXPECT_TRUE(prefers({"2001:db8::9", 64, old}, {"2001:db8::1"}, "2001:db8::9")) << "itself, though deprecated";
  EXPECT_TRUE(prefers({"2001:db8::1", 64, old}, {"fe80::1"}, "2600::1")) << "scope before condition";
  EXPECT_TRUE(prefers({"fe80::1"}, {"2001:db8::1"}, "fe80::9"));
  EXPECT_TRUE(prefers({"fe80::1"}, {"2001:db8::1"}, "ff02::1"));
  EXPECT_TRUE(prefers({"2001:db8::1"}, {"fe80::1"}, "ff05::1")) << "the smaller scope is too small";
  EXPECT_TRUE(prefers({"2001:db8::1"}, {"fd00::1", 64, old}, "fd00::9")) << "condition before label";
  EXPECT_TRUE(prefers({"fd00::1"}, {"2001:db8::1"}, "fd00:1::9"));
  EXPECT_TRUE(prefers({"2001:db8::1"}, {"fd00::1"}, "e000::9")) << "label before common prefix";
  EXPECT_TRUE(prefers({"2002:c000:201::1"}, {"2001:db8::1"}, "2002:c000:299::9")) << "6to4";
  EXPECT_TRUE(prefers({"2001:0:1::1"}, {"2001:db8::1"}, "2001:0:99::9")) << "Teredo";
  EXPECT_TRUE(prefers({"2001:db8::1"}, {"2001:0:1::1"}, "2001:db9::9"));
  EXPECT_TRUE(prefers({"2001:db8:0:1::1"}, {"2001:db8:0:4::1"}, "2001:db8:0:2::9")) << "a longer common prefix";
  EXPECT_TRUE(prefers({"192.0.2.1", 24}, {"10.0.0.1", 8}, "192.0.2.9"));
  EXPECT_TRUE(prefers({"192.0.2.1", 24}, {"169.254.1.1", 16}, "198.51.100.1"));
  EXPECT_TRUE(prefers({"169.254.1.1", 16}, {"192.0.2.1", 24}, "169.254.9.9"));
  // Beyond the prefix's length nothing counts: the first stays.
  EXPECT_FALSE(prefers({"2001:db8::9:1"}, {"2001:db8::1"}, "2001:db8::9:2"));
}

// ---- ports and packet buffers

TEST(UdpPortsRules, APortIsOpenByItsVeryEndpointOrByAllOfTheFamily) {
  UdpPorts ports;
  EXPECT_TRUE(ports.add(at("192.0.2.1:53")));
  EXPECT_TRUE(ports.has(at("192.0.2.1:53")));
  EXPECT_FALSE(ports.has(at("0.0.0.0:53")));
  EXPECT_FALSE(ports.is_open(at("192.0.2.1:117"))) << "64 above";
  EXPECT_TRUE(ports.add(at("0.0.0.0:53")));
  EXPECT_FALSE(ports.has(at("192.0.2.2:53"))) << "open, but not of its own";
  EXPECT_FALSE(ports.has(at("[::]:53")));
  EXPECT_TRUE(ports.add(at("[::]:65535")));
  EXPECT_TRUE(ports.is_open(at("[2001:db8::1]:65535")));
  EXPECT_FALSE(ports.is_open(at("192.0.2.1:65535")));
  EXPECT_FALSE(ports.is_open(at("[2001:db8::1]:65534")));
  ports.remove(at("0.0.0.0:53"));
  EXPECT_FALSE(ports.has(at("0.0.0.0:53")));
  EXPECT_FALSE(ports.is_open(at("192.0.2.2:53")));
  EXPECT_TRUE(ports.is_open(at("192.0.2.1:53")));
  ports.remove(at("192.0.2.1:53"));
  EXPECT_FALSE(ports.is_open(at("192.0.2.1:53")));
}

TEST(PacketStoreRules, KindsOfBuffersAreApartAndHalfOfTheLargeMayWait) {
  PacketStore store(2, 4);
  const OutgoingPacket packet;
  const auto small = store.acquire(1'500, packet);
  ASSERT_TRUE(small.has_value());
  EXPECT_EQ(store.octets(*small).size(), 1'500U);
  ASSERT_TRUE(store.acquire(0, packet).has_value());
  EXPECT_FALSE(store.acquire(1, packet).has_value()) << "a large one is not taken for it";
  EXPECT_FALSE(store.acquire(max_ip_payload + 1, packet).has_value());
  std::vector<WaitingPacket> large;
  for (int i = 0; i < 4; ++i) large.push_back(store.acquire(i == 0 ? 1'501 : max_ip_payload, packet).value());
  EXPECT_FALSE(store.acquire(1'501, packet).has_value());
  EXPECT_EQ(store.in_use(), 6U);
  EXPECT_TRUE(store.may_wait(*small)) << "small ones are counted elsewhere";
  EXPECT_FALSE(store.may_wait(large[0]));
  store.release(large[3]);
  EXPECT_FALSE(store.may_wait(large[0])) << "one of four is free";
  store.release(large[2]);
  EXPECT_TRUE(store.may_wait(large[0])) << "half are";
  EXPECT_EQ(store.in_use(), 4U);
}

TEST(PacketStoreRules, QueuesGiveBackWhatTheyWereGivenInOrder) {
  PacketStore store(4, 1);
  const OutgoingPacket packet;
  std::vector<WaitingPacket> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(store.acquire(10, packet).value());
  PacketQueue queue;
  EXPECT_FALSE(store.pop(queue).has_value());
  store.push_front(queue, ids[0]);
  store.push(queue, ids[1]);
  store.push_front(queue, ids[2]);
  EXPECT_EQ(store.pop(queue)->value(), ids[2].value());
  EXPECT_EQ(store.pop(queue)->value(), ids[0].value());
  EXPECT_EQ(store.pop(queue)->value(), ids[1].value());
  EXPECT_TRUE(queue.empty());
  store.push(queue, ids[3]);
  store.push(queue, ids[0]);
  EXPECT_EQ(store.pop(queue)->value(), ids[3].value());
  EXPECT_EQ(store.pop(queue)->value(), ids[0].value());
  EXPECT_FALSE(store.pop(queue).has_value());
}

// ---- what left us

struct EgressRules : testing::Test {
  StackConfig config = one_address();
  AddressTable addresses;
  StackCounters counters;
  SeededRng rng;
  Egress egress{config, addresses, counters, rng};
  const IpAddress ours = ip("2001:db8::1");
  const IpAddress peer = ip("2001:db8::9");
  EgressRules() {
    addresses.add({{ours, 64}, AssignedAddress::Origin::configured, AssignedAddress::Condition::preferred});
    egress.neighbors.on_solicitation(begin, peer, peer_mac);
  }
  SendOutcome send(Bytes datagram) {
    Octets memory(FrameSlot::headroom + 2'000);
    FrameSlot slot{memory};
    std::ranges::copy(datagram, slot.payload_room().begin());
    slot.set_payload(datagram.size());
    return egress.finish(begin, {.source = ours, .destination = peer, .protocol = Protocol::udp}, slot);
  }
  NeighborState state(Instant now) { return egress.neighbors.find(now, peer)->state; }
};

TEST_F(EgressRules, TheLast64LargeDatagramsAreKnown) {
  const auto datagram = [&](u16 port) { return udp(ours, 53, peer, port, counted(1'400)); };
  const auto known = [&](u16 port) { return egress.sent_large(ours, peer, Bytes(datagram(port)).first(8)); };
  for (u16 port = 1; port <= 64; ++port) {
    EXPECT_FALSE(known(port));
    ASSERT_EQ(send(datagram(port)), SendOutcome::ready);
  }
  for (u16 port = 1; port <= 64; ++port) EXPECT_TRUE(known(port)) << port;
  send(datagram(65));
  EXPECT_FALSE(known(1)) << "the oldest is forgotten";
  for (u16 port = 2; port <= 65; ++port) EXPECT_TRUE(known(port)) << port;
}

// RFC 4861 section 7.3.1: a confirmation is about the way that packets take now.
TEST_F(EgressRules, ProgressConfirmsANeighbourThatSomethingWasSentToAndNoOther) {
  egress.on_progress(begin, peer);
  EXPECT_EQ(state(begin), NeighborState::stale) << "nothing was sent";
  ASSERT_EQ(send(udp(ours, 53, peer, 9, counted(10))), SendOutcome::ready);
  EXPECT_EQ(state(begin), NeighborState::delay);
  egress.forget_paths();
  egress.on_progress(begin, peer);
  EXPECT_EQ(state(begin), NeighborState::delay) << "not on the way that is taken from now on";
  ASSERT_EQ(send(udp(ours, 53, peer, 9, counted(10))), SendOutcome::ready);
  egress.on_progress(begin, peer);
  EXPECT_EQ(state(begin), NeighborState::reachable);
}

TEST_F(EgressRules, ProgressIsNewsOnceASecond) {
  ASSERT_EQ(send(udp(ours, 53, peer, 9, counted(10))), SendOutcome::ready);
  egress.on_progress(begin, peer);
  egress.neighbors.on_suspicion(begin + ms(1), peer);
  ASSERT_EQ(state(begin + ms(1)), NeighborState::probe);
  egress.on_progress(begin + ms(999), peer);
  EXPECT_EQ(state(begin + ms(999)), NeighborState::probe);
  egress.on_progress(begin + ms(1'000), peer);
  EXPECT_EQ(state(begin + ms(1'000)), NeighborState::reachable);
}

}  // namespace
}  // namespace samara::net
