#include "wire_peer.h"

namespace samara::net {
namespace {

const IpAddress peer_ip = *IpAddress::parse("192.0.2.9");
const IpAddress our_ip = *IpAddress::parse("192.0.2.1");

struct Fragments : testing::Test {
  WirePeer peer;
  Fragments() {
    EXPECT_TRUE(peer.stack.udp_open(at("0.0.0.0:53")).ok());
    peer.introduce();
  }
  Octets datagram = udp(peer_ip, 4711, our_ip, 53, counted(4000));
  std::optional<UdpDatagram> give(size_t from, size_t to, u16 id = 7, std::string_view source = "192.0.2.9") {
    const V4 v{.from = source, .identification = id, .offset = static_cast<u16>(from), .more = to < datagram.size()};
    return peer.give_ipv4(v, Bytes(datagram).subspan(from, to - from));
  }
};

TEST_F(Fragments, CompleteDatagramIsDelivered) {
  EXPECT_FALSE(give(0, 1480).has_value());
  EXPECT_FALSE(give(1480, 2960).has_value());
  const auto whole = give(2960, 4008);
  ASSERT_TRUE(whole.has_value());
  EXPECT_TRUE(std::ranges::equal(whole->payload, counted(4000)));
}

TEST_F(Fragments, EveryOrderIsGood) {
  std::vector<size_t> order = {0, 1, 2, 3, 4};
  const std::vector<size_t> edges = {0, 8, 1480, 1496, 3000, 4008};
  u16 id = 1;
  do {
    for (size_t i = 0; i < order.size(); ++i) {
      const auto whole = give(edges[order[i]], edges[order[i] + 1], id);
      ASSERT_EQ(whole.has_value(), i == 4);
      if (whole.has_value()) {
        EXPECT_TRUE(std::ranges::equal(whole->payload, counted(4000)));
      }
    }
    ++id;
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(Fragments, OnlyTheSameSourceIdentificationAndProtocolBelongTogether) {
  give(0, 1480, 1);
  EXPECT_FALSE(give(1480, 4008, 2).has_value());
  EXPECT_FALSE(give(1480, 4008, 1, "192.0.2.10").has_value());
  EXPECT_TRUE(give(1480, 4008, 1).has_value());
}

TEST_F(Fragments, ExactDuplicateIsDroppedAlone) {
  give(0, 1480);
  give(0, 1480);
  EXPECT_EQ(peer.counters().fragments_duplicate, 1U);
  EXPECT_TRUE(give(1480, 4008).has_value());
}

TEST_F(Fragments, OverlapDropsTheDatagramAndAllThatStillComes) {  // RFC 5722
  const std::vector<std::pair<size_t, size_t>> overlaps = {{0, 1472}, {8, 1480}, {1472, 2960}, {0, 2960}, {8, 16}};
  u16 id = 100;
  for (const auto& [from, to] : overlaps) {
    ++id;
    give(0, 1480, id);
    EXPECT_FALSE(give(from, to, id).has_value());
    EXPECT_FALSE(give(1480, 4008, id).has_value()) << from;
    EXPECT_FALSE(give(0, 1480, id).has_value()) << from;
  }
  EXPECT_EQ(peer.counters().fragments_overlapping, 3 * overlaps.size());
  EXPECT_EQ(peer.counters().reassembled, 0U);
}

TEST_F(Fragments, DuplicateWithOtherOctetsIsAnOverlap) {
  give(0, 1480);
  datagram[100] ^= 1;
  give(0, 1480);
  EXPECT_EQ(peer.counters().fragments_overlapping, 1U);
  EXPECT_FALSE(give(1480, 4008).has_value());
}

TEST_F(Fragments, TwoEndsAreAContradiction) {
  give(1480, 4008);
  peer.give_ipv4({.offset = 2960, .more = false}, Bytes(datagram).subspan(2960, 8));
  EXPECT_FALSE(give(0, 1480).has_value());
  // Beyond the end, and an end before what is there.
  peer.give_ipv4({.identification = 9, .offset = 1480, .more = false}, Bytes(datagram).first(8));
  peer.give_ipv4({.identification = 9, .offset = 2960, .more = true}, Bytes(datagram).first(8));
  peer.give_ipv4({.identification = 10, .offset = 2960, .more = true}, Bytes(datagram).first(8));
  peer.give_ipv4({.identification = 10, .offset = 1480, .more = false}, Bytes(datagram).first(8));
  EXPECT_EQ(peer.counters().fragments_overlapping, 4U);
}

TEST_F(Fragments, DatagramLongerThanIpAllowsIsRefused) {  // the "ping of death"
  peer.give_ipv4({.protocol = Protocol::icmp, .offset = 65528, .more = false}, counted(100));
  EXPECT_EQ(peer.counters().fragments_too_long, 1U);
  peer.give_ipv4({.protocol = Protocol::icmp, .offset = 65528, .more = true}, counted(8));
  EXPECT_EQ(peer.counters().fragments_too_long, 2U);
}

TEST_F(Fragments, EmptyOddAndTinyFirstFragmentsAreRefused) {
  peer.give_ipv4({.offset = 8, .more = true}, {});
  peer.give_ipv4({.offset = 0, .more = true}, counted(12));
  EXPECT_EQ(peer.counters().fragments_malformed, 2U);
  peer.give_ipv4({.protocol = Protocol::tcp, .offset = 0, .more = true}, counted(16));  // RFC 1858
  EXPECT_EQ(peer.counters().fragments_too_short, 1U);
}

TEST_F(Fragments, SenderIsToldWhenTheRestDoesNotCome) {
  give(0, 1480);
  peer.wait(Duration::milliseconds(29'900));
  EXPECT_TRUE(peer.sent().empty());
  peer.wait(Duration::milliseconds(200));
  const auto out = peer.sent();
  ASSERT_FALSE(out.empty());
  const Ipv4Out error = ipv4_in(out.back());
  EXPECT_EQ(error.header.destination, peer_ip);
  EXPECT_EQ(error.payload[0], 11);
  EXPECT_EQ(error.payload[1], 1);
  EXPECT_EQ(load_be16(error.payload, 8 + 4), 7);  // it quotes the first fragment
  EXPECT_TRUE(std::ranges::equal(Bytes(error.payload).subspan(28, 8), Bytes(datagram).first(8)));
  EXPECT_EQ(peer.counters().reassembly_timed_out, 1U);
  EXPECT_FALSE(give(1480, 4008).has_value());
}

// RFC 1122 section 3.2.2: an error about an error is none, though it came in pieces.
TEST_F(Fragments, NobodyIsToldOfAnErrorWhoseRestDoesNotCome) {
  struct Case {
    u8 type;
    bool told;
  };
  for (const Case& c : {Case{3, false}, Case{8, true}, Case{11, false}, Case{13, true}}) {
    peer.give_ipv4({.protocol = Protocol::icmp, .identification = c.type, .more = true}, icmp(c.type, 0, 0, counted(16)));
    peer.wait(Duration::seconds(31));
    const auto out = peer.sent();
    const auto errors = std::ranges::count_if(out, [](const Octets& frame) { return load_be16(frame, 12) == 0x0800; });
    EXPECT_EQ(errors, c.told ? 1 : 0) << int{c.type};
    peer.introduce();
  }
}

TEST_F(Fragments, NobodyIsToldWithoutTheFirstFragment) {
  give(1480, 2960);
  peer.wait(Duration::seconds(31));
  EXPECT_TRUE(peer.sent().empty());
  EXPECT_EQ(peer.counters().reassembly_timed_out, 1U);
}

TEST_F(Fragments, OneSourceCannotPushOutTheOthers) {
  give(0, 1480, 1);
  for (u16 id = 0; id < 1000; ++id) give(0, 1480, id, "192.0.2.66");
  EXPECT_EQ(peer.counters().reassembly_evicted, 984U);
  EXPECT_TRUE(give(1480, 4008, 1).has_value());
}

TEST_F(Fragments, MemoryIsBoundedAndTheNewestIsServed) {
  for (u16 id = 0; id < 5000; ++id) {
    peer.give_ipv4({.from = id % 2 == 0 ? "192.0.2.66" : "192.0.2.67", .identification = id, .offset = 1480, .more = true},
                   counted(1480));
  }
  give(0, 1480);
  EXPECT_TRUE(give(1480, 4008).has_value());
}

TEST_F(Fragments, MoreFragmentsThanADatagramCanNeedAreRefused) {
  for (u16 i = 0; i < 200; ++i) {
    peer.give_ipv4({.offset = static_cast<u16>(8 + 16 * i), .more = true}, counted(8));
  }
  EXPECT_EQ(peer.counters().fragments_no_room, 1U);
  EXPECT_EQ(peer.counters().fragments_overlapping, 71U);  // and what comes of it later
}

TEST_F(Fragments, EchoIsAnsweredFromFragmentsInAnyOrder) {
  const Octets message = icmp(8, 0, 5, counted(2000));
  peer.give_ipv4({.protocol = Protocol::icmp, .offset = 1480}, Bytes(message).subspan(1480));
  peer.give_ipv4({.protocol = Protocol::icmp, .more = true}, Bytes(message).first(1480));
  EXPECT_EQ(peer.sent().size(), 2U);
}

}  // namespace
}  // namespace samara::net
