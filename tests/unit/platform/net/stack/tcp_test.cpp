#include "wire_peer.h"

namespace samara::net {
namespace {

constexpr u8 syn = 2;
constexpr u8 rst = 4;
constexpr u8 ack = 16;

Octets segment(const IpAddress& from, u16 from_port, const IpAddress& to, u16 to_port, u32 sequence, u8 flags,
               u32 acknowledged = 0) {
  Octets header((flags & syn) != 0 ? 24 : 20);
  store_be16(header, 0, from_port);
  store_be16(header, 2, to_port);
  store_be32(header, 4, sequence);
  store_be32(header, 8, acknowledged);
  header[12] = static_cast<u8>(header.size() << 2);
  header[13] = flags;
  store_be16(header, 14, 8192);
  if (header.size() > 20) store_be32(header, 20, 0x020405b4);  // MSS 1460
  ChecksumSum sum;
  sum.add_pseudo_header(from, to, 6, static_cast<u32>(header.size()));
  sum.add(header);
  store_be16(header, 16, sum.finish());
  return header;
}

struct TcpOverIp : testing::Test {
  WirePeer peer;
  const IpAddress from = ip("192.0.2.9");
  const IpAddress to = ip("192.0.2.1");
  TcpOverIp() {
    EXPECT_TRUE(peer.stack.tcp().listen(at("0.0.0.0:53"), 4).ok());
    peer.introduce();
  }
  void knock(u16 port) { peer.give_ipv4({.protocol = Protocol::tcp}, segment(from, 4000, to, port, 1000, syn)); }
};

TEST_F(TcpOverIp, HandshakeReachesTcpAndIsAnswered) {
  knock(53);
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  const Ipv4Out answer = ipv4_in(out[0]);
  EXPECT_EQ(answer.header.protocol, Protocol::tcp);
  EXPECT_EQ(answer.header.destination, from);
  EXPECT_EQ(answer.link.destination, peer_mac);
  EXPECT_EQ(answer.payload[13], syn | ack);
  EXPECT_EQ(load_be32(answer.payload, 8), 1001U);
}

TEST_F(TcpOverIp, ClosedPortIsReset) {
  knock(54);
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_NE(ipv4_in(out[0]).payload[13] & rst, 0);
}

TEST_F(TcpOverIp, SegmentToAnUnknownNeighborWaitsForItsAddress) {
  const IpAddress far = ip("192.0.2.77");
  peer.give_ipv4({.from = "192.0.2.77", .protocol = Protocol::tcp}, segment(far, 4000, to, 53, 1000, syn));
  const auto asked = peer.sent();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(arp_in(asked[0]).target, far);
  peer.give(arp_frame(ArpMessage::Operation::reply, peer_mac, "192.0.2.77", our_mac, "192.0.2.1", our_mac));
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv4_in(out[0]).header.protocol, Protocol::tcp);
}

// A connection of the peer's, and two full segments on their way to it.
struct TcpOnTheWay : TcpOverIp {
  u32 our_next = 0;
  tcp::ConnectionId id{};
  TcpOnTheWay() {
    knock(53);
    our_next = load_be32(ipv4_in(peer.next()).payload, 4) + 1;
    say(ack);
    id = peer.stack.tcp().poll_event()->connection;
    EXPECT_TRUE(peer.stack.tcp().send(peer.now, id, counted(2920)).ok());
  }
  void say(u8 flags) {
    const Octets out = segment(from, 4000, to, 53, 1001, flags, our_next);
    peer.give_ipv4({.protocol = Protocol::tcp}, out);
  }
  // A router says that `packet` was too large for 1000 octets.
  void too_big(const Octets& packet) {
    peer.give_ipv4({.from = "192.0.2.254", .protocol = Protocol::icmp}, icmp(3, 4, 1000, Bytes(packet).first(28)));
  }
};

TEST_F(TcpOnTheWay, AMessageAboutWhatIsUnderWayLowersThePathMtu) {
  const auto out = peer.sent();
  ASSERT_FALSE(out.empty());
  too_big(Octets(out[0].begin() + 14, out[0].end()));
  EXPECT_EQ(peer.stack.path_mtu(from), 1000);
  const auto again = peer.sent();
  ASSERT_FALSE(again.empty());
  for (const Octets& frame : again) EXPECT_LE(frame.size(), 1014U);
}

TEST_F(TcpOnTheWay, AMessageAboutWhatIsNotUnderWayIsNotBelieved) {  // RFC 5927 section 4.1
  const auto out = peer.sent();
  ASSERT_FALSE(out.empty());
  Octets packet(out[0].begin() + 14, out[0].end());
  store_be32(packet, 24, load_be32(packet, 24) + 100'000);
  too_big(packet);
  EXPECT_EQ(peer.stack.path_mtu(from), 1500);
  EXPECT_EQ(peer.counters().icmp_not_ours, 1U);
}

TEST_F(TcpOnTheWay, SilenceMakesTheNeighborBeAsked) {  // RFC 9293 MUST-20
  peer.sent();
  bool asked = false;
  for (int tenths = 0; tenths < 45; ++tenths) {
    peer.wait(Duration::milliseconds(100));
    for (const Octets& frame : peer.sent()) {
      // Four retransmissions, 0.2 s and its doubles, come before the five seconds after which it would be asked anyway.
      asked = asked || (load_be16(frame, 12) == 0x0806 && arp_in(frame).target == from);
    }
  }
  EXPECT_TRUE(asked);
}

TEST_F(TcpOnTheWay, ProgressSavesTheQuestion) {  // RFC 4861 section 7.3.1
  EXPECT_FALSE(peer.sent().empty());
  our_next += 2920;
  say(ack);
  peer.wait(Duration::seconds(8));
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(TcpOnTheWay, TheTrafficClassStandsInTheHeader) {  // RFC 9293 MUST-48
  ASSERT_TRUE(peer.stack.tcp().set_options(id, {.traffic_class = 0x48}).ok());
  const Octets frame = peer.next();
  ASSERT_FALSE(frame.empty());
  EXPECT_EQ(ipv4_in(frame).header.traffic_class, 0x48);
}

// A machine that was copied while it ran must not give what its twin gives.
TEST(Secrets, AreOthersWhenTheyAreRenewed) {
  const auto numbers = [](bool renewed) {
    WirePeer peer;
    EXPECT_TRUE(peer.stack.tcp().listen(at("0.0.0.0:53"), 4).ok());
    EXPECT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
    peer.introduce();
    if (renewed) peer.stack.renew_secrets();
    peer.give_ipv4({.protocol = Protocol::tcp}, segment(ip("192.0.2.9"), 4000, ip("192.0.2.1"), 53, 1000, syn));
    const u32 sequence = load_be32(ipv4_in(peer.next()).payload, 4);
    EXPECT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("192.0.2.9:9"), counted(3)).ok());
    return std::pair(sequence, ipv4_in(peer.next()).header.identification);
  };
  const auto twin = numbers(false);
  EXPECT_EQ(numbers(false), twin) << "the same source of randomness";
  EXPECT_NE(numbers(true).first, twin.first) << "sequence numbers";
  EXPECT_NE(numbers(true).second, twin.second) << "identifications";
}

}  // namespace
}  // namespace samara::net
