// Operators see counters: each frame moves those that are about it, and no others.
#include <sstream>
#include <string>

#include "platform/net/wire/ipv6.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

struct Named {
  const char* name;
  u64 StackCounters::* field;
};
const std::vector<Named> all_counters{{"frames_in", &StackCounters::frames_in},
                                      {"short_frames", &StackCounters::short_frames},
                                      {"length_frames", &StackCounters::length_frames},
                                      {"foreign_frames", &StackCounters::foreign_frames},
                                      {"unknown_types", &StackCounters::unknown_types},
                                      {"arp_in", &StackCounters::arp_in},
                                      {"arp_malformed", &StackCounters::arp_malformed},
                                      {"arp_out", &StackCounters::arp_out},
                                      {"arp_conflicts", &StackCounters::arp_conflicts},
                                      {"ipv4_in", &StackCounters::ipv4_in},
                                      {"ipv6_in", &StackCounters::ipv6_in},
                                      {"ip_truncated", &StackCounters::ip_truncated},
                                      {"ip_malformed", &StackCounters::ip_malformed},
                                      {"ip_bad_checksum", &StackCounters::ip_bad_checksum},
                                      {"ip_martian", &StackCounters::ip_martian},
                                      {"ip_not_ours", &StackCounters::ip_not_ours},
                                      {"ip_not_unicast", &StackCounters::ip_not_unicast},
                                      {"ip_bad_extension", &StackCounters::ip_bad_extension},
                                      {"unknown_protocols", &StackCounters::unknown_protocols},
                                      {"fragments_in", &StackCounters::fragments_in},
                                      {"reassembled", &StackCounters::reassembled},
                                      {"fragments_duplicate", &StackCounters::fragments_duplicate},
                                      {"fragments_overlapping", &StackCounters::fragments_overlapping},
                                      {"fragments_malformed", &StackCounters::fragments_malformed},
                                      {"fragments_too_long", &StackCounters::fragments_too_long},
                                      {"fragments_too_short", &StackCounters::fragments_too_short},
                                      {"fragments_no_room", &StackCounters::fragments_no_room},
                                      {"reassembly_evicted", &StackCounters::reassembly_evicted},
                                      {"reassembly_timed_out", &StackCounters::reassembly_timed_out},
                                      {"icmp_in", &StackCounters::icmp_in},
                                      {"icmp_malformed", &StackCounters::icmp_malformed},
                                      {"icmp_ignored", &StackCounters::icmp_ignored},
                                      {"icmp_not_ours", &StackCounters::icmp_not_ours},
                                      {"echo_answered", &StackCounters::echo_answered},
                                      {"discovery_malformed", &StackCounters::discovery_malformed},
                                      {"errors_in", &StackCounters::errors_in},
                                      {"errors_out", &StackCounters::errors_out},
                                      {"errors_limited", &StackCounters::errors_limited},
                                      {"udp_in", &StackCounters::udp_in},
                                      {"udp_out", &StackCounters::udp_out},
                                      {"udp_malformed", &StackCounters::udp_malformed},
                                      {"udp_bad_checksum", &StackCounters::udp_bad_checksum},
                                      {"udp_no_port", &StackCounters::udp_no_port},
                                      {"frames_out", &StackCounters::frames_out},
                                      {"fragments_out", &StackCounters::fragments_out},
                                      {"out_no_route", &StackCounters::out_no_route},
                                      {"out_no_neighbor", &StackCounters::out_no_neighbor},
                                      {"out_no_memory", &StackCounters::out_no_memory},
                                      {"out_too_long", &StackCounters::out_too_long}};

StackConfig dual() {
  StackConfig config = one_address();
  config.ipv6 = true;
  config.addresses.push_back({ip("2001:db8::1"), 64});
  return config;
}

struct Counted : testing::Test {
  WirePeer peer{dual()};
  StackCounters before;
  const IpAddress our_ip = ip("192.0.2.1");
  const IpAddress peer_ip = ip("192.0.2.9");
  Counted() {
    EXPECT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
    peer.introduce();
    peer.sent();
    before = peer.counters();
  }
  // Names the counters that have moved since the last time, by how much when that is not one; frames that wait are sent first.
  std::string moved() {
    peer.sent();
    std::ostringstream text;
    for (const Named& counter : all_counters) {
      const u64 by = peer.counters().*counter.field - before.*counter.field;
      if (by == 0) continue;
      text << (text.tellp() == 0 ? "" : " ") << counter.name;
      if (by != 1) text << "*" << by;
    }
    before = peer.counters();
    return text.str();
  }
  void give_ipv4(const V4& v, Bytes payload) { (void)peer.give_ipv4(v, payload); }
  void give_ipv6(Bytes payload, Protocol next, std::string_view to = "2001:db8::1", u8 hop_limit = 64) {
    Octets header(Ipv6Header::size);
    Ipv6Header{0, 0, static_cast<u16>(payload.size()), next, hop_limit, ip("2001:db8::9"), ip(to)}.write(header);
    peer.give(ethernet(EtherType::ipv6, joined(header, payload)));
  }
};

TEST_F(Counted, Datagrams) {
  const Octets question = udp(peer_ip, 4711, our_ip, 53, counted(4));
  give_ipv4({}, question);
  EXPECT_EQ(moved(), "frames_in ipv4_in udp_in");
  give_ipv4({}, udp(peer_ip, 4711, our_ip, 54, counted(4)));
  EXPECT_EQ(moved(), "frames_in ipv4_in errors_out udp_in udp_no_port frames_out");
  give_ipv4({}, udp(peer_ip, 0, our_ip, 53, counted(4)));
  EXPECT_EQ(moved(), "frames_in ipv4_in udp_in udp_malformed");
  Octets wrong = question;
  wrong.back() ^= 1;
  give_ipv4({}, wrong);
  EXPECT_EQ(moved(), "frames_in ipv4_in udp_in udp_bad_checksum");
  give_ipv4({.more = true}, Bytes(question).first(8));
  EXPECT_EQ(moved(), "frames_in ipv4_in fragments_in");
  give_ipv4({.offset = 8}, Bytes(question).subspan(8));
  EXPECT_EQ(moved(), "frames_in ipv4_in fragments_in reassembled udp_in");
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("192.0.2.9:9"), counted(100)).ok());
  EXPECT_EQ(moved(), "udp_out frames_out");
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("192.0.2.9:9"), counted(3'000)).ok());
  EXPECT_EQ(moved(), "udp_out frames_out*3 fragments_out*3");
  give_ipv6(udp(ip("2001:db8::9"), 4711, ip("2001:db8::1"), 53, counted(4)), Protocol::udp);
  EXPECT_EQ(moved(), "frames_in ipv6_in errors_out udp_in udp_no_port frames_out") << "it is open in IPv4 only";
}

TEST_F(Counted, AnswersThatGoOut) {
  const auto question = peer.give_ipv4({}, udp(peer_ip, 4711, our_ip, 53, counted(4)));
  ASSERT_TRUE(question.has_value());
  moved();
  Octets room(FrameSlot::headroom + 65'535);
  const auto answer = [&](size_t size) {
    FrameSlot slot{room};
    slot.set_payload(size);
    return peer.stack.udp_finish(peer.now, *question, slot);
  };
  EXPECT_TRUE(answer(100));
  EXPECT_EQ(moved(), "udp_out frames_out");
  EXPECT_FALSE(answer(2'000));
  EXPECT_EQ(moved(), "udp_out frames_out*2 fragments_out*2");
  EXPECT_FALSE(answer(65'508));
  EXPECT_EQ(moved(), "out_too_long");
}

TEST_F(Counted, EchoesAndErrors) {
  give_ipv4({.protocol = Protocol::icmp}, icmp(8, 0, 1, counted(4)));
  EXPECT_EQ(moved(), "frames_in ipv4_in icmp_in echo_answered frames_out");
  give_ipv4({.protocol = Protocol::icmp}, icmp(13, 0, 1, counted(4)));
  EXPECT_EQ(moved(), "frames_in ipv4_in icmp_in icmp_ignored");
  give_ipv4({.protocol = Protocol::icmp}, counted(8));
  EXPECT_EQ(moved(), "frames_in ipv4_in icmp_in icmp_malformed");
  const Octets ours = ipv4({.from = "192.0.2.1", .to = "192.0.2.9"}, udp(our_ip, 53, peer_ip, 9, counted(8)));
  give_ipv4({.protocol = Protocol::icmp}, icmp(3, 3, 0, ours));
  EXPECT_EQ(moved(), "frames_in ipv4_in icmp_in errors_in");
  const Octets foreign = ipv4({.from = "192.0.2.2", .to = "192.0.2.9"}, udp(our_ip, 53, peer_ip, 9, counted(8)));
  give_ipv4({.protocol = Protocol::icmp}, icmp(3, 3, 0, foreign));
  EXPECT_EQ(moved(), "frames_in ipv4_in icmp_in icmp_not_ours");
  give_ipv4({.protocol = Protocol{253}}, counted(4));
  EXPECT_EQ(moved(), "frames_in ipv4_in unknown_protocols errors_out frames_out");
  give_ipv6(counted(4), Protocol::none);
  EXPECT_EQ(moved(), "frames_in ipv6_in") << "nothing follows, and nothing is wrong";
  give_ipv6(counted(8), Protocol::icmpv6);
  EXPECT_EQ(moved(), "frames_in ipv6_in icmp_in icmp_malformed");
}

TEST_F(Counted, NeighborDiscovery) {
  Octets message(8);
  message[0] = 133;
  ChecksumSum sum;
  sum.add_pseudo_header(ip("2001:db8::9"), ip("2001:db8::1"), 58, static_cast<u32>(message.size()));
  sum.add(message);
  store_be16(message, 2, sum.finish());
  give_ipv6(message, Protocol::icmpv6, "2001:db8::1", 255);
  EXPECT_EQ(moved(), "frames_in ipv6_in icmp_in icmp_ignored") << "a solicitation for routers";
  give_ipv6(message, Protocol::icmpv6);
  EXPECT_EQ(moved(), "frames_in ipv6_in icmp_in discovery_malformed") << "from beyond the link";
}

TEST_F(Counted, FramesThatAreNotForUs) {
  peer.give(Octets(5));
  EXPECT_EQ(moved(), "frames_in short_frames");
  peer.give(ethernet(EtherType::ipv4, counted(20), peer_mac));
  EXPECT_EQ(moved(), "frames_in foreign_frames");
  peer.give(ethernet(EtherType{0x88cc}, counted(20)));
  EXPECT_EQ(moved(), "frames_in unknown_types");
  peer.give(ethernet(EtherType{100}, counted(100)));
  EXPECT_EQ(moved(), "frames_in length_frames");
  const Octets question = udp(peer_ip, 4711, our_ip, 53, counted(4));
  give_ipv4({.to = "192.0.2.2"}, question);
  EXPECT_EQ(moved(), "frames_in ipv4_in ip_not_ours");
  give_ipv4({.to = "192.0.2.255"}, question);
  EXPECT_EQ(moved(), "frames_in ipv4_in ip_not_unicast");
  give_ipv4({.from = "192.0.2.1"}, question);
  EXPECT_EQ(moved(), "frames_in ipv4_in ip_martian");
  Octets packet = ipv4({}, question);
  packet[10] ^= 1;
  peer.give(ethernet(EtherType::ipv4, packet));
  EXPECT_EQ(moved(), "frames_in ipv4_in ip_bad_checksum");
  packet[0] = 0x65;
  peer.give(ethernet(EtherType::ipv4, packet));
  EXPECT_EQ(moved(), "frames_in ipv4_in ip_malformed");
  peer.give(ethernet(EtherType::ipv4, Bytes(packet).first(19)));
  EXPECT_EQ(moved(), "frames_in ipv4_in ip_truncated");
  give_ipv6(counted(4), Protocol::udp, "2001:db8::7");
  EXPECT_EQ(moved(), "frames_in ipv6_in ip_not_ours");
}

TEST_F(Counted, AddressResolution) {
  peer.give(arp_frame(ArpMessage::Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast()));
  EXPECT_EQ(moved(), "frames_in arp_in arp_out frames_out");
  peer.give(arp_frame(ArpMessage::Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.7", MacAddress::broadcast()));
  EXPECT_EQ(moved(), "frames_in arp_in");
  peer.give(arp_frame(ArpMessage::Operation::request, peer_mac, "192.0.2.1", {}, "192.0.2.7", MacAddress::broadcast()));
  EXPECT_EQ(moved(), "frames_in arp_in arp_out arp_conflicts frames_out");
  peer.give(arp_frame(ArpMessage::Operation::request, our_mac, "192.0.2.9", {}, "192.0.2.1", MacAddress::broadcast()));
  EXPECT_EQ(moved(), "frames_in foreign_frames");
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("192.0.2.77:9"), counted(4)).ok());
  EXPECT_EQ(moved(), "arp_out udp_out frames_out");
  peer.wait(Duration::seconds(1));
  EXPECT_EQ(moved(), "arp_out frames_out");
  peer.wait(Duration::seconds(5));
  peer.sent();
  EXPECT_EQ(peer.counters().arp_out - before.arp_out, 1U) << "asked three times";
  EXPECT_EQ(peer.counters().out_no_neighbor - before.out_no_neighbor, 1U);
}

TEST(CountedWithoutRoute, WhatHasNowhereToGoIsDropped) {
  StackConfig config = one_address();
  config.routes.clear();
  WirePeer peer(config);
  ASSERT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
  const auto question = peer.give_ipv4({.from = "198.51.100.7"}, udp(ip("198.51.100.7"), 1, ip("192.0.2.1"), 53, counted(4)));
  ASSERT_TRUE(question.has_value());
  Octets room(FrameSlot::headroom + 2'000);
  FrameSlot slot{room};
  slot.set_payload(100);
  EXPECT_FALSE(peer.stack.udp_finish(peer.now, *question, slot));
  EXPECT_EQ(peer.counters().out_no_route, 1U);
  peer.give_ipv4({.from = "198.51.100.7", .protocol = Protocol::icmp}, icmp(8, 0, 1, counted(4)));
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().out_no_route, 2U);
  EXPECT_EQ(peer.stack.udp_send(peer.now, at("0.0.0.0:53"), at("198.51.100.7:9"), counted(4)).error(), UdpError::no_route);
}

}  // namespace
}  // namespace samara::net
