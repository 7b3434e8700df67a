// What a host says of itself in IPv6 when its link is up again; ARP's and DHCP's part is in their own tests.
#include "platform/net/wire/ipv6.h"
#include "wire_peer.h"

namespace samara::net {
namespace {

// RFC 3810 section 8.2.1: a router of MLDv1 is spoken to in its language for as long as it may be there.
TEST(Listener, ARouterOfTheOldVersionIsForgottenWhenItIsSilent) {
  StackConfig config = one_address();
  config.ipv6 = true;
  WirePeer peer(config);
  peer.wait(Duration::seconds(60));
  peer.sent();
  const IpAddress router = ip("fe80::fe");
  const IpAddress all = ip("ff02::1");
  const auto answers_to_query = [&](size_t size) {
    Octets query(size);
    query[0] = 130;
    ChecksumSum sum;
    sum.add_pseudo_header(router, all, 58, static_cast<u32>(size));
    sum.add(query);
    store_be16(query, 2, sum.finish());
    const Octets payload = joined(Octets{58, 0, 5, 2, 0, 0, 1, 0}, query);
    Octets header(Ipv6Header::size);
    Ipv6Header{0, 0, static_cast<u16>(payload.size()), Protocol::hop_by_hop, 1, router, all}.write(header);
    peer.give(ethernet(EtherType::ipv6, joined(header, payload), MacAddress::multicast(all), router_mac));
    peer.wait(Duration::seconds(2));
    std::vector<u8> types;
    for (const Octets& frame : peer.sent()) {
      if (load_be16(frame, 12) == 0x86dd && frame[20] == 0) types.push_back(frame[62]);
    }
    return types;
  };
  constexpr size_t version_1 = 24, version_2 = 28;
  constexpr u8 report_1 = 131, report_2 = 143;
  EXPECT_EQ(answers_to_query(version_2), std::vector<u8>{report_2});
  EXPECT_EQ(answers_to_query(version_1), std::vector<u8>{report_1});
  peer.wait(Duration::seconds(250));
  EXPECT_EQ(answers_to_query(version_2), std::vector<u8>{report_1}) << "two intervals of 125 s and 10 s are not over";
  peer.wait(Duration::seconds(10));
  EXPECT_EQ(answers_to_query(version_2), std::vector<u8>{report_2});
}

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
