#include "wire_peer.h"

namespace samara::net {
namespace {

StackConfig by_dhcp() {
  StackConfig config;
  config.mac = our_mac;
  config.ipv6 = false;
  config.dhcp = true;
  return config;
}

struct Dhcp : testing::Test {
  WirePeer peer{by_dhcp(), false};
  u16 told_mtu = 1300;
  u8 told_mask = 0;  // last octet

  // The next DHCP message out, as its UDP datagram; others are ignored.
  std::optional<Ipv4Out> message() {
    for (const Octets& frame : peer.sent()) {
      if (load_be16(frame, 12) == 0x0800) return ipv4_in(frame);
    }
    return std::nullopt;
  }
  static u8 type_of(const Ipv4Out& out) { return out.payload.at(8 + 242); }
  void reply(u8 type, const Ipv4Out& to, const MacAddress& link = our_mac, std::string_view ip_to = "192.0.2.50") {
    Octets m(240);
    m[0] = 2;
    m[1] = 1;
    m[2] = 6;
    std::copy_n(to.payload.begin() + 8 + 4, 4, m.begin() + 4);
    store_address(m, 16, ip("192.0.2.50"));
    store_mac(m, 28, our_mac);
    store_be32(m, 236, 0x63825363);
    const Octets options = {53, 1,   type, 54,  4,         192, 0, 2,   254, 51, 4,   0,  0, 0x0e, 0x10, 1,
                            4,  255, 255,  255, told_mask, 3,   4, 192, 0,   2,  254, 26, 2, 0,    0,    255};
    m = joined(m, options);
    store_be16(m, m.size() - 3, told_mtu);
    const IpAddress from = ip("192.0.2.254");
    peer.give(ethernet(EtherType::ipv4, ipv4({.from = "192.0.2.254", .to = ip_to}, udp(from, 67, ip(ip_to), 68, m)), link,
                       router_mac));
  }
  void bind() {
    peer.wait(Duration::milliseconds(300));
    const auto discover = message();
    ASSERT_TRUE(discover.has_value());
    EXPECT_EQ(discover->link.destination, MacAddress::broadcast());
    EXPECT_EQ(discover->header.destination, ip("255.255.255.255"));
    EXPECT_TRUE(udp_checksum_good(*discover));
    EXPECT_EQ(type_of(*discover), 1);
    reply(2, *discover);
    const auto request = message();
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(type_of(*request), 3);
    reply(5, *request, MacAddress::broadcast(), "255.255.255.255");
  }
};

TEST_F(Dhcp, AddressIsProbedAnnouncedAndUsed) {
  bind();
  ASSERT_EQ(peer.stack.addresses().size(), 1U);
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::tentative);
  peer.wait(Duration::seconds(1));
  u32 probes = 0;
  u32 announcements = 0;
  for (const Octets& frame : peer.sent()) ++(arp_in(frame).sender.is_unspecified() ? probes : announcements);
  EXPECT_EQ(probes, 2U);
  EXPECT_EQ(announcements, 1U);
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::preferred);
  EXPECT_EQ(peer.stack.addresses()[0].origin, AssignedAddress::Origin::dhcp);
  const auto events = peer.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, StackEvent::Kind::address_up);
  EXPECT_EQ(events[0].address, ip("192.0.2.50"));
  EXPECT_EQ(peer.stack.path_mtu(ip("198.51.100.1")), 1300);
  // The route is there.
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("198.51.100.7:10"), counted(1)).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(arp_in(out[0]).target, ip("192.0.2.254"));
}

TEST_F(Dhcp, AnMtuBelowTheLeastTurnsDontFragmentOff) {
  told_mtu = 560;
  bind();
  peer.wait(Duration::seconds(3));
  peer.sent();
  EXPECT_EQ(peer.stack.path_mtu(ip("192.0.2.9")), min_ipv4_mtu);
  peer.give(arp_frame(ArpMessage::Operation::request, peer_mac, "192.0.2.9", {}, "192.0.2.50", MacAddress::broadcast()));
  peer.sent();
  ASSERT_TRUE(peer.stack.tcp().connect(peer.now, {ip("192.0.2.50"), Port(4000)}, at("192.0.2.9:53"), 0).ok());
  const auto out = peer.sent();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ipv4_in(out[0]).header.protocol, Protocol::tcp);
  EXPECT_FALSE(ipv4_in(out[0]).header.dont_fragment);
}

TEST_F(Dhcp, AnMtuAboveTheLinksIsNotBelieved) {
  told_mtu = 9000;
  bind();
  peer.wait(Duration::seconds(3));
  EXPECT_EQ(peer.stack.path_mtu(ip("192.0.2.9")), 1500);
}

TEST_F(Dhcp, AddressThatAnotherHasIsDeclined) {
  bind();
  peer.wait(Duration::milliseconds(200));
  peer.sent();
  peer.give(arp_frame(ArpMessage::Operation::reply, peer_mac, "192.0.2.50", our_mac, "0.0.0.0", our_mac));
  const auto decline = message();
  ASSERT_TRUE(decline.has_value());
  EXPECT_EQ(type_of(*decline), 4);
  EXPECT_TRUE(peer.stack.addresses().empty());
  const auto events = peer.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, StackEvent::Kind::address_duplicate);
  peer.wait(Duration::seconds(11));
  EXPECT_EQ(type_of(message().value()), 1);
}

TEST_F(Dhcp, ARenewalMayChangeTheSizeOfTheSubnet) {
  const auto whom_asked = [this] {
    EXPECT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.200:10"), counted(1)).ok());
    const auto out = peer.sent();
    return out.empty() ? IpAddress() : arp_in(out.back()).target;
  };
  told_mask = 128;
  bind();
  peer.wait(Duration::seconds(1));
  peer.sent();
  ASSERT_EQ(peer.stack.addresses()[0].interface.prefix_length, 25);
  EXPECT_EQ(whom_asked(), ip("192.0.2.254"));
  peer.stack.on_link_up(peer.now);
  peer.wait(Duration::seconds(1));
  const auto request = message();
  ASSERT_TRUE(request.has_value());
  told_mask = 0;
  reply(5, *request, MacAddress::broadcast(), "255.255.255.255");
  ASSERT_EQ(peer.stack.addresses().size(), 1U);
  EXPECT_EQ(peer.stack.addresses()[0].interface.prefix_length, 24);
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::preferred);
  EXPECT_EQ(whom_asked(), ip("192.0.2.200")) << "now it is on the link";
}

TEST_F(Dhcp, AddressIsGoneWhenTheLeaseEnds) {
  bind();
  peer.wait(Duration::seconds(1));
  peer.events();
  for (int i = 0; i < 3700; ++i) {
    peer.wait(Duration::seconds(1));
    peer.sent();
  }
  EXPECT_TRUE(peer.stack.addresses().empty());
  bool down = false;
  for (const StackEvent& event : peer.events()) down |= event.kind == StackEvent::Kind::address_down;
  EXPECT_TRUE(down);
}

TEST_F(Dhcp, LeaseIsConfirmedAndAnnouncedWhenTheLinkIsUpAgain) {
  bind();
  peer.wait(Duration::seconds(30));
  peer.sent();
  peer.events();
  peer.stack.on_link_up(peer.now);
  peer.wait(Duration::seconds(1));
  std::optional<Ipv4Out> request;
  u32 announcements = 0;
  for (const Octets& frame : peer.sent()) {
    if (load_be16(frame, 12) == 0x0800) request = ipv4_in(frame);
    if (load_be16(frame, 12) == 0x0806) announcements += arp_in(frame).sender == ip("192.0.2.50") ? 1 : 0;
  }
  EXPECT_EQ(announcements, 1U);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(type_of(*request), 3);
  EXPECT_EQ(request->header.destination, ip("255.255.255.255"));
  reply(5, *request, MacAddress::broadcast(), "255.255.255.255");
  peer.wait(Duration::seconds(20));
  EXPECT_TRUE(peer.events().empty()) << "the address stays";
  EXPECT_EQ(peer.stack.addresses()[0].condition, AssignedAddress::Condition::preferred);
}

TEST_F(Dhcp, AnAddressThatIsWrongOnTheLinkIsGivenUpWhenTheServerSaysSo) {
  bind();
  peer.wait(Duration::seconds(30));
  peer.sent();
  peer.events();
  peer.stack.on_link_up(peer.now);
  peer.wait(Duration::seconds(1));
  const auto request = message();
  ASSERT_TRUE(request.has_value());
  reply(6, *request, MacAddress::broadcast(), "255.255.255.255");
  EXPECT_TRUE(peer.stack.addresses().empty());
  const auto events = peer.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, StackEvent::Kind::address_down);
}

TEST_F(Dhcp, ReleaseIsSentBeforeTheEnd) {
  bind();
  peer.wait(Duration::seconds(1));
  peer.give(arp_frame(ArpMessage::Operation::request, router_mac, "192.0.2.254", {}, "192.0.2.50", MacAddress::broadcast()));
  peer.sent();
  peer.stack.release_lease(peer.now);
  const auto release = message();
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(type_of(*release), 7);
  EXPECT_EQ(release->header.source, ip("192.0.2.50"));
  EXPECT_EQ(release->link.destination, router_mac);
  EXPECT_TRUE(peer.stack.addresses().empty());
}

TEST_F(Dhcp, ReleaseGoesWhereTheLeaseCameFromWhenNothingElseIsKnownOfTheServer) {
  bind();
  peer.wait(Duration::seconds(1));
  peer.sent();
  peer.stack.release_lease(peer.now);
  const auto release = message();
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(type_of(*release), 7);
  EXPECT_EQ(release->header.destination, ip("192.0.2.254"));
  EXPECT_EQ(release->link.destination, router_mac);
}

// ARP's answer decides, once there is one.
TEST_F(Dhcp, ReleaseGoesWhereTheLeaseCameFromWhenTheServerIsOnlyAskedFor) {
  bind();
  peer.wait(Duration::seconds(1));
  peer.sent();
  ASSERT_TRUE(peer.stack.udp_send(peer.now, at("0.0.0.0:9"), at("192.0.2.254:10"), counted(1)).ok());
  EXPECT_EQ(peer.sent().size(), 1U);
  peer.stack.release_lease(peer.now);
  const auto release = message();
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(release->link.destination, router_mac);
}
TEST_F(Dhcp, ReleaseGoesToTheServersOwnAddressWhenThatIsKnown) {
  bind();
  peer.wait(Duration::seconds(1));
  peer.give(arp_frame(ArpMessage::Operation::request, peer_mac, "192.0.2.254", {}, "192.0.2.50", MacAddress::broadcast()));
  peer.sent();
  peer.stack.release_lease(peer.now);
  const auto release = message();
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(release->link.destination, peer_mac);
}

TEST_F(Dhcp, SilenceIsTold) {
  peer.wait(Duration::seconds(60));
  peer.sent();
  const auto events = peer.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, StackEvent::Kind::dhcp_failed);
}

}  // namespace
}  // namespace samara::net
