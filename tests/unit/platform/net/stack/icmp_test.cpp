#include "wire_peer.h"

namespace samara::net {
namespace {

const IpAddress peer_ip = *IpAddress::parse("192.0.2.9");
const IpAddress our_ip = *IpAddress::parse("192.0.2.1");

struct Icmp : testing::Test {
  WirePeer peer;
  Icmp() { peer.introduce(); }
  void give_icmp(Bytes message, V4 v = {}) {
    v.protocol = Protocol::icmp;
    peer.give_ipv4(v, message);
  }
  // An echo request in as many fragments as the MTU needs.
  void give_echo(size_t size) {
    const Octets message = icmp(8, 0, 0x00010002, counted(size));
    for (size_t at = 0; at < message.size(); at += 1480) {
      const size_t part = std::min<size_t>(1480, message.size() - at);
      V4 v{.protocol = Protocol::icmp, .offset = static_cast<u16>(at), .more = at + part < message.size()};
      peer.give_ipv4(v, Bytes(message).subspan(at, part));
    }
  }
};

TEST_F(Icmp, EchoOfEverySizeIsAnsweredWithTheSameOctets) {
  for (const size_t size : {0, 1, 56, 1472, 1473, 1480, 2000, 2960, 8192, 65506, 65507}) {
    give_echo(size);
    Octets whole;
    for (const Octets& frame : peer.sent()) {
      const Ipv4Out out = ipv4_in(frame);
      EXPECT_EQ(out.header.protocol, Protocol::icmp);
      EXPECT_EQ(out.header.source, our_ip);
      EXPECT_EQ(out.header.fragment_offset, whole.size());
      whole = joined(whole, out.payload);
    }
    ASSERT_EQ(whole.size(), size + 8) << size;
    EXPECT_EQ(whole, icmp(0, 0, 0x00010002, counted(size))) << size;
  }
}

TEST_F(Icmp, EchoWithAWrongChecksumIsDropped) {
  Octets message = icmp(8, 0, 1, counted(10));
  for (size_t at = 0; at < message.size(); ++at) {
    message[at] ^= 0x10;
    give_icmp(message);
    message[at] ^= 0x10;
  }
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().icmp_malformed, 18U);
}

TEST_F(Icmp, EchoToManyIsNotAnswered) {
  for (const char* to : {"255.255.255.255", "192.0.2.255", "224.0.0.1"}) give_icmp(icmp(8, 0, 1, {}), {.to = to});
  peer.give(ethernet(EtherType::ipv4, ipv4({.protocol = Protocol::icmp}, icmp(8, 0, 1, {})), MacAddress::broadcast()));
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().ip_not_unicast, 4U);
}

TEST_F(Icmp, EchoFromSourcesThatNoPeerHasIsNotAnswered) {
  for (const char* from :
       {"0.0.0.0", "0.0.0.7", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.255", "192.0.2.1"}) {
    give_icmp(icmp(8, 0, 1, {}), {.from = from});
  }
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().ip_martian, 8U);
}

TEST_F(Icmp, UnknownProtocolIsUnreachable) {
  peer.give_ipv4({.protocol = Protocol{253}}, counted(40));
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv4_in(out[0]).payload[0], 3);
  EXPECT_EQ(ipv4_in(out[0]).payload[1], 2);
  EXPECT_EQ(ipv4_in(out[0]).header.source, our_ip);
  EXPECT_EQ(peer.counters().unknown_protocols, 1U);
}

TEST_F(Icmp, RedirectsSourceQuenchTimestampsAndMasksAreIgnored) {
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  const Octets quoted = ipv4({.from = "192.0.2.1", .to = "198.51.100.7"}, udp(our_ip, 53, ip("198.51.100.7"), 9, counted(8)));
  for (const u8 type : {4, 5, 9, 10, 13, 15, 17, 0, 77}) give_icmp(icmp(type, 1, load_be32(Octets{192, 0, 2, 66}), quoted));
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().icmp_ignored, 9U);
  // The route is what it was.
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("198.51.100.7:9"), counted(1)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(arp_in(out[0]).target, ip("192.0.2.254"));
}

TEST_F(Icmp, ErrorIsNeverAnsweredWithAnError) {
  for (const u8 type : {3, 4, 5, 11, 12}) give_icmp(icmp(type, 0, 0, counted(3)));
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Icmp, UnreachableForADatagramOfOursIsTold) {
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  peer.events();
  const Octets quoted = ipv4({.from = "192.0.2.1", .to = "192.0.2.9"}, udp(our_ip, 53, peer_ip, 9, counted(8)));
  give_icmp(icmp(3, 3, 0, Bytes(quoted).first(28)));
  const auto events = peer.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, StackEvent::Kind::udp_unreachable);
  EXPECT_EQ(events[0].local, at("192.0.2.1:53"));
  EXPECT_EQ(events[0].peer, at("192.0.2.9:9"));
}

TEST_F(Icmp, ErrorAboutAPacketThatIsNotOursIsIgnored) {
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  peer.events();
  const Octets closed = ipv4({.from = "192.0.2.1", .to = "192.0.2.9"}, udp(our_ip, 54, peer_ip, 9, counted(8)));
  const Octets foreign = ipv4({.from = "192.0.2.2", .to = "192.0.2.9"}, udp(our_ip, 53, peer_ip, 9, counted(8)));
  const Octets later = ipv4({.from = "192.0.2.1", .to = "192.0.2.9", .offset = 8}, udp(our_ip, 53, peer_ip, 9, counted(8)));
  for (const Octets& quoted : {closed, foreign, later}) give_icmp(icmp(3, 3, 0, quoted));
  const Octets good = ipv4({.from = "192.0.2.1", .to = "192.0.2.9"}, udp(our_ip, 53, peer_ip, 9, counted(8)));
  for (size_t size = 0; size < 28; ++size) give_icmp(icmp(3, 3, 0, Bytes(good).first(size)));
  EXPECT_TRUE(peer.events().empty());
  EXPECT_EQ(peer.counters().icmp_not_ours, 31U);
}

// A TCP segment of ours as a router would quote it.
Octets quoted_segment(bool dont_fragment, u16 total_length, Bytes transport = counted(8)) {
  Octets quoted = ipv4({.from = "192.0.2.1", .to = "198.51.100.7", .protocol = Protocol::tcp}, transport);
  store_be16(quoted, 2, total_length);
  if (dont_fragment) quoted[6] |= 0x40;
  return quoted;
}

// A SYN of ours is on its way to 198.51.100.7: its first eight octets, which an error about it quotes.
Octets syn_under_way(WirePeer& peer) {
  peer.give(arp_frame(ArpMessage::Operation::request, router_mac, "192.0.2.254", {}, "192.0.2.1", MacAddress::broadcast()));
  EXPECT_TRUE(peer.stack.tcp().connect(peer.now, {ip("192.0.2.1"), Port(4000)}, at("198.51.100.7:53"), 0).ok());
  const auto out = peer.sent();
  EXPECT_EQ(out.size(), 2U);
  const Octets segment = ipv4_in(out.back()).payload;
  return Octets(segment.begin(), segment.begin() + 8);
}

TEST_F(Icmp, TooBigLowersThePathMtuForTenMinutes) {
  const Octets syn = syn_under_way(peer);
  const IpAddress far = ip("198.51.100.7");
  EXPECT_EQ(peer.stack.path_mtu(far), 1500);
  give_icmp(icmp(3, 4, 1400, quoted_segment(true, 1500, syn)));
  EXPECT_EQ(peer.stack.path_mtu(far), 1400);
  EXPECT_EQ(peer.stack.path_mtu(ip("198.51.100.8")), 1500);
  give_icmp(icmp(3, 4, 1450, quoted_segment(true, 1500, syn)));
  EXPECT_EQ(peer.stack.path_mtu(far), 1400);  // never raised by a message
  peer.wait(Duration::seconds(601));
  peer.sent();
  peer.introduce();  // gives it the time
  EXPECT_EQ(peer.stack.path_mtu(far), 1500);
}

TEST_F(Icmp, TooBigWithoutAnMtuGoesToTheNextPlateau) {
  const Octets syn = syn_under_way(peer);
  give_icmp(icmp(3, 4, 0, quoted_segment(true, 1500, syn)));
  EXPECT_EQ(peer.stack.path_mtu(ip("198.51.100.7")), 1492);
  give_icmp(icmp(3, 4, 0, quoted_segment(true, 1492, syn)));
  EXPECT_EQ(peer.stack.path_mtu(ip("198.51.100.7")), 1006);
}

TEST_F(Icmp, TooBigIsBelievedNoFurtherThanTheLeastMtu) {
  const Octets syn = syn_under_way(peer);
  give_icmp(icmp(3, 4, 68, quoted_segment(true, 1500, syn)));
  EXPECT_EQ(peer.stack.path_mtu(ip("198.51.100.7")), min_ipv4_mtu);
}

TEST_F(Icmp, TooBigAboutPacketsThatMayBeFragmentedIsNotBelieved) {
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  give_icmp(icmp(3, 4, 1000, quoted_segment(false, 1500)));
  const Octets datagram = ipv4({.from = "192.0.2.1", .to = "198.51.100.7"}, udp(our_ip, 53, ip("198.51.100.7"), 9, counted(8)));
  give_icmp(icmp(3, 4, 1000, datagram));
  EXPECT_EQ(peer.stack.path_mtu(ip("198.51.100.7")), 1500);
  EXPECT_EQ(peer.counters().icmp_not_ours, 2U);
}

TEST(IcmpClock, EveryInputTellsTheTimeByWhichAPathMtuEnds) {
  const IpAddress far = ip("198.51.100.7");
  for (const int input : {0, 1, 2, 3}) {
    WirePeer peer;
    const Octets syn = syn_under_way(peer);
    peer.give_ipv4({.protocol = Protocol::icmp}, icmp(3, 4, 1400, quoted_segment(true, 1500, syn)));
    EXPECT_EQ(peer.stack.path_mtu(far), 1400);
    peer.now = peer.now + Duration::seconds(600);
    Octets room(FrameSlot::headroom + 2000);
    FrameSlot slot{room};
    Octets frame(14);
    if (input == 0) peer.stack.on_deadline(peer.now);
    if (input == 1) (void)peer.stack.poll_frame(peer.now, slot);
    if (input == 2) (void)peer.stack.on_frame(peer.now, {frame, FrameChecksum::unchecked});
    if (input == 3) peer.stack.on_link_up(peer.now);
    EXPECT_EQ(peer.stack.path_mtu(far), 1500) << input;
  }
}

}  // namespace
}  // namespace samara::net
