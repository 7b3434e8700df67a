// What the values of a router advertisement do to the whole host (docs/network.md has the table), and what a neighbour's does
// not.
#include "platform/net/ipv6/neighbor_discovery.h"
#include "platform/net/wire/ipv6.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

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
// From a router whose hardware address is the frame's, to all nodes.
void advertise(WirePeer& peer, const ipv6::RouterAdvertisement& message, Bytes more_options = {}) {
  const IpAddress router = ip("fe80::fe");
  Octets memory(1000);
  const auto written = ipv6::write(message, router, ip("ff02::1"), memory);
  ASSERT_TRUE(written.has_value());
  memory.resize(written->size);
  memory = joined(memory, more_options);
  store_be16(memory, 2, 0);
  ChecksumSum sum;
  sum.add_pseudo_header(router, ip("ff02::1"), 58, static_cast<u32>(memory.size()));
  sum.add(memory);
  store_be16(memory, 2, sum.finish());
  peer.give(ethernet(EtherType::ipv6, ipv6(router, ip("ff02::1"), Protocol::icmpv6, memory, 255),
                     MacAddress::multicast(ip("ff02::1")), router_mac));
  peer.wait(Duration::seconds(3));
}

TEST(Ipv6Advertisement, has_a_hop_limit_flags_and_unknown_options_that_change_nothing) {
  WirePeer peer(dual());
  ASSERT_TRUE(peer.stack.udp_open(at("[::]:53")).ok());
  peer.wait(Duration::seconds(3));
  peer.sent();
  const size_t addresses = peer.stack.addresses().size();
  ipv6::RouterAdvertisement message;
  message.hop_limit = 1;
  message.managed = true;
  message.other = true;
  message.source_link_layer = router_mac;
  advertise(peer, message, Octets{200, 1, 0, 0, 0, 0, 0, 0});
  for (const Octets& frame : peer.sent()) {
    if (load_be16(frame, 12) != 0x86dd) continue;
    EXPECT_NE(Ipv6Header::parse(Bytes(frame).subspan(14)).value().next_header, Protocol::udp) << "no DHCPv6";
  }
  EXPECT_EQ(peer.stack.addresses().size(), addresses);
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8:99::1]:9"), counted(3)).ok());
  const auto out = peer.sent();
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(Ipv6Header::parse(Bytes(out[0]).subspan(14)).value().hop_limit, 64);
}

TEST(Ipv6Advertisement, means_nothing_where_it_is_switched_off) {
  ipv6::RouterAdvertisement message;
  message.router_lifetime = 1800;
  message.source_link_layer = router_mac;
  message.mtu = 1400;
  message.prefixes.add({block("2001:db8:7::/64"), true, true, 3600, 1800});
  for (const bool taken : {true, false}) {
    StackConfig config = dual();
    config.routes.pop_back();
    config.router_advertisements = taken;
    WirePeer fresh(config);
    advertise(fresh, message);
    EXPECT_EQ(fresh.stack.path_mtu(ip("2001:db8:99::1")), taken ? 1400 : 1500);
    size_t made = 0;
    for (const AssignedAddress& own : fresh.stack.addresses())
      made += own.origin == AssignedAddress::Origin::router_advertisement;
    EXPECT_EQ(made, taken ? 1U : 0U);
  }
}

// Whoever speaks to us takes a place among the neighbours; the router keeps its own.
TEST(Ipv6Advertisement, makes_a_neighbour_that_no_number_of_others_pushes_out) {
  StackConfig config = dual();
  config.routes.pop_back();
  config.neighbors = 16;
  WirePeer peer(config);
  ipv6::RouterAdvertisement message;
  message.router_lifetime = 1800;
  message.source_link_layer = router_mac;
  advertise(peer, message);
  const IpAddress group = ip("ff02::1:ff00:1");
  for (u8 i = 1; i <= 40; ++i) {
    const IpAddress host = IpAddress::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, i});
    Octets memory(200);
    const auto written = ipv6::write(ipv6::NeighborSolicitation{our_ip, peer_mac, {}}, host, group, memory);
    ASSERT_TRUE(written.has_value());
    peer.give(ethernet(EtherType::ipv6, ipv6(host, group, Protocol::icmpv6, Bytes(memory).first(written->size), 255),
                       MacAddress::multicast(group)));
  }
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), at("[2001:db8:99::1]:9"), counted(3)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(EthernetHeader::parse(out[0]).value().destination, router_mac) << "it need not be asked for";
}

// RFC 4862 section 5.4.4: it is a conflict, and no answer to a question.
TEST(Ipv6Advertisement, of_our_own_address_gives_its_sender_none_of_our_packets) {
  WirePeer peer(dual());
  peer.wait(Duration::seconds(3));
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("[::]:53"), {our_ip, Port(9)}, counted(3)).ok());
  peer.sent();
  const IpAddress other = ip("2001:db8::9");
  Octets memory(200);
  const auto written = ipv6::write(ipv6::NeighborAdvertisement{our_ip, false, true, true, peer_mac}, other, our_ip, memory);
  ASSERT_TRUE(written.has_value());
  peer.give(ethernet(EtherType::ipv6, ipv6(other, our_ip, Protocol::icmpv6, Bytes(memory).first(written->size), 255), our_mac));
  for (const Octets& frame : peer.sent()) EXPECT_NE(EthernetHeader::parse(frame).value().destination, peer_mac);
  EXPECT_EQ(peer.counters().discovery_malformed, 0U);
}

}  // namespace
}  // namespace samara::net
