// What a host says of itself in IPv6 when its link is up again; ARP's and DHCP's part is in their own tests.
#include "platform/net/wire/ipv6.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

TEST(LinkUp, AddressesAreAnnouncedGroupsReportedAndRoutersAsked) {
  StackConfig config = one_address();
  config.ipv6 = true;
  config.addresses.push_back({ip("2001:db8::1"), 64});
  WirePeer peer(config);
  peer.wait(Duration::seconds(60));
  peer.sent();
  peer.events();
  peer.stack.on_link_up(peer.now);
  peer.wait(Duration::milliseconds(2'500));
  u32 advertisements = 0;
  u32 router_solicitations = 0;
  u32 reports = 0;
  for (const Octets& frame : peer.sent()) {
    if (load_be16(frame, 12) != 0x86dd) continue;
    const Bytes packet = Bytes(frame).subspan(EthernetHeader::size);
    const auto header = Ipv6Header::parse(packet);
    ASSERT_TRUE(header.ok());
    if (header.value().next_header == Protocol::hop_by_hop) ++reports;
    if (header.value().next_header != Protocol::icmpv6) continue;
    const Bytes message = packet.subspan(Ipv6Header::size);
    router_solicitations += message[0] == 133 ? 1 : 0;
    if (message[0] != 136) continue;
    ++advertisements;
    EXPECT_EQ(header.value().destination, ip("ff02::1"));
    EXPECT_EQ(message[4] & 0xe0, 0x20) << "overrides; nobody asked, and no router";
  }
  EXPECT_EQ(advertisements, 6U) << "three of each of two addresses (RFC 4861 section 7.2.6)";
  EXPECT_EQ(router_solicitations, 1U);
  EXPECT_EQ(reports, 2U);
  EXPECT_TRUE(peer.events().empty()) << "no address was ever gone";
}

}  // namespace
}  // namespace samara::net
