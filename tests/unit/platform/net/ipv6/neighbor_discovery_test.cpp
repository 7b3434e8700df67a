#include "platform/net/ipv6/neighbor_discovery.h"

#include <gtest/gtest.h>

#include "packet.h"

namespace samara::net::ipv6 {
namespace {

using test::address;
using test::Packet;
using test::prefix;

constexpr MacAddress mac = {{2, 0, 0, 0, 0, 9}};
const IpAddress router = address("fe80::1");
const IpAddress host = address("fe80::2");

template <class Message>
Packet make(const Message& message, const IpAddress& source, const IpAddress& destination) {
  std::vector<u8> out(3000);
  const auto written = write(message, source, destination, out);
  EXPECT_TRUE(written.has_value());
  return Packet(*written, out);
}
template <class Message>
Message parsed_as(Packet packet) {
  const auto parsed = parse_neighbor_discovery(packet.view());
  EXPECT_TRUE(parsed.ok()) << static_cast<int>(parsed.ok() ? MessageError::truncated : parsed.error());
  if (!parsed.ok() || !std::holds_alternative<Message>(parsed.value())) return {};
  return std::get<Message>(parsed.value());
}
std::optional<MessageError> error_of(Packet packet) {
  const auto parsed = parse_neighbor_discovery(packet.view());
  if (parsed.ok()) return std::nullopt;
  return parsed.error();
}

RouterAdvertisement full_advertisement() {
  RouterAdvertisement message;
  message.hop_limit = 64;
  message.managed = true;
  message.other = true;
  message.preference = RouterPreference::high;
  message.router_lifetime = 1800;
  message.reachable_time = 30000;
  message.retransmit_timer = 1000;
  message.source_link_layer = mac;
  message.mtu = 1400;
  message.prefixes.add({prefix("2001:db8:1::/64"), true, true, 86400, 14400});
  message.prefixes.add({prefix("2001:db8:2::/48"), true, false, infinite_lifetime, infinite_lifetime});
  message.routes.add({prefix("::/0"), RouterPreference::low, 600});
  message.routes.add({prefix("2001:db8:3::/48"), RouterPreference::medium, 0});
  message.routes.add({prefix("2001:db8:4::1/128"), RouterPreference::high, infinite_lifetime});
  return message;
}
Packet solicitation() {
  return make(NeighborSolicitation{address("2001:db8::5"), mac, {}}, host, solicited_node_group(address("2001:db8::5")));
}
Packet detection() {
  return make(NeighborSolicitation{address("2001:db8::5"), {}, Nonce{1, 2, 3, 4, 5, 6}}, unspecified,
              solicited_node_group(address("2001:db8::5")));
}
Packet advertisement() {
  return make(NeighborAdvertisement{address("2001:db8::5"), false, true, true, mac}, router, host);
}
std::vector<Packet> one_of_each() {
  return {make(RouterSolicitation{mac}, host, all_routers), make(full_advertisement(), router, all_nodes), solicitation(),
          advertisement()};
}

TEST(NeighborDiscovery, RouterSolicitationAsOnTheWire) {
  // RFC 4861 section 4.1: type 133, code 0, checksum, reserved, then source link-layer address (type 1, length 1).
  Packet packet = make(RouterSolicitation{mac}, host, all_routers);
  const std::vector<u8> expected = {133, 0, packet.message()[2], packet.message()[3], 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9};
  EXPECT_EQ(packet.message(), expected);
  EXPECT_EQ(packet.view().hop_limit, 255);
}

TEST(NeighborDiscovery, RouterAdvertisementAsOnTheWire) {
  // RFC 4861 sections 4.2, 4.6.2, 4.6.4; RFC 4191 section 2.3.
  std::vector<u8> octets = {134, 0, 0, 0, 64, 0xc8, 7, 8, 0, 0, 0x75, 0x30, 0, 0, 3, 0xe8};
  const std::vector<u8> options = {
      1,    1, 2,   0,    0, 0, 0,    9,                                                              // source link-layer
      25,   3, 0,   0,    0, 0, 0,    9,    9,    9, 9,    9,    9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,  // RDNSS: skipped
      5,    1, 0,   0,    0, 0, 5,    0x78,                                                           // MTU 1400
      3,    4, 64,  0xc0, 0, 1, 0x51, 0x80, 0,    0, 0x38, 0x40, 0, 0, 0, 0,                          // prefix …
      0x20, 1, 0xd, 0xb8, 0, 1, 0,    0,    0xff, 0, 0,    0,    0, 0, 0, 1,                          // … host bits ignored
      24,   1, 0,   0x18, 0, 0, 2,    0x58,                                                           // route ::/0, low
      24,   2, 48,  0,    0, 0, 0,    0,    0x20, 1, 0xd,  0xb8, 0, 3, 0, 0};
  octets.insert(octets.end(), options.begin(), options.end());
  RouterAdvertisement expected = full_advertisement();
  expected.prefixes.remove_at(1);
  expected.routes.remove_at(2);
  EXPECT_EQ(parsed_as<RouterAdvertisement>(Packet(router, all_nodes, 255, octets)), expected);
}

TEST(NeighborDiscovery, WrittenMessagesReadTheSame) {
  const auto full = full_advertisement();
  EXPECT_EQ(parsed_as<RouterAdvertisement>(make(full, router, all_nodes)), full);
  EXPECT_EQ(parsed_as<RouterAdvertisement>(make(RouterAdvertisement{}, router, all_nodes)), RouterAdvertisement{});
  for (const auto& link_layer : {std::optional<MacAddress>(mac), std::optional<MacAddress>()}) {
    const RouterSolicitation rs{link_layer};
    EXPECT_EQ(parsed_as<RouterSolicitation>(make(rs, host, all_routers)), rs);
    const NeighborSolicitation ns{address("2001:db8::5"), link_layer, Nonce{6, 5, 4, 3, 2, 1}};
    EXPECT_EQ(parsed_as<NeighborSolicitation>(make(ns, host, address("2001:db8::5"))), ns);
    for (int flags = 0; flags < 8; ++flags) {
      const NeighborAdvertisement na{address("fe80::5"), (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, link_layer};
      EXPECT_EQ(parsed_as<NeighborAdvertisement>(make(na, router, host)), na);
    }
  }
}

TEST(NeighborDiscovery, HopLimitMustBe255InAllFour) {
  for (Packet packet : one_of_each()) {
    EXPECT_EQ(error_of(packet), std::nullopt);
    EXPECT_EQ(error_of(packet.hop_limit(254)), MessageError::bad_hop_limit);
    EXPECT_EQ(error_of(packet.hop_limit(0)), MessageError::bad_hop_limit);
  }
}

TEST(NeighborDiscovery, ChecksumMustBeRightInAllFour) {
  for (Packet packet : one_of_each()) {
    packet.message()[3] ^= 0x40;
    EXPECT_EQ(error_of(packet), MessageError::bad_checksum);
  }
}

TEST(NeighborDiscovery, CodeMustBeZeroInAllFour) {
  for (Packet packet : one_of_each()) EXPECT_EQ(error_of(packet.octet(1, 1)), MessageError::bad_code);
}

TEST(NeighborDiscovery, CutAtEveryLengthNoneIsReadBeyondItsEnd) {
  for (const Packet& whole : one_of_each()) {
    const size_t size = Packet(whole).message().size();
    for (size_t cut = 0; cut < size; ++cut) {
      Packet packet = whole;
      packet.resize(cut);
      const auto error = error_of(packet);
      // Shorter than the fixed part, in the middle of an option, or whole options were cut off.
      if (error.has_value()) {
        EXPECT_TRUE(*error == MessageError::truncated || *error == MessageError::bad_option);
      } else {
        EXPECT_EQ(cut % 8, 0u);
      }
    }
  }
}

TEST(NeighborDiscovery, LengthMustCoverTheFixedPart) {
  // RFC 4861: 8, 16, 24, 24 octets.
  const std::array<size_t, 4> least = {8, 16, 24, 24};
  std::vector<Packet> packets = one_of_each();
  for (size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(error_of(packets[i].resize(least[i])), std::nullopt) << i;
    EXPECT_EQ(error_of(packets[i].resize(least[i] - 1)), MessageError::truncated) << i;
  }
}

TEST(NeighborDiscovery, OptionOfLengthZeroSpoilsAllFour) {
  for (Packet packet : one_of_each()) {
    EXPECT_EQ(error_of(packet.append({200, 0, 0, 0, 0, 0, 0, 0})), MessageError::bad_option);
  }
}

TEST(NeighborDiscovery, OptionBeyondTheEndSpoilsAllFour) {
  for (Packet packet : one_of_each()) {
    EXPECT_EQ(error_of(packet.append({200, 2, 0, 0, 0, 0, 0, 0})), MessageError::bad_option);
    EXPECT_EQ(error_of(packet.resize(packet.message().size() - 8).append({200})), MessageError::bad_option);
  }
}

TEST(NeighborDiscovery, UnknownOptionsAreSkippedInAllFour) {
  for (Packet packet : one_of_each()) {
    EXPECT_EQ(error_of(packet.append({200, 1, 0, 0, 0, 0, 0, 0})), std::nullopt);
  }
}

TEST(NeighborDiscovery, Rfc4861Section6Point1Point1NoLinkLayerAddressFromNobody) {
  EXPECT_EQ(error_of(make(RouterSolicitation{mac}, host, all_routers).from("::")), MessageError::bad_option);
  EXPECT_EQ(error_of(make(RouterSolicitation{}, unspecified, all_routers)), std::nullopt);
}

TEST(NeighborDiscovery, Rfc4861Section6Point1Point2AdvertisementsComeFromLinkLocalAddresses) {
  for (const char* source : {"2001:db8::1", "::", "fec0::1"}) {
    EXPECT_EQ(error_of(make(full_advertisement(), router, all_nodes).from(source)), MessageError::bad_source) << source;
  }
  EXPECT_EQ(error_of(make(full_advertisement(), router, all_nodes).from("febf::1")), std::nullopt);
}

TEST(NeighborDiscovery, Rfc4861Section7Point1Point1TargetIsNotAGroup) {
  EXPECT_EQ(error_of(solicitation().octet(8, 0xff)), MessageError::bad_target);
}

TEST(NeighborDiscovery, Rfc4861Section7Point1Point1DetectionGoesToTheSolicitedNodeGroup) {
  EXPECT_EQ(error_of(detection()), std::nullopt);
  EXPECT_EQ(error_of(detection().to("ff02::1")), MessageError::bad_destination);
  EXPECT_EQ(error_of(detection().to("2001:db8::5")), MessageError::bad_destination);
  EXPECT_EQ(error_of(detection().to("ff02::1:ff00:6")), MessageError::bad_destination);
}

TEST(NeighborDiscovery, Rfc4861Section7Point1Point1DetectionHasNoSourceLinkLayerAddress) {
  EXPECT_EQ(error_of(detection().append({1, 1, 2, 0, 0, 0, 0, 1})), MessageError::bad_option);
  // Of a wrong length it is no link-layer address, but it is there.
  EXPECT_EQ(error_of(detection().append({1, 2, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})), MessageError::bad_option);
}

TEST(NeighborDiscovery, Rfc4861Section7Point1Point2SolicitedIsNotSaidToAGroup) {
  EXPECT_EQ(error_of(advertisement().to("ff02::1")), MessageError::bad_destination);
  EXPECT_EQ(error_of(advertisement().octet(4, 0x20).to("ff02::1")), std::nullopt);
  EXPECT_EQ(error_of(advertisement().octet(8, 0xff)), MessageError::bad_target);
}

TEST(NeighborDiscovery, OptionsOfALengthTheirsNeverHasAreSkipped) {
  Packet packet = make(RouterAdvertisement{}, router, all_nodes);
  packet.append({1, 2, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0});         // link-layer address of 14 octets
  packet.append({5, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0});         // MTU
  packet.append({3, 1, 64, 0xc0, 0, 0, 0, 1});                             // prefix
  packet.append({24, 1, 48, 0, 0, 0, 0, 9});                               // route whose prefix does not fit
  packet.append({24, 2, 65, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0});       // the same
  packet.append({24, 2, 129, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0});      // no such prefix length
  packet.append({24, 2, 8, 0x10, 0, 0, 0, 9, 0x20, 0, 0, 0, 0, 0, 0, 0});  // RFC 4191 section 2.3: reserved preference
  EXPECT_EQ(parsed_as<RouterAdvertisement>(packet), RouterAdvertisement{});
}

TEST(NeighborDiscovery, PrefixLongerThan128BitsIsSkipped) {
  RouterAdvertisement message;
  message.prefixes.add({prefix("2001:db8::/64"), true, true, 1, 1});
  EXPECT_TRUE(parsed_as<RouterAdvertisement>(make(message, router, all_nodes).octet(18, 129)).prefixes.empty());
}

TEST(NeighborDiscovery, Rfc4191Section2Point2ReservedRouterPreferenceIsMedium) {
  Packet packet = make(RouterAdvertisement{}, router, all_nodes).octet(5, 0x10);
  EXPECT_EQ(parsed_as<RouterAdvertisement>(packet).preference, RouterPreference::medium);
}

TEST(NeighborDiscovery, ThousandPrefixesAreCutToWhatThereIsRoomFor) {
  Packet packet = make(RouterAdvertisement{}, router, all_nodes);
  for (u32 i = 0; i < 1000; ++i) {
    std::vector<u8> option = {3,
                              4,
                              64,
                              0xc0,
                              0,
                              0,
                              1,
                              0,
                              0,
                              0,
                              1,
                              0,
                              0,
                              0,
                              0,
                              0,
                              0x20,
                              1,
                              0xd,
                              0xb8,
                              0,
                              0,
                              static_cast<u8>(i >> 8),
                              static_cast<u8>(i),
                              0,
                              0,
                              0,
                              0,
                              0,
                              0,
                              0,
                              0};
    packet.message().insert(packet.message().end(), option.begin(), option.end());
  }
  const auto message = parsed_as<RouterAdvertisement>(packet.fix_checksum());
  EXPECT_EQ(message.prefixes.size(), RouterAdvertisement::max_prefixes);
  EXPECT_EQ(message.prefixes[39].prefix, prefix("2001:db8:0:27::/64"));
}

TEST(NeighborDiscovery, NonceOfAnotherLengthIsNotOurs) {
  Packet packet =
      make(NeighborSolicitation{address("2001:db8::5"), {}, {}}, unspecified, solicited_node_group(address("2001:db8::5")));
  packet.append({14, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  EXPECT_FALSE(parsed_as<NeighborSolicitation>(packet).nonce.has_value());
}

TEST(NeighborDiscovery, OtherIcmpv6IsSomethingElse) {
  for (const u8 type : {1, 128, 130, 131, 132, 138, 143, 255}) {
    EXPECT_EQ(error_of(solicitation().octet(0, type)), MessageError::other_type) << int{type};
  }
}

TEST(NeighborDiscovery, WhatDoesNotFitIsNotWritten) {
  for (size_t room = 0; room < 16; ++room) {
    std::vector<u8> out(room);
    EXPECT_FALSE(write(RouterSolicitation{mac}, host, all_routers, out).has_value());
  }
}

}  // namespace
}  // namespace samara::net::ipv6
