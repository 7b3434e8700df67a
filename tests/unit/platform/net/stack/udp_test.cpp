#include <string>

#include "wire_peer.h"

namespace samara::net {
namespace {

const IpAddress peer_ip = *IpAddress::parse("192.0.2.9");
const IpAddress our_ip = *IpAddress::parse("192.0.2.1");

struct Udp : testing::Test {
  WirePeer peer;
  Udp() {
    EXPECT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
    peer.introduce();
  }
  std::optional<UdpDatagram> ask(Bytes payload, u16 port = 53) {
    return peer.give_ipv4({}, udp(peer_ip, 4711, our_ip, port, payload));
  }
  // An answer of `size` octets through a slot; whether it is to be transmitted now.
  bool answer(const UdpDatagram& to, size_t size, Octets* frame = nullptr) {
    room.assign(FrameSlot::headroom + 65535, 0);
    FrameSlot slot{room};
    std::ranges::copy(counted(size), slot.payload_room().begin());
    slot.set_payload(size);
    const bool ready = peer.stack.udp_finish(peer.now, to, slot);
    if (ready && frame != nullptr) frame->assign(slot.octets().begin(), slot.octets().end());
    return ready;
  }
  Octets room;
};

TEST_F(Udp, DatagramForAnOpenPortIsDelivered) {
  const Octets payload = counted(40);
  const auto datagram = ask(payload);
  ASSERT_TRUE(datagram.has_value());
  EXPECT_EQ(datagram->peer, at("192.0.2.9:4711"));
  EXPECT_EQ(datagram->local, at("192.0.2.1:53"));
  EXPECT_TRUE(std::ranges::equal(datagram->payload, payload));
}

TEST_F(Udp, AnswerGoesBackTheWayItCame) {
  const auto datagram = ask(counted(40));
  ASSERT_TRUE(datagram.has_value());
  Octets frame;
  ASSERT_TRUE(answer(*datagram, 100, &frame));
  const Ipv4Out out = ipv4_in(frame);
  EXPECT_EQ(out.link.destination, peer_mac);
  EXPECT_EQ(out.link.source, our_mac);
  EXPECT_EQ(out.header.source, our_ip);
  EXPECT_EQ(out.header.destination, peer_ip);
  EXPECT_FALSE(out.header.is_fragment());
  const auto header = UdpHeader::parse(out.payload);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header.value().source, Port(53));
  EXPECT_EQ(header.value().destination, Port(4711));
  EXPECT_TRUE(udp_checksum_good(out));
  EXPECT_TRUE(std::ranges::equal(Bytes(out.payload).subspan(8), counted(100)));
}

// RFC 768 and RFC 8200 section 8.1: a computed checksum of 0 goes as 0xffff, for 0 says "none", which IPv6 forbids. One of the
// ports makes it so.
TEST_F(Udp, NoDatagramBearsAChecksumOfZero) {
  u32 all_ones = 0;
  for (u32 port = 1; port <= 0xffff; ++port) {
    Octets frame;
    ASSERT_TRUE(answer({{peer_ip, Port(static_cast<u16>(port))}, at("192.0.2.1:53"), {}}, 20, &frame));
    const u16 checksum = load_be16(frame, 14 + Ipv4Header::size + UdpHeader::checksum_offset);
    ASSERT_NE(checksum, 0) << port;
    all_ones += checksum == 0xffff ? 1 : 0;
    ASSERT_TRUE(peer.stack.udp_send(peer.now, at("192.0.2.1:53"), {peer_ip, Port(static_cast<u16>(port))}, counted(20)).ok());
    const Octets sent = peer.next();
    EXPECT_EQ(load_be16(sent, 14 + Ipv4Header::size + UdpHeader::checksum_offset), checksum);
  }
  EXPECT_GE(all_ones, 1U);
}

// Where the card computes checksums, those of what is copied are completed here.
TEST(UdpWithOffload, NoDatagramThatWasCopiedBearsAChecksumOfZero) {
  StackConfig config = one_address();
  config.checksum_offload = true;
  WirePeer peer(config);
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  peer.introduce();
  u32 all_ones = 0;
  for (u32 port = 1; port <= 0xffff; ++port) {
    Octets room(FrameSlot::headroom + 2000);
    FrameSlot slot{room};
    std::ranges::copy(counted(1600), slot.payload_room().begin());
    slot.set_payload(1600);
    // Too long for a frame: it is copied, and leaves in fragments.
    EXPECT_FALSE(peer.stack.udp_finish(peer.now, {{peer_ip, Port(static_cast<u16>(port))}, at("192.0.2.1:53"), {}}, slot));
    for (const Octets& frame : peer.sent()) {
      const Ipv4Out out = ipv4_in(frame);
      if (out.header.fragment_offset != 0) continue;
      const u16 checksum = load_be16(out.payload, UdpHeader::checksum_offset);
      ASSERT_NE(checksum, 0) << port;
      all_ones += checksum == 0xffff ? 1 : 0;
    }
  }
  EXPECT_GE(all_ones, 1U);
}

TEST_F(Udp, AnswerToAnUnknownNeighborWaitsForItsAddress) {
  const auto datagram = peer.give_ipv4({.from = "192.0.2.77"}, udp(ip("192.0.2.77"), 1, our_ip, 53, counted(4)));
  ASSERT_TRUE(datagram.has_value());
  EXPECT_FALSE(answer(*datagram, 10));
  auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(arp_in(out[0]), (ArpMessage{ArpMessage::Operation::request, our_mac, our_ip, {}, ip("192.0.2.77")}));
  peer.give(arp_frame(ArpMessage::Operation::reply, peer_mac, "192.0.2.77", our_mac, "192.0.2.1", our_mac));
  out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv4_in(out[0]).link.destination, peer_mac);
  EXPECT_TRUE(udp_checksum_good(ipv4_in(out[0])));
}

TEST_F(Udp, AnswerToAPeerBeyondTheLinkGoesToTheGateway) {
  peer.introduce("192.0.2.254", router_mac);
  const auto datagram = peer.give_ipv4({.from = "198.51.100.7"}, udp(ip("198.51.100.7"), 9, our_ip, 53, counted(4)));
  ASSERT_TRUE(datagram.has_value());
  Octets frame;
  ASSERT_TRUE(answer(*datagram, 10, &frame));
  EXPECT_EQ(ipv4_in(frame).link.destination, router_mac);
}

TEST_F(Udp, AnswerLargerThanTheMtuLeavesInFragments) {
  const auto datagram = ask(counted(40));
  ASSERT_TRUE(datagram.has_value());
  EXPECT_FALSE(answer(*datagram, 65507));
  Octets whole;
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 45U);
  for (const Octets& frame : out) {
    const Ipv4Out fragment = ipv4_in(frame);
    EXPECT_LE(frame.size(), 1514U);
    EXPECT_EQ(fragment.header.fragment_offset, whole.size());
    EXPECT_EQ(fragment.header.more_fragments, &frame != &out.back());
    EXPECT_EQ(fragment.header.identification, ipv4_in(out[0]).header.identification);
    EXPECT_FALSE(fragment.header.dont_fragment);
    whole = joined(whole, fragment.payload);
  }
  ASSERT_EQ(whole.size(), 65515U);
  EXPECT_TRUE(udp_checksum_good({.link = {}, .header = ipv4_in(out[0]).header, .payload = whole}));
  EXPECT_TRUE(std::ranges::equal(Bytes(whole).subspan(8), counted(65507)));
}

// 2,960 octets are two fragments of the most that fits; the last says so.
TEST_F(Udp, TheLastFragmentMayBeFull) {
  const auto datagram = ask(counted(40));
  ASSERT_TRUE(datagram.has_value());
  for (const size_t size : {2'951U, 2'952U, 2'953U}) {
    EXPECT_FALSE(answer(*datagram, size));
    const auto out = peer.sent();
    ASSERT_EQ(out.size(), size <= 2'952 ? 2U : 3U);
    for (const Octets& frame : out) EXPECT_EQ(ipv4_in(frame).header.more_fragments, &frame != &out.back()) << size;
  }
}

TEST_F(Udp, AnswerLongerThanIpCarriesIsDropped) {
  const auto datagram = ask(counted(40));
  ASSERT_TRUE(datagram.has_value());
  EXPECT_FALSE(answer(*datagram, 65508));
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().out_too_long, 1U);
}

TEST_F(Udp, LargeAnswersBeyondTheBuffersAreDroppedAndCounted) {
  const auto datagram = ask(counted(40));
  ASSERT_TRUE(datagram.has_value());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(answer(*datagram, 3000));
  EXPECT_EQ(peer.counters().out_no_memory, 2U);  // eight large packets
  EXPECT_EQ(peer.sent().size(), 24U);
  EXPECT_FALSE(answer(*datagram, 3000));
  EXPECT_EQ(peer.sent().size(), 3U);
}

TEST_F(Udp, LargeAnswersToNeighborsWhoDoNotExistLeaveBuffersToOthers) {
  for (int i = 0; i < 20; ++i) {
    const std::string nobody = "192.0.2." + std::to_string(100 + i);
    const auto datagram = peer.give_ipv4({.from = nobody}, udp(ip(nobody), 1, our_ip, 53, counted(4)));
    ASSERT_TRUE(datagram.has_value());
    EXPECT_FALSE(answer(*datagram, 4000));
    peer.sent();
  }
  EXPECT_EQ(peer.counters().out_no_memory, 0U);
  const auto datagram = ask(counted(4));
  ASSERT_TRUE(datagram.has_value());
  answer(*datagram, 4000);
  EXPECT_EQ(peer.sent().size(), 3U) << "its fragments";
}

TEST_F(Udp, WrongChecksumIsDropped) {
  const Octets good = ethernet(EtherType::ipv4, ipv4({}, udp(peer_ip, 4711, our_ip, 53, counted(9))));
  ASSERT_TRUE(peer.give(good).has_value());
  for (size_t at = 34; at < good.size(); ++at) {
    Octets bad = good;
    bad[at] ^= 1;
    if (at == 38 || at == 39) continue;  // the length: another reason
    EXPECT_FALSE(peer.give(bad).has_value()) << at;
  }
  EXPECT_GE(peer.counters().udp_bad_checksum, 14U);
}

TEST_F(Udp, DatagramWithoutChecksumIsTakenInIpv4) {
  Octets datagram = udp(peer_ip, 4711, our_ip, 53, counted(9));
  store_be16(datagram, 6, 0);
  EXPECT_TRUE(peer.give_ipv4({}, datagram).has_value());
}

TEST_F(Udp, ChecksumThatTheCardVerifiedIsNotVerifiedAgain) {
  Octets datagram = udp(peer_ip, 4711, our_ip, 53, counted(9));
  store_be16(datagram, 6, 0x1234);
  const Octets frame = ethernet(EtherType::ipv4, ipv4({}, datagram));
  EXPECT_FALSE(peer.give(frame).has_value());
  EXPECT_TRUE(peer.give(frame, FrameChecksum::good).has_value());
  EXPECT_TRUE(peer.give(frame, FrameChecksum::partial).has_value());
}

TEST_F(Udp, LengthFieldIsHeldAgainstThePacket) {
  Octets datagram = udp(peer_ip, 4711, our_ip, 53, counted(9));
  for (const u16 length : {0, 7, 18, 0xffff}) {
    store_be16(datagram, 4, length);
    EXPECT_FALSE(peer.give(ethernet(EtherType::ipv4, ipv4({}, datagram)), FrameChecksum::good).has_value()) << length;
  }
  EXPECT_EQ(peer.counters().udp_malformed, 4U);
  store_be16(datagram, 4, 12);
  const auto shorter = peer.give(ethernet(EtherType::ipv4, ipv4({}, datagram)), FrameChecksum::good);
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(shorter->payload.size(), 4U);
}

TEST_F(Udp, PortZeroIsNobody) {
  EXPECT_FALSE(peer.give_ipv4({}, udp(peer_ip, 0, our_ip, 53, counted(1))).has_value());
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Udp, ClosedPortIsUnreachable) {
  const Octets datagram = udp(peer_ip, 4711, our_ip, 54, counted(600));
  const Octets packet = ipv4({}, datagram);
  EXPECT_FALSE(peer.give(ethernet(EtherType::ipv4, packet)).has_value());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  const Ipv4Out error = ipv4_in(out[0]);
  EXPECT_EQ(error.header.protocol, Protocol::icmp);
  EXPECT_EQ(error.header.total_length, 576);  // RFC 1812 section 4.3.2.3
  EXPECT_EQ(internet_checksum(error.payload), 0);
  EXPECT_EQ(error.payload[0], 3);
  EXPECT_EQ(error.payload[1], 3);
  EXPECT_TRUE(std::ranges::equal(Bytes(error.payload).subspan(8), Bytes(packet).first(548)));
}

TEST_F(Udp, UnreachablesAreBoundedInRate) {
  const Octets frame = ethernet(EtherType::ipv4, ipv4({}, udp(peer_ip, 4711, our_ip, 54, counted(1))));
  size_t errors = 0;
  for (int i = 0; i < 1000; ++i) {
    peer.give(frame);
    errors += peer.sent().size();
  }
  EXPECT_EQ(errors, 50U);
  EXPECT_EQ(peer.counters().errors_limited, 950U);
  peer.wait(Duration::seconds(1));
  for (int i = 0; i < 1000; ++i) {
    peer.give(frame);
    errors += peer.sent().size();
  }
  EXPECT_EQ(errors, 100U);
}

TEST_F(Udp, PortsOpenAndClose) {
  EXPECT_EQ(peer.stack.udp_open(at("0.0.0.0:53")).error(), UdpError::port_in_use);
  EXPECT_TRUE(peer.stack.udp_open(at("192.0.2.1:53")).ok());
  EXPECT_EQ(peer.stack.udp_open(at("192.0.2.1:53")).error(), UdpError::port_in_use);
  peer.stack.udp_close(at("0.0.0.0:53"));
  EXPECT_TRUE(ask(counted(1)).has_value());
  peer.stack.udp_close(at("192.0.2.1:53"));
  EXPECT_FALSE(ask(counted(1)).has_value());
}

TEST_F(Udp, OwnDatagramsAreSentFromTheChosenAddress) {
  const Octets payload = counted(10);
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.9:10"), payload).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  const Ipv4Out sent = ipv4_in(out[0]);
  EXPECT_EQ(sent.header.source, our_ip);
  EXPECT_TRUE(udp_checksum_good(sent));
  EXPECT_EQ(peer.stack.udp_send(peer.now, at("192.0.2.5:9"), at("192.0.2.9:10"), payload).error(), UdpError::no_address);
  EXPECT_EQ(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("255.255.255.255:10"), payload).error(), UdpError::no_route);
  EXPECT_EQ(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.9:10"), Octets(65508)).error(), UdpError::too_long);
}

TEST_F(Udp, ChecksumIsLeftToTheCardThatCan) {
  StackConfig config = one_address();
  config.checksum_offload = true;
  WirePeer card(config);
  ASSERT_TRUE(card.stack.udp_open(at("0.0.0.0:53")).ok());
  card.introduce();
  const auto datagram = card.give_ipv4({}, udp(peer_ip, 4711, our_ip, 53, counted(3)));
  ASSERT_TRUE(datagram.has_value());
  Octets memory(FrameSlot::headroom + 2000);
  FrameSlot slot{memory};
  slot.set_payload(33);
  ASSERT_TRUE(card.stack.udp_finish(card.now, *datagram, slot));
  EXPECT_EQ(slot.checksum_request().start, 34);
  EXPECT_EQ(slot.checksum_request().offset, 6);
  // What the card does: sum from `start`, complement, store.
  store_be16(slot.octets(), 40, internet_checksum(slot.octets().subspan(34)));
  EXPECT_TRUE(udp_checksum_good(ipv4_in(Octets(slot.octets().begin(), slot.octets().end()))));
  // Copied into fragments it cannot be the card's any more.
  Octets large(FrameSlot::headroom + 3000);
  FrameSlot second{large};
  second.set_payload(2900);
  EXPECT_FALSE(card.stack.udp_finish(card.now, *datagram, second));
  Octets whole;
  const auto out = card.sent();
  for (const Octets& frame : out) whole = joined(whole, ipv4_in(frame).payload);
  EXPECT_TRUE(udp_checksum_good({.link = {}, .header = ipv4_in(out[0]).header, .payload = whole}));
}

TEST(UdpMirrored, AnswersGoToWhereTheQuestionCameFrom) {
  StackConfig config = one_address();
  config.mirror_neighbors = true;
  WirePeer peer(config, false);
  EXPECT_TRUE(peer.sent().empty());  // no announcement
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  const auto datagram = peer.give(ethernet(
      EtherType::ipv4, ipv4({.from = "203.0.113.5"}, udp(ip("203.0.113.5"), 7, our_ip, 53, counted(3))), our_mac, router_mac));
  ASSERT_TRUE(datagram.has_value());
  Octets memory(FrameSlot::headroom + 2000);
  FrameSlot slot{memory};
  slot.set_payload(33);
  ASSERT_TRUE(peer.stack.udp_finish(peer.now, *datagram, slot));
  EXPECT_EQ(EthernetHeader::parse(slot.octets()).value().destination, router_mac);
  peer.give(arp_frame(ArpMessage::Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast()));
  EXPECT_TRUE(peer.sent().empty());
}

}  // namespace
}  // namespace samara::net
