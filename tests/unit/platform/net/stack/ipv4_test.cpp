#include "platform/net/stack/identifications.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

const IpAddress peer_ip = *IpAddress::parse("192.0.2.9");
const IpAddress our_ip = *IpAddress::parse("192.0.2.1");

struct Ipv4 : testing::Test {
  WirePeer peer;
  Ipv4() {
    EXPECT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
    peer.introduce();
  }
  const Octets datagram = udp(peer_ip, 4711, our_ip, 53, counted(100));
  bool takes(const Octets& packet) { return peer.give(ethernet(EtherType::ipv4, packet)).has_value(); }
  // `packet` with its header changed and the checksum made good again.
  static Octets changed(Octets packet, size_t at, u8 value) {
    packet[at] = value;
    const size_t length = std::clamp<size_t>((packet[0] & 15U) * 4, 20, packet.size());
    store_be16(packet, 10, 0);
    store_be16(packet, 10, internet_checksum(Bytes(packet).first(length)));
    return packet;
  }
  static Octets with_options(Bytes options, Bytes payload) {
    Octets packet = ipv4({}, joined(options, payload));
    return changed(packet, 0, static_cast<u8>(0x45 + options.size() / 4));
  }
};

TEST_F(Ipv4, EveryTruncatedPacketIsDropped) {
  const Octets packet = ipv4({}, datagram);
  for (size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(takes(Octets(packet.begin(), packet.begin() + static_cast<long>(size)))) << size;
  }
  EXPECT_EQ(peer.counters().ip_truncated, packet.size());
  EXPECT_TRUE(takes(packet));
}

TEST_F(Ipv4, PaddingOfShortFramesIsNotPartOfThePacket) {
  Octets packet = ipv4({}, udp(peer_ip, 4711, our_ip, 53, counted(2)));
  packet.resize(46, 0xee);
  const auto taken = peer.give(ethernet(EtherType::ipv4, packet));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->payload.size(), 2U);
}

TEST_F(Ipv4, EveryWrongHeaderBitIsSeen) {
  const Octets packet = ipv4({}, datagram);
  for (size_t bit = 0; bit < 160; ++bit) {
    Octets bad = packet;
    bad[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    EXPECT_FALSE(takes(bad)) << bit;
  }
}

TEST_F(Ipv4, WrongVersionLengthAndReservedBitAreDropped) {
  const Octets packet = ipv4({}, datagram);
  EXPECT_FALSE(takes(changed(packet, 0, 0x55)));
  EXPECT_FALSE(takes(changed(packet, 0, 0x44)));
  EXPECT_FALSE(takes(changed(changed(packet, 2, 0), 3, 19)));
  EXPECT_FALSE(takes(changed(packet, 6, 0x80)));
  EXPECT_EQ(peer.counters().ip_malformed, 4U);
}

TEST_F(Ipv4, TimeToLiveIsNoReasonToDrop) {  // RFC 1122 section 3.2.1.7
  for (const u8 ttl : {0, 1, 255}) EXPECT_TRUE(takes(ipv4({.hop_limit = ttl}, datagram))) << int{ttl};
}

TEST_F(Ipv4, OptionsAreSkipped) {
  EXPECT_TRUE(takes(with_options(Octets{1, 1, 1, 0}, datagram)));
  EXPECT_TRUE(takes(with_options(Octets{148, 4, 0, 0}, datagram)));            // router alert
  EXPECT_TRUE(takes(with_options(Octets{7, 7, 4, 0, 0, 0, 0, 0}, datagram)));  // record route
  EXPECT_TRUE(takes(with_options(Octets{0, 131, 3, 0}, datagram)));            // after the end
  EXPECT_TRUE(takes(with_options(Octets(40, 1), datagram)));                   // the longest
}

TEST_F(Ipv4, SourceRoutesAndBrokenOptionsAreRefused) {
  EXPECT_FALSE(takes(with_options(Octets{131, 7, 4, 192, 0, 2, 2, 0}, datagram)));
  EXPECT_FALSE(takes(with_options(Octets{137, 7, 4, 192, 0, 2, 2, 0}, datagram)));
  EXPECT_FALSE(takes(with_options(Octets{1, 131, 3, 4}, datagram)));
  EXPECT_FALSE(takes(with_options(Octets{7, 1, 0, 0}, datagram)));
  EXPECT_FALSE(takes(with_options(Octets{7, 0, 0, 0}, datagram)));
  EXPECT_FALSE(takes(with_options(Octets{7, 5, 0, 0}, datagram)));
  EXPECT_FALSE(takes(with_options(Octets{1, 1, 1, 7}, datagram)));
  EXPECT_EQ(peer.counters().ip_malformed, 7U);
}

TEST_F(Ipv4, PacketsForOthersAreNotOurs) {
  for (const char* to : {"192.0.2.2", "192.0.2.0", "198.51.100.1", "127.0.0.1", "0.0.0.0"}) {
    EXPECT_FALSE(takes(ipv4({.to = to}, datagram))) << to;
  }
  EXPECT_EQ(peer.counters().ip_not_ours, 5U);
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Ipv4, FramesForOthersAndOfOldKindsAreDropped) {
  const Octets packet = ipv4({}, datagram);
  EXPECT_FALSE(peer.give(ethernet(EtherType::ipv4, packet, {{2, 0, 0, 0, 0, 2}})).has_value());
  EXPECT_FALSE(peer.give(ethernet(EtherType::ipv4, packet, our_mac, {{3, 0, 0, 0, 0, 2}})).has_value());
  EXPECT_FALSE(peer.give(ethernet(EtherType::ipv4, packet, our_mac, our_mac)).has_value());
  EXPECT_EQ(peer.counters().foreign_frames, 3U);
  EXPECT_FALSE(peer.give(ethernet(EtherType{0x05dc}, packet)).has_value());
  EXPECT_EQ(peer.counters().length_frames, 1U);
  EXPECT_FALSE(peer.give(ethernet(EtherType{0x8100}, packet)).has_value());
  EXPECT_FALSE(peer.give(ethernet(EtherType::ipv6, packet)).has_value());  // switched off
  EXPECT_EQ(peer.counters().unknown_types, 2U);
}

TEST_F(Ipv4, IdentificationsOfPacketsToOnePeerDiffer) {  // RFC 6864 section 4.3
  std::vector<u16> seen;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.9:10"), counted(1)).ok());
    const auto out = peer.sent();
    ASSERT_EQ(out.size(), 1U);
    seen.push_back(ipv4_in(out[0]).header.identification);
  }
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

TEST(Identifications, EachComesOnceBeforeAnyComesAgainAndNoneTellsTheNext) {  // RFC 6864, RFC 7739
  SeededRng rng;
  Identifications ids(rng);
  std::vector<bool> used(65'536);
  std::vector<u16> steps;
  u16 before = ids.next(7);
  used[before] = true;
  for (u32 i = 1; i < 65'536; ++i) {
    (void)ids.next(8);  // others do not matter
    const u16 id = ids.next(7);
    ASSERT_FALSE(used[id]) << i;
    used[id] = true;
    steps.push_back(static_cast<u16>(id - before));
    before = id;
  }
  std::ranges::sort(steps);
  u32 most = 0;
  for (auto at = steps.begin(); at != steps.end();) {
    const auto end = std::upper_bound(at, steps.end(), *at);
    most = std::max(most, static_cast<u32>(end - at));
    at = end;
  }
  EXPECT_LE(most, 16U) << "no step is likelier than others";
  // And the second time in another order.
  const u16 first = ids.next(7);
  const u16 second = ids.next(7);
  EXPECT_NE(static_cast<u16>(second - first), 1);
}

TEST_F(Ipv4, DeadGatewayIsPassedOverForAnother) {
  StackConfig config = one_address();
  config.routes = {{block("0.0.0.0/0"), ip("192.0.2.253"), 1}, {block("0.0.0.0/0"), ip("192.0.2.254"), 2}};
  WirePeer two(config);
  two.events();
  ASSERT_TRUE(two.stack.udp_send(two.now, at("0.0.0.0:9"), at("198.51.100.7:10"), counted(1)).ok());
  EXPECT_EQ(arp_in(two.sent()[0]).target, ip("192.0.2.253"));
  two.wait(Duration::seconds(4));
  const auto events = two.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, StackEvent::Kind::gateway_unreachable);
  EXPECT_EQ(events[0].address, ip("192.0.2.253"));
  EXPECT_EQ(two.counters().out_no_neighbor, 1U);
  two.sent();
  ASSERT_TRUE(two.stack.udp_send(two.now, at("0.0.0.0:9"), at("198.51.100.7:10"), counted(1)).ok());
  EXPECT_EQ(arp_in(two.sent()[0]).target, ip("192.0.2.254"));
}

}  // namespace
}  // namespace samara::net
