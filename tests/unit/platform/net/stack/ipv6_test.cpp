#include "platform/net/wire/ipv6.h"
#include "platform/net/ipv6/icmpv6.h"
#include "platform/net/ipv6/neighbor_discovery.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

const IpAddress peer_ip = *IpAddress::parse("2001:db8::9");
const IpAddress our_ip = *IpAddress::parse("2001:db8::1");

StackConfig dual() {
  StackConfig config = one_address();
  config.ipv6 = true;
  config.addresses.push_back({our_ip, 64});
  config.routes.push_back({block("::/0"), ip("fe80::fe"), 0});
  config.address_secret = counted(16);
  return config;
}

Octets ipv6(const IpAddress& from, const IpAddress& to, Protocol next, Bytes payload, u8 hop_limit = 64) {
  Octets header(Ipv6Header::size);
  Ipv6Header{0, 0, static_cast<u16>(payload.size()), next, hop_limit, from, to}.write(header);
  return joined(header, payload);
}
Octets icmpv6(const IpAddress& from, const IpAddress& to, u8 type, u8 code, u32 rest, Bytes body) {
  Octets message(8);
  IcmpHeader{type, code, rest}.write(message);
  message = joined(message, body);
  ChecksumSum sum;
  sum.add_pseudo_header(from, to, 58, static_cast<u32>(message.size()));
  sum.add(message);
  store_be16(message, 2, sum.finish());
  return message;
}
Octets fragment(Protocol next, u16 offset, bool more, u32 id, Bytes payload) {
  Octets header(Ipv6FragmentHeader::size);
  Ipv6FragmentHeader{next, offset, more, id}.write(header);
  return joined(header, payload);
}

struct Ipv6Out {
  EthernetHeader link;
  Ipv6Header header;
  Octets payload;
};
Ipv6Out ipv6_in(const Octets& frame) {
  const auto link = EthernetHeader::parse(frame);
  EXPECT_TRUE(link.ok() && link.value().type == EtherType::ipv6);
  const auto header = Ipv6Header::parse(Bytes(frame).subspan(14));
  EXPECT_TRUE(header.ok());
  return {link.value(), header.value(), Octets(frame.begin() + 54, frame.end())};
}
bool checksum_good(const Ipv6Out& out, u8 protocol) {
  ChecksumSum sum;
  sum.add_pseudo_header(out.header.source, out.header.destination, protocol, static_cast<u32>(out.payload.size()));
  sum.add(out.payload);
  return sum.finish() == 0;
}

struct Ipv6 : testing::Test {
  WirePeer peer{dual()};
  Ipv6() {
    EXPECT_TRUE(peer.stack.udp_open(at("[::]:53")).ok());
    introduce(peer_ip);
    peer.sent();
    peer.events();
  }
  // Solicits one of our addresses, which tells the peer's.
  void introduce(const IpAddress& address, const MacAddress& mac = peer_mac) {
    Octets memory(200);
    const auto written = ipv6::write(ipv6::NeighborSolicitation{our_ip, mac, {}}, address, solicited_group, memory);
    ASSERT_TRUE(written.has_value());
    give(address, solicited_group, Protocol::icmpv6, Bytes(memory).first(written->size), 255,
         MacAddress::multicast(solicited_group));
  }
  std::optional<UdpDatagram> give(const IpAddress& from, const IpAddress& to, Protocol next, Bytes payload, u8 hop_limit = 64,
                                  const MacAddress& mac = our_mac) {
    return peer.give(ethernet(EtherType::ipv6, ipv6(from, to, next, payload, hop_limit), mac));
  }
  std::optional<UdpDatagram> give(Protocol next, Bytes payload) { return give(peer_ip, our_ip, next, payload); }
  // Code and pointer of the parameter problem that came out; nothing else may.
  std::optional<std::pair<u8, u32>> problem() {
    const auto out = peer.sent();
    if (out.size() != 1) return std::nullopt;
    const Ipv6Out error = ipv6_in(out[0]);
    EXPECT_TRUE(checksum_good(error, 58));
    EXPECT_LE(out[0].size(), 1294U);
    if (error.payload[0] != 4) return std::nullopt;
    return std::pair(error.payload[1], load_be32(error.payload, 4));
  }
  const IpAddress solicited_group = ip("ff02::1:ff00:1");
  const Octets datagram = udp(peer_ip, 4711, our_ip, 53, counted(40));
};

TEST_F(Ipv6, AddressesPassDuplicateDetectionAtTheStart) {
  WirePeer fresh(dual(), false);
  EXPECT_EQ(fresh.stack.addresses().size(), 3U) << "from the first moment on";
  for (const AssignedAddress& own : fresh.stack.addresses()) {
    if (!own.interface.address.is_v4()) {
      EXPECT_EQ(own.condition, AssignedAddress::Condition::tentative);
    }
  }
  fresh.wait(Duration::seconds(3));
  u32 solicitations = 0;
  for (const Octets& frame : fresh.sent()) {
    if (load_be16(frame, 12) != 0x86dd) continue;
    const Ipv6Out out = ipv6_in(frame);
    if (out.header.next_header != Protocol::icmpv6 || out.payload[0] != 135) continue;
    ++solicitations;
    EXPECT_TRUE(out.header.source.is_unspecified());
    EXPECT_EQ(out.header.hop_limit, 255);
  }
  EXPECT_EQ(solicitations, 2U);  // the configured one and the link-local one
  u32 up = 0;
  for (const StackEvent& event : fresh.events()) up += event.kind == StackEvent::Kind::address_up ? 1 : 0;
  EXPECT_EQ(up, 3U);
}

TEST_F(Ipv6, AddressThatANeighborHasIsNotUsed) {
  WirePeer fresh(dual(), false);
  fresh.wait(Duration::milliseconds(1));
  Octets memory(200);
  const auto written =
      ipv6::write(ipv6::NeighborAdvertisement{our_ip, false, false, true, peer_mac}, our_ip, ip("ff02::1"), memory);
  ASSERT_TRUE(written.has_value());
  fresh.give(ethernet(EtherType::ipv6, ipv6(our_ip, ip("ff02::1"), Protocol::icmpv6, Bytes(memory).first(written->size), 255),
                      MacAddress::multicast(ip("ff02::1"))));
  fresh.wait(Duration::seconds(3));
  bool told = false;
  for (const StackEvent& event : fresh.events()) {
    EXPECT_FALSE(event.kind == StackEvent::Kind::address_up && event.address == our_ip);
    told |= event.kind == StackEvent::Kind::address_duplicate && event.address == our_ip;
  }
  EXPECT_TRUE(told);
}

TEST_F(Ipv6, SolicitationIsAnsweredAndTeachesTheAsker) {
  introduce(ip("2001:db8::77"));
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  const Ipv6Out answer = ipv6_in(out[0]);
  EXPECT_EQ(answer.link.destination, peer_mac);
  EXPECT_EQ(answer.header.destination, ip("2001:db8::77"));
  EXPECT_EQ(answer.header.hop_limit, 255);
  EXPECT_EQ(answer.payload[0], 136);
  EXPECT_TRUE(checksum_good(answer, 58));
}

TEST_F(Ipv6, SolicitationFromBeyondTheLinkIsIgnored) {
  Octets memory(200);
  const auto written = ipv6::write(ipv6::NeighborSolicitation{our_ip, peer_mac, {}}, peer_ip, solicited_group, memory);
  give(peer_ip, solicited_group, Protocol::icmpv6, Bytes(memory).first(written->size), 254);
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Ipv6, DatagramIsDeliveredAndAnswered) {
  const auto taken = give(Protocol::udp, datagram);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->peer, at("[2001:db8::9]:4711"));
  Octets memory(FrameSlot::headroom + 2000);
  FrameSlot slot{memory};
  slot.set_payload(50);
  ASSERT_TRUE(peer.stack.udp_finish(peer.now, *taken, slot));
  const Ipv6Out out = ipv6_in(Octets(slot.octets().begin(), slot.octets().end()));
  EXPECT_EQ(out.link.destination, peer_mac);
  EXPECT_EQ(out.header.source, our_ip);
  EXPECT_EQ(out.header.destination, peer_ip);
  EXPECT_TRUE(checksum_good(out, 17));
}

TEST_F(Ipv6, DatagramWithoutChecksumIsDropped) {  // RFC 8200 section 8.1
  Octets none = datagram;
  store_be16(none, 6, 0);
  EXPECT_FALSE(give(Protocol::udp, none).has_value());
  EXPECT_EQ(peer.counters().udp_bad_checksum, 1U);
}

TEST_F(Ipv6, UnknownNeighborIsSolicited) {
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8::55]:9"), counted(3)).ok());
  auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  const Ipv6Out asked = ipv6_in(out[0]);
  EXPECT_EQ(asked.header.destination, ip("ff02::1:ff00:55"));
  EXPECT_EQ(asked.link.destination, MacAddress::multicast(ip("ff02::1:ff00:55")));
  EXPECT_EQ(asked.header.source, our_ip);
  EXPECT_EQ(asked.payload[0], 135);
  Octets memory(200);
  const auto written = ipv6::write(ipv6::NeighborAdvertisement{ip("2001:db8::55"), false, true, true, peer_mac},
                                   ip("2001:db8::55"), our_ip, memory);
  give(ip("2001:db8::55"), our_ip, Protocol::icmpv6, Bytes(memory).first(written->size), 255);
  out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv6_in(out[0]).header.next_header, Protocol::udp);
}

TEST_F(Ipv6, EchoOfEverySizeIsAnswered) {
  for (const size_t size : {0, 56, 1452, 1453, 4000, 65500, 65527}) {
    const Octets message = icmpv6(peer_ip, our_ip, 128, 0, 7, counted(size));
    if (message.size() <= 1460) {
      give(Protocol::icmpv6, message);
    } else {
      for (size_t from = 0; from < message.size(); from += 1448) {
        const size_t part = std::min<size_t>(1448, message.size() - from);
        give(Protocol::fragment, fragment(Protocol::icmpv6, static_cast<u16>(from), from + part < message.size(), 5,
                                          Bytes(message).subspan(from, part)));
      }
    }
    Octets whole;
    for (const Octets& frame : peer.sent()) {
      EXPECT_LE(frame.size(), 1514U);
      const Ipv6Out out = ipv6_in(frame);
      Bytes payload = out.payload;
      if (out.header.next_header == Protocol::fragment) {
        const auto header = Ipv6FragmentHeader::parse(payload);
        ASSERT_TRUE(header.ok());
        EXPECT_EQ(header.value().offset, whole.size());
        EXPECT_EQ(header.value().next_header, Protocol::icmpv6);
        payload = payload.subspan(8);
      }
      whole = joined(whole, payload);
    }
    EXPECT_EQ(whole, icmpv6(our_ip, peer_ip, 129, 0, 7, counted(size))) << size;
  }
}

TEST_F(Ipv6, EchoToAllNodesIsAnsweredFromAnAddressOfOurs) {  // RFC 4443 section 4.2
  const IpAddress all = ip("ff02::1");
  give(peer_ip, all, Protocol::icmpv6, icmpv6(peer_ip, all, 128, 0, 7, counted(8)), 64, MacAddress::multicast(all));
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv6_in(out[0]).header.source, our_ip);
}

TEST_F(Ipv6, ClosedPortIsUnreachable) {
  const Octets closed = udp(peer_ip, 4711, our_ip, 54, counted(1400));
  give(Protocol::udp, closed);
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  const Ipv6Out error = ipv6_in(out[0]);
  EXPECT_EQ(error.payload[0], 1);
  EXPECT_EQ(error.payload[1], 4);
  EXPECT_EQ(out[0].size(), 14U + 1280U);  // RFC 4443 section 2.4 (c)
  EXPECT_TRUE(checksum_good(error, 58));
}

TEST_F(Ipv6, SourcesThatNoPeerHasAreDropped) {
  for (const char* from : {"ff02::1", "::1", "::ffff:192.0.2.9", "2001:db8::1"}) {
    EXPECT_FALSE(give(ip(from), our_ip, Protocol::udp, udp(ip(from), 4711, our_ip, 53, counted(1))).has_value()) << from;
  }
  EXPECT_EQ(peer.counters().ip_martian, 4U);
  give(ip("::"), our_ip, Protocol::udp, udp(ip("::"), 4711, our_ip, 54, counted(1)));
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Ipv6, GroupsNobodyListensToAndOtherHostsAreNotOurs) {
  for (const char* to : {"ff02::2", "ff02::1:ff00:2", "ff05::1", "2001:db8::2", "::1"}) {
    EXPECT_FALSE(give(peer_ip, ip(to), Protocol::udp, datagram).has_value()) << to;
  }
  EXPECT_EQ(peer.counters().ip_not_ours, 5U);
}

TEST_F(Ipv6, EveryTruncatedPacketIsDropped) {
  const Octets packet = ipv6(peer_ip, our_ip, Protocol::udp, datagram);
  for (size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(peer.give(ethernet(EtherType::ipv6, Bytes(packet).first(size))).has_value());
  }
  EXPECT_EQ(peer.counters().ip_truncated, packet.size());
}

// ---- extension headers

Octets options(Protocol next, Bytes octets) {
  return joined(Octets{static_cast<u8>(next), static_cast<u8>((octets.size() + 2) / 8 - 1)}, octets);
}

TEST_F(Ipv6, ExtensionHeadersAreWalkedOver) {
  const Octets padding = {1, 4, 0, 0, 0, 0};
  const Octets inner = joined(options(Protocol::udp, padding), datagram);
  EXPECT_TRUE(give(Protocol::destination_options, inner).has_value());
  EXPECT_TRUE(give(Protocol::hop_by_hop, joined(options(Protocol::destination_options, padding), inner)).has_value());
  // A routing header without segments left is skipped (RFC 8200 section 4.4).
  EXPECT_TRUE(give(Protocol::routing, joined(Octets{17, 0, 0, 0, 0, 0, 0, 0}, datagram)).has_value());
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Ipv6, UnknownOptionsAreTreatedAsTheirHighestBitsSay) {  // RFC 8200 section 4.2
  const auto with = [&](u8 kind) { return joined(options(Protocol::udp, Octets{kind, 4, 0, 0, 0, 0}), datagram); };
  EXPECT_TRUE(give(Protocol::destination_options, with(0x1e)).has_value());
  EXPECT_FALSE(give(Protocol::destination_options, with(0x5e)).has_value());
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_FALSE(give(Protocol::destination_options, with(0x9e)).has_value());
  EXPECT_EQ(problem(), std::pair(u8{2}, 42U));
  EXPECT_FALSE(give(Protocol::destination_options, with(0xde)).has_value());
  EXPECT_EQ(problem(), std::pair(u8{2}, 42U));
  const IpAddress all = ip("ff02::1");
  give(peer_ip, all, Protocol::destination_options, with(0xde), 64, MacAddress::multicast(all));
  EXPECT_TRUE(peer.sent().empty());
  give(peer_ip, all, Protocol::destination_options, with(0x9e), 64, MacAddress::multicast(all));
  EXPECT_EQ(problem(), std::pair(u8{2}, 42U));
}

TEST_F(Ipv6, HopByHopOptionsBelongFirst) {
  const Octets padding = {1, 4, 0, 0, 0, 0};
  const Octets late = joined(options(Protocol::hop_by_hop, padding), joined(options(Protocol::udp, padding), datagram));
  EXPECT_FALSE(give(Protocol::destination_options, late).has_value());
  EXPECT_EQ(problem(), std::pair(u8{1}, 40U));
}

TEST_F(Ipv6, RoutingHeaderWithSegmentsLeftIsAProblem) {  // RFC 5095
  EXPECT_FALSE(give(Protocol::routing, joined(Octets{17, 0, 0, 1, 0, 0, 0, 0}, datagram)).has_value());
  EXPECT_EQ(problem(), std::pair(u8{0}, 42U));
}

TEST_F(Ipv6, UnknownNextHeaderIsAProblem) {
  EXPECT_FALSE(give(Protocol{253}, datagram).has_value());
  EXPECT_EQ(problem(), std::pair(u8{1}, 6U));
  const Octets padding = {1, 4, 0, 0, 0, 0};
  EXPECT_FALSE(give(Protocol::destination_options, joined(options(Protocol{253}, padding), datagram)).has_value());
  EXPECT_EQ(problem(), std::pair(u8{1}, 40U));
  EXPECT_FALSE(give(Protocol::none, datagram).has_value());
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Ipv6, ChainsOfHeadersAreBounded) {
  const Octets padding = {1, 4, 0, 0, 0, 0};
  Octets chain = joined(options(Protocol::udp, padding), datagram);
  for (int i = 0; i < 7; ++i) chain = joined(options(Protocol::destination_options, padding), chain);
  EXPECT_TRUE(give(Protocol::destination_options, chain).has_value());
  EXPECT_FALSE(give(Protocol::destination_options, joined(options(Protocol::destination_options, padding), chain)).has_value());
  Octets many;
  for (int i = 0; i < 17; ++i) many = joined(many, Octets{0x1e, 6, 0, 0, 0, 0, 0, 0});
  many = joined(many, Octets{1, 4, 0, 0, 0, 0});
  EXPECT_FALSE(give(Protocol::destination_options, joined(options(Protocol::udp, many), datagram)).has_value());
  Octets cut = joined(options(Protocol::udp, Octets{0x1e, 5, 0, 0, 0, 0}), datagram);
  EXPECT_FALSE(give(Protocol::destination_options, cut).has_value());
  EXPECT_EQ(peer.counters().ip_bad_extension, 3U);
  EXPECT_TRUE(peer.sent().empty());
}

// ---- fragments

TEST_F(Ipv6, FragmentsAreReassembled) {
  const Octets large = udp(peer_ip, 4711, our_ip, 53, counted(3000));
  EXPECT_FALSE(give(Protocol::fragment, fragment(Protocol::udp, 1448, true, 1, Bytes(large).subspan(1448, 1448))).has_value());
  EXPECT_FALSE(give(Protocol::fragment, fragment(Protocol::udp, 2896, false, 1, Bytes(large).subspan(2896))).has_value());
  const auto whole = give(Protocol::fragment, fragment(Protocol::udp, 0, true, 1, Bytes(large).first(1448)));
  ASSERT_TRUE(whole.has_value());
  EXPECT_TRUE(std::ranges::equal(whole->payload, counted(3000)));
}

TEST_F(Ipv6, AtomicFragmentIsTakenAlone) {  // RFC 6946
  give(Protocol::fragment, fragment(Protocol::udp, 0, true, 1, Bytes(datagram).first(16)));
  EXPECT_TRUE(give(Protocol::fragment, fragment(Protocol::udp, 0, false, 1, datagram)).has_value());
  EXPECT_TRUE(give(Protocol::fragment, fragment(Protocol::udp, 16, false, 1, Bytes(datagram).subspan(16))).has_value());
}

TEST_F(Ipv6, OverlapDropsTheDatagram) {  // RFC 5722
  give(Protocol::fragment, fragment(Protocol::udp, 0, true, 1, Bytes(datagram).first(24)));
  give(Protocol::fragment, fragment(Protocol::udp, 16, true, 1, Bytes(datagram).subspan(16, 16)));
  EXPECT_FALSE(give(Protocol::fragment, fragment(Protocol::udp, 24, false, 1, Bytes(datagram).subspan(24))).has_value());
  EXPECT_EQ(peer.counters().fragments_overlapping, 2U);
  EXPECT_TRUE(peer.sent().empty());
}

TEST_F(Ipv6, OddLengthAndTooLongAreProblems) {  // RFC 8200 section 4.5
  give(Protocol::fragment, fragment(Protocol::udp, 0, true, 1, Bytes(datagram).first(17)));
  EXPECT_EQ(problem(), std::pair(u8{0}, 4U));
  give(Protocol::fragment, fragment(Protocol::udp, 65528, false, 2, counted(16)));
  EXPECT_EQ(problem(), std::pair(u8{0}, 42U));
}

TEST_F(Ipv6, FirstFragmentHoldsTheWholeChain) {  // RFC 7112
  give(Protocol::fragment, fragment(Protocol::destination_options, 0, true, 1, Octets{17, 1, 1, 4, 0, 0, 0, 0}));
  EXPECT_EQ(problem(), std::pair(u8{3}, 0U));
  give(Protocol::fragment, fragment(Protocol::destination_options, 0, true, 1, Octets{17, 0, 1, 4, 0, 0, 0, 0}));
  EXPECT_EQ(problem(), std::pair(u8{3}, 0U));
  EXPECT_EQ(peer.counters().fragments_too_short, 2U);
}

TEST_F(Ipv6, DiscoveryInFragmentsIsIgnored) {  // RFC 6980
  Octets memory(200);
  const auto written = ipv6::write(ipv6::NeighborSolicitation{our_ip, peer_mac, {}}, peer_ip, solicited_group, memory);
  const Octets one = fragment(Protocol::icmpv6, 0, false, 1, Bytes(memory).first(written->size));
  give(peer_ip, solicited_group, Protocol::fragment, one, 255);
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().discovery_malformed, 1U);
}

TEST_F(Ipv6, SenderIsToldWhenTheRestDoesNotCome) {
  give(Protocol::fragment, fragment(Protocol::udp, 0, true, 1, Bytes(datagram).first(16)));
  peer.wait(Duration::seconds(59));
  peer.sent();
  peer.wait(Duration::seconds(2));
  bool told = false;
  for (const Octets& frame : peer.sent()) {
    const Ipv6Out out = ipv6_in(frame);
    told |= out.payload[0] == 3 && out.payload[1] == 1 && out.header.destination == peer_ip;
  }
  // The peer may have been forgotten meanwhile; then its address is asked for first.
  if (!told) {
    introduce(peer_ip);
    for (const Octets& frame : peer.sent()) told |= ipv6_in(frame).payload[0] == 3;
  }
  EXPECT_TRUE(told);
}

TEST_F(Ipv6, RedirectsAreIgnored) {
  // A neighbour of ours claims to be the better way to where the configured router leads.
  const IpAddress far = ip("2001:db8:99::1");
  Octets body(32);
  store_address(body, 0, ip("fe80::66"));
  store_address(body, 16, far);
  give(ip("fe80::fe"), our_ip, Protocol::icmpv6, icmpv6(ip("fe80::fe"), our_ip, 137, 0, 0, body), 255);
  EXPECT_EQ(peer.counters().icmp_ignored, 1U);
  introduce(ip("fe80::fe"), router_mac);
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), {far, Port(9)}, counted(3)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv6_in(out[0]).link.destination, router_mac);
}

TEST_F(Ipv6, AConfiguredRouterGoesBeforeAnAdvertisedPrefix) {
  ipv6::RouterAdvertisement message;
  message.prefixes.add({block("2001:db8:99::/64"), true, false, 3600, 1800});
  Octets memory(200);
  const auto written = ipv6::write(message, ip("fe80::66"), ip("ff02::1"), memory);
  ASSERT_TRUE(written.has_value());
  give(ip("fe80::66"), ip("ff02::1"), Protocol::icmpv6, Bytes(memory).first(written->size), 255,
       MacAddress::multicast(ip("ff02::1")));
  introduce(ip("fe80::fe"), router_mac);
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8:99::1]:9"), counted(3)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv6_in(out[0]).link.destination, router_mac);
}

// ---- path MTU

TEST_F(Ipv6, TooBigIsBelievedOfADatagramWeSent) {  // RFC 8201
  EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1500);
  const Octets sent = udp(our_ip, 53, peer_ip, 9, counted(1400));
  const Octets quote = ipv6(our_ip, peer_ip, Protocol::udp, sent);
  const auto too_big = [&](u32 mtu) { give(Protocol::icmpv6, icmpv6(peer_ip, our_ip, 2, 0, mtu, Bytes(quote).first(1000))); };
  too_big(1400);
  EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1500);  // it is not ours
  EXPECT_EQ(peer.counters().icmp_not_ours, 1U);
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8::9]:9"), counted(1400)).ok());
  EXPECT_EQ(peer.sent().size(), 1U);
  too_big(1400);
  EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1400);
  too_big(1450);
  EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1400);
  too_big(600);
  EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1280);  // RFC 8021: no atomic fragments
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8::9]:9"), counted(1400)).ok());
  EXPECT_EQ(peer.sent().size(), 2U);
}

// RFC 4443 section 2.4 (c) lets an error quote less; without addresses and ports it is about nothing.
TEST_F(Ipv6, AnErrorThatQuotesTooLittleIsAboutNothingOfOurs) {
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8::9]:9"), counted(1400)).ok());
  EXPECT_EQ(peer.sent().size(), 1U);
  const Octets quote = ipv6(our_ip, peer_ip, Protocol::udp, udp(our_ip, 53, peer_ip, 9, counted(1400)));
  constexpr size_t least = Ipv6Header::size + 8;
  for (size_t size = 0; size < least; ++size) {
    give(Protocol::icmpv6, icmpv6(peer_ip, our_ip, 2, 0, 1400, Bytes(quote).first(size)));
    EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1500) << size;
  }
  EXPECT_EQ(peer.counters().icmp_not_ours, least);
  give(Protocol::icmpv6, icmpv6(peer_ip, our_ip, 2, 0, 1400, Bytes(quote).first(least)));
  EXPECT_EQ(peer.stack.path_mtu(peer_ip), 1400);
}

// RFC 4861 section 7.2.2: who is asked knows whom to answer.
TEST_F(Ipv6, ASolicitationSaysWhoAsks) {
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8::77]:9"), counted(10)).ok());
  const Ipv6Out asked = ipv6_in(peer.sent().at(0));
  EXPECT_EQ(asked.header.source, our_ip);
  EXPECT_EQ(asked.payload[0], 135);
  ASSERT_EQ(asked.payload.size(), 32U);
  EXPECT_EQ(asked.payload[24], 1);  // the source's link-layer address
  EXPECT_TRUE(equal_octets(Bytes(asked.payload).last(6), our_mac.octets));
}

// A packet that fits every IPv6 path was never too big (RFC 8200 section 5), whichever way it left.
TEST_F(Ipv6, TooBigIsNotBelievedOfADatagramThatFitsEveryPath) {
  const auto too_big_about = [&](size_t size) {
    const Octets quote = ipv6(our_ip, peer_ip, Protocol::udp, udp(our_ip, 53, peer_ip, 4711, counted(size)));
    give(Protocol::icmpv6, icmpv6(peer_ip, our_ip, 2, 0, 1'280, Bytes(quote).first(1'000)));
    return peer.stack.path_mtu(peer_ip) == 1'280;
  };
  const auto asked = give(Protocol::udp, datagram);
  ASSERT_TRUE(asked.has_value());
  const auto answer = [&](size_t size) {
    Octets memory(FrameSlot::headroom + 2'000);
    FrameSlot slot{memory};
    std::ranges::copy(counted(size), slot.payload_room().begin());
    slot.set_payload(size);
    EXPECT_TRUE(peer.stack.udp_finish(peer.now, *asked, slot));
  };
  constexpr size_t fits = 1'280 - Ipv6Header::size - UdpHeader::size;
  answer(fits);
  EXPECT_FALSE(too_big_about(fits));
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), asked->peer, counted(fits)).ok());
  EXPECT_EQ(peer.sent().size(), 1U);
  EXPECT_FALSE(too_big_about(fits));
  answer(fits + 1);
  EXPECT_TRUE(too_big_about(fits + 1));
}

// RFC 4443 section 2.4 (e.3): nobody is told of what was sent to many.
TEST_F(Ipv6, NobodyIsToldWhenTheRestOfAMulticastDoesNotCome) {
  const IpAddress all = ip("ff02::1");
  const Octets echo = icmpv6(peer_ip, all, 128, 0, 1, counted(32));
  for (const bool many : {true, false}) {
    give(peer_ip, many ? all : our_ip, Protocol::fragment, fragment(Protocol::icmpv6, 0, true, 9, Bytes(echo).first(16)), 64,
         many ? MacAddress::multicast(all) : our_mac);
    peer.wait(Duration::seconds(61));
    introduce(peer_ip);
    size_t told = 0;
    for (const Octets& frame : peer.sent()) told += load_be16(frame, 12) == 0x86dd && frame[20] == 58 && frame[54] == 3;
    EXPECT_EQ(told, many ? 0U : 1U);
  }
}

TEST_F(Ipv6, TheLastFragmentIsAsLongAsFits) {
  for (const size_t size : {2'892U, 2'893U}) {
    ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8::9]:9"), counted(size)).ok());
    EXPECT_EQ(peer.sent().size(), size == 2'892 ? 2U : 3U) << "1,448 octets, then up to 1,452";
  }
}

// ---- routers

TEST_F(Ipv6, RouterAdvertisementGivesAddressRouteAndMtu) {
  ipv6::RouterAdvertisement message;
  message.router_lifetime = 1800;
  message.source_link_layer = router_mac;
  message.mtu = 1400;
  message.prefixes.add({block("2001:db8:7::/64"), true, true, 3600, 1800});
  Octets memory(1000);
  const IpAddress router = ip("fe80::fe");
  const auto written = ipv6::write(message, router, ip("ff02::1"), memory);
  ASSERT_TRUE(written.has_value());
  StackConfig config = dual();
  config.routes.pop_back();
  WirePeer fresh(config);
  fresh.give(ethernet(EtherType::ipv6, ipv6(router, ip("ff02::1"), Protocol::icmpv6, Bytes(memory).first(written->size), 255),
                      MacAddress::multicast(ip("ff02::1")), router_mac));
  fresh.wait(Duration::seconds(3));
  fresh.sent();
  std::optional<IpAddress> made;
  for (const AssignedAddress& own : fresh.stack.addresses()) {
    if (own.origin != AssignedAddress::Origin::router_advertisement) continue;
    EXPECT_EQ(own.condition, AssignedAddress::Condition::preferred);
    EXPECT_TRUE(block("2001:db8:7::/64").contains(own.interface.address));
    made = own.interface.address;
  }
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(fresh.stack.path_mtu(ip("2001:db8:99::1")), 1400);
  EXPECT_EQ(fresh.stack.path_mtu(ip("198.51.100.1")), 1500);
  // RFC 6724 rule 8: from the address with the longer common prefix; by the router.
  ASSERT_TRUE(fresh.stack.udp_send(fresh.now, at("[::]:53"), at("[2001:db8:7:1::1]:9"), counted(3)).ok());
  const auto out = fresh.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(ipv6_in(out[0]).link.destination, router_mac);
  EXPECT_EQ(ipv6_in(out[0]).header.source, *made);
}

TEST(Ipv6Off, NothingIsSentOrHeard) {
  WirePeer peer(one_address(), false);
  peer.wait(Duration::seconds(10));
  for (const Octets& frame : peer.sent()) EXPECT_NE(load_be16(frame, 12), 0x86dd);
  EXPECT_EQ(peer.stack.addresses().size(), 1U);
}

TEST(Ipv6Mirrored, AddressesAreUsedAtOnceAndNothingIsAsked) {
  StackConfig config = dual();
  config.mirror_neighbors = true;
  WirePeer peer(config, false);
  EXPECT_EQ(peer.events().size(), 2U);
  ASSERT_TRUE(peer.stack.udp_open(at("[::]:53")).ok());
  const auto taken = peer.give(ethernet(
      EtherType::ipv6, ipv6(peer_ip, our_ip, Protocol::udp, udp(peer_ip, 4711, our_ip, 53, counted(3))), our_mac, router_mac));
  ASSERT_TRUE(taken.has_value());
  Octets memory(FrameSlot::headroom + 2000);
  FrameSlot slot{memory};
  slot.set_payload(50);
  ASSERT_TRUE(peer.stack.udp_finish(peer.now, *taken, slot));
  EXPECT_EQ(EthernetHeader::parse(slot.octets()).value().destination, router_mac);
  peer.wait(Duration::seconds(100));
  EXPECT_TRUE(peer.sent().empty());
}

}  // namespace
}  // namespace samara::net
