#include "wire_peer.h"

namespace samara::net {
namespace {

constexpr u8 syn = 2;
constexpr u8 rst = 4;
constexpr u8 ack = 16;

Octets segment(const IpAddress& from, u16 from_port, const IpAddress& to, u16 to_port, u32 sequence, u8 flags) {
  Octets header(20);
  store_be16(header, 0, from_port);
  store_be16(header, 2, to_port);
  store_be32(header, 4, sequence);
  header[12] = 0x50;
  header[13] = flags;
  store_be16(header, 14, 8192);
  ChecksumSum sum;
  sum.add_pseudo_header(from, to, 6, 20);
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

}  // namespace
}  // namespace samara::net
