#include "platform/net/ipv6/neighbor_discovery.h"
#include "platform/net/wire/ipv6.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

using Operation = ArpMessage::Operation;

TEST(Arp, AddressIsAnnouncedAtTheStartAndOnceMore) {
  WirePeer peer(one_address(), false);
  const auto first = peer.sent();
  ASSERT_EQ(first.size(), 1U);
  // RFC 5227 section 2.3: a request with our address as sender and as target.
  EXPECT_EQ(arp_in(first[0]), (ArpMessage{Operation::request, our_mac, ip("192.0.2.1"), {}, ip("192.0.2.1")}));
  EXPECT_EQ(EthernetHeader::parse(first[0]).value().destination, MacAddress::broadcast());
  peer.wait(Duration::seconds(3));
  EXPECT_EQ(peer.sent().size(), 1U);
  peer.wait(Duration::seconds(60));
  EXPECT_TRUE(peer.sent().empty());
  ASSERT_EQ(peer.stack.addresses().size(), 1U);
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::preferred);
}

TEST(Arp, AddressIsAnnouncedAgainWhenTheLinkIsUpAgain) {
  WirePeer peer;
  peer.wait(Duration::seconds(30));
  peer.sent();
  peer.events();
  peer.stack.on_link_up(peer.now);
  const auto first = peer.sent();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(arp_in(first[0]), (ArpMessage{Operation::request, our_mac, ip("192.0.2.1"), {}, ip("192.0.2.1")}));
  peer.wait(Duration::seconds(60));
  EXPECT_EQ(peer.sent().size(), 1U) << "ANNOUNCE_NUM of RFC 5227 section 1.1";
  EXPECT_TRUE(peer.events().empty()) << "the address was never gone";
}

TEST(Arp, AddressThatIsBeingProbedIsProbedAnewWhenTheLinkComesUp) {
  StackConfig config = one_address();
  config.probe_addresses = true;
  WirePeer peer(config, false);
  peer.wait(Duration::seconds(3));
  peer.sent();
  peer.stack.on_link_up(peer.now);
  peer.wait(Duration::milliseconds(4'500));
  u32 probes = 0;
  for (const Octets& frame : peer.sent()) probes += arp_in(frame).sender.is_unspecified() ? 1 : 0;
  EXPECT_GE(probes, 2U);
  EXPECT_TRUE(peer.events().empty()) << "not ours yet: the first probes were not heard";
  peer.wait(Duration::seconds(4));
  EXPECT_EQ(peer.events().size(), 1U);
}

TEST(Arp, QuestionForOurAddressIsAnswered) {
  WirePeer peer;
  peer.give(arp_frame(Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast()));
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(arp_in(out[0]), (ArpMessage{Operation::reply, our_mac, ip("192.0.2.1"), peer_mac, ip("192.0.2.9")}));
  EXPECT_EQ(EthernetHeader::parse(out[0]).value().destination, peer_mac);
}

TEST(Arp, ProbeForOurAddressIsAnswered) {
  WirePeer peer;
  peer.give(arp_frame(Operation::request, peer_mac, "0.0.0.0", {}, "192.0.2.1", MacAddress::broadcast()));
  ASSERT_EQ(peer.sent().size(), 1U);
}

TEST(Arp, QuestionForAnotherAddressIsNotAnswered) {
  WirePeer peer;
  peer.give(arp_frame(Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.2", MacAddress::broadcast()));
  EXPECT_TRUE(peer.sent().empty());
}

TEST(Arp, QuestionFromASenderThatNoHostCanBeIsNotAnswered) {
  WirePeer peer;
  for (const char* sender : {"255.255.255.255", "192.0.2.255", "224.0.0.1", "127.0.0.1"}) {
    peer.give(arp_frame(Operation::request, peer_mac, sender, {}, "192.0.2.1", MacAddress::broadcast()));
    EXPECT_TRUE(peer.sent().empty()) << sender;
  }
}

TEST(Arp, WrongHardwareProtocolLengthsAndOperationAreDropped) {
  WirePeer peer;
  const Octets good = arp_frame(Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast());
  for (size_t at = 14; at < 22; ++at) {
    Octets bad = good;
    bad[at] ^= 0x40;
    peer.give(bad);
  }
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().arp_malformed, 8U);
}

TEST(Arp, EveryTruncatedMessageIsDropped) {
  WirePeer peer;
  const Octets good = arp_frame(Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast());
  for (size_t size = 0; size < good.size(); ++size) peer.give(Octets(good.begin(), good.begin() + static_cast<long>(size)));
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().arp_malformed, 28U);
  EXPECT_EQ(peer.counters().short_frames, 14U);
}

TEST(Arp, ConflictIsDefendedOnceInTenSecondsAndTold) {
  WirePeer peer;
  peer.wait(Duration::seconds(30));
  peer.sent();
  peer.events();
  const Octets claim = arp_frame(Operation::request, peer_mac, "192.0.2.1", {}, "192.0.2.1", MacAddress::broadcast());
  peer.give(claim);
  const auto defence = peer.sent();
  ASSERT_EQ(defence.size(), 1U);
  EXPECT_EQ(arp_in(defence[0]).sender, ip("192.0.2.1"));
  ASSERT_EQ(peer.events().size(), 1U);
  peer.give(claim);
  EXPECT_TRUE(peer.sent().empty());  // RFC 5227 section 2.4 (c): DEFEND_INTERVAL
  peer.wait(Duration::seconds(10));
  peer.give(claim);
  EXPECT_EQ(peer.sent().size(), 1U);
  // It is held: we still answer.
  peer.introduce();
}

// 0.9 s before the ten are over nothing is defended; the second state of the same rule.
TEST(Arp, ConflictIsNotDefendedAgainBeforeTenSecondsAreOver) {
  WirePeer peer;
  peer.wait(Duration::seconds(30));
  peer.sent();
  const Octets claim = arp_frame(Operation::request, peer_mac, "192.0.2.1", {}, "192.0.2.1", MacAddress::broadcast());
  for (int round = 0; round < 3; ++round) {
    peer.give(claim);
    EXPECT_EQ(peer.sent().size(), 1U);
    peer.wait(Duration::milliseconds(9'999));
    peer.give(claim);
    EXPECT_TRUE(peer.sent().empty());
    peer.wait(Duration::milliseconds(1));
  }
}

TEST(Arp, AReplyThatNobodyAskedForIsDoubted) {
  WirePeer peer;
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:9")).ok());
  peer.introduce();
  const MacAddress liar{{2, 0, 0, 0, 0, 0x66}};
  peer.give(arp_frame(Operation::reply, liar, "192.0.2.9", our_mac, "192.0.2.1", our_mac));
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.9:10"), counted(1)).ok());
  EXPECT_EQ(peer.sent().size(), 1U);
  // The liar is asked after five seconds, does not answer, and is forgotten after eight.
  peer.wait(Duration::seconds(8));
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.9:10"), counted(1)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(arp_in(out[0]).operation, Operation::request);
}

// A router's word about IPv6 (RFC 4861 section 6.3.4) is none about ARP.
TEST(Arp, IsRepeatedAfterASecondWhateverARouterSays) {
  StackConfig config = one_address();
  config.ipv6 = true;
  WirePeer peer(config);
  ipv6::RouterAdvertisement message;
  message.retransmit_timer = 60'000;
  Octets memory(200);
  const IpAddress router = ip("fe80::fe");
  const IpAddress all = ip("ff02::1");
  const auto written = ipv6::write(message, router, all, memory);
  ASSERT_TRUE(written.has_value());
  Octets header(Ipv6Header::size);
  Ipv6Header{0, 0, static_cast<u16>(written->size), Protocol::icmpv6, 255, router, all}.write(header);
  peer.give(
      ethernet(EtherType::ipv6, joined(header, Bytes(memory).first(written->size)), MacAddress::multicast(all), router_mac));
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.9:10"), counted(1)).ok());
  const auto asked = [&] {
    return std::ranges::count_if(peer.sent(), [](const Octets& frame) { return load_be16(frame, 12) == 0x0806; });
  };
  EXPECT_EQ(asked(), 1);
  peer.wait(Duration::milliseconds(999));
  EXPECT_EQ(asked(), 0);
  peer.wait(Duration::milliseconds(1));
  EXPECT_EQ(asked(), 1);
}

StackConfig probing() {
  StackConfig config = one_address();
  config.probe_addresses = true;
  return config;
}

TEST(Arp, ProbedAddressIsUsedAfterThreeProbesAndSilence) {
  WirePeer peer(probing(), false);
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::tentative);
  u32 probes = 0;
  u32 announcements = 0;
  const Instant start = peer.now;
  Instant usable_at = Instant::never();
  for (int i = 0; i < 150; ++i) {
    peer.wait(Duration::milliseconds(100));
    for (const Octets& frame : peer.sent()) {
      const ArpMessage message = arp_in(frame);
      EXPECT_EQ(message.target, ip("192.0.2.1"));
      ++(message.sender.is_unspecified() ? probes : announcements);
    }
    if (peer.stack.addresses()[0].condition == AssignedAddress::Condition::preferred) usable_at = std::min(usable_at, peer.now);
  }
  EXPECT_EQ(probes, 3U);
  EXPECT_EQ(announcements, 2U);
  EXPECT_GE(usable_at - start, Duration::seconds(4));
  EXPECT_LE(usable_at - start, Duration::seconds(8));
}

TEST(Arp, AddressFoundInUseWhileProbedIsNotUsedAndTriedAgainLater) {
  for (const char* sender : {"192.0.2.1", "0.0.0.0"}) {
    WirePeer peer(probing(), false);
    peer.wait(Duration::milliseconds(1500));
    peer.sent();
    peer.give(arp_frame(Operation::request, peer_mac, sender, {}, "192.0.2.1", MacAddress::broadcast()));
    EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::duplicate) << sender;
    const auto events = peer.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, StackEvent::Kind::address_duplicate);
    peer.give(arp_frame(Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast()));
    peer.wait(Duration::seconds(50));
    EXPECT_TRUE(peer.sent().empty());
    peer.wait(Duration::seconds(30));
    EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::preferred);
  }
}

TEST(Arp, AnAddressThatWasLostIsProbedAnewAndMayBeLostAgain) {
  using Condition = AssignedAddress::Condition;
  WirePeer peer(probing(), false);
  const auto condition = [&] { return peer.stack.addresses()[0].condition; };
  const Octets claim = arp_frame(Operation::reply, peer_mac, "192.0.2.1", our_mac, "192.0.2.9", MacAddress::broadcast());
  for (int round = 0; round < 3; ++round) {
    peer.wait(Duration::milliseconds(1'500));
    EXPECT_EQ(condition(), Condition::tentative) << "nobody has it any more, and it is not ours yet";
    EXPECT_FALSE(peer.sent().empty());
    peer.give(claim);
    EXPECT_EQ(condition(), Condition::duplicate);
    ASSERT_EQ(peer.events().size(), 1U);
    EXPECT_EQ(peer.counters().arp_conflicts, static_cast<u64>(round) + 1);
    peer.wait(Duration::milliseconds(59'999));
    EXPECT_EQ(condition(), Condition::duplicate);
    EXPECT_TRUE(peer.sent().empty());
  }
  peer.wait(Duration::seconds(8));
  EXPECT_EQ(condition(), Condition::preferred);
}

TEST(Arp, ALostAddressIsTriedAtOnceWhenTheLinkComesUpAgain) {
  WirePeer peer(probing(), false);
  peer.wait(Duration::milliseconds(1'500));
  peer.give(arp_frame(Operation::reply, peer_mac, "192.0.2.1", our_mac, "192.0.2.9", MacAddress::broadcast()));
  ASSERT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::duplicate);
  peer.wait(Duration::seconds(5));
  peer.sent();
  peer.stack.on_link_up(peer.now);
  peer.wait(Duration::seconds(2));
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::tentative);
  EXPECT_FALSE(peer.sent().empty()) << "it is another network, perhaps";
}

// Somebody who writes our hardware address into the message, though the frame is from elsewhere, would have us talk to
// ourselves.
TEST(Arp, NobodyElseHasOurHardwareAddress) {
  WirePeer peer;
  for (const Operation operation : {Operation::request, Operation::reply}) {
    Octets frame = arp_frame(operation, our_mac, "192.0.2.9", our_mac, "192.0.2.1", our_mac);
    store_mac(frame, 6, peer_mac);
    peer.give(frame);
    EXPECT_TRUE(peer.sent().empty());
  }
  EXPECT_EQ(peer.counters().arp_malformed, 2U);
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("192.0.2.9:9"), counted(1)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(arp_in(out[0]).target, ip("192.0.2.9"));
}

}  // namespace
}  // namespace samara::net
