// What a stream does when somebody says that its path is narrow: whatever the MTU told, all of it arrives, and no more is sent
// again than a timeout would.
#include "wire_peer.h"

namespace samara::net {
namespace {

constexpr u8 syn = 2;
constexpr u8 ack = 16;

// A connection that 192.0.2.9 opened, with so much under way that every segment but the last is full.
struct StreamOnTheWay {
  static constexpr u32 size = 5'840;
  WirePeer peer;
  const IpAddress from = ip("192.0.2.9");
  const IpAddress to = ip("192.0.2.1");
  u32 first = 0;  // the sequence number of its first octet
  Octets quoted;  // the first segment, as a router has it

  StreamOnTheWay() {
    EXPECT_TRUE(peer.stack.tcp().listen(at("0.0.0.0:53"), 4).ok());
    peer.introduce();
    say(1000, syn, 0);
    first = load_be32(ipv4_in(peer.next()).payload, 4) + 1;
    say(1001, ack, first);
    const auto id = peer.stack.tcp().poll_event()->connection;
    EXPECT_TRUE(peer.stack.tcp().send(peer.now, id, counted(size)).ok());
  }
  void say(u32 sequence, u8 flags, u32 acknowledged) {
    Octets header((flags & syn) != 0 ? 24 : 20);
    store_be16(header, 0, 4000);
    store_be16(header, 2, 53);
    store_be32(header, 4, sequence);
    store_be32(header, 8, acknowledged);
    header[12] = static_cast<u8>(header.size() << 2);
    header[13] = flags;
    store_be16(header, 14, 0xffff);
    if (header.size() > 20) store_be32(header, 20, 0x020405b4);  // MSS 1460
    ChecksumSum sum;
    sum.add_pseudo_header(from, to, 6, static_cast<u32>(header.size()));
    sum.add(header);
    store_be16(header, 16, sum.finish());
    peer.give_ipv4({.protocol = Protocol::tcp}, header);
  }
  void send_all() {
    for (const Octets& frame : peer.sent()) {
      if (quoted.empty()) quoted.assign(frame.begin() + 14, frame.begin() + 14 + 28);
    }
    ASSERT_FALSE(quoted.empty());
  }
  void too_big(u16 mtu, u16 total_length) {
    store_be16(quoted, 2, total_length);
    peer.give_ipv4({.from = "198.51.100.7", .protocol = Protocol::icmp}, icmp(3, 4, mtu, quoted));
  }
  // The octets that leave, each counted as often as it does, when the peer acknowledges what has come.
  struct Seen {
    size_t octets = 0;
    size_t longest = 0;  // packet
    bool whole = false;
  };
  Seen finish(int rounds = 60) {
    Seen seen;
    u32 next = first;
    size_t tail = 0;  // of a segment in fragments
    for (int round = 0; round < rounds && next != first + size; ++round) {
      for (const Octets& frame : peer.sent()) {
        if (load_be16(frame, 12) != 0x0800) continue;
        const Ipv4Out out = ipv4_in(frame);
        seen.octets += out.payload.size();
        seen.longest = std::max(seen.longest, out.payload.size() + Ipv4Header::size);
        if (out.header.fragment_offset != 0) {
          tail += out.payload.size();
        } else if (load_be32(out.payload, 4) == next) {
          tail = out.payload.size() - (out.payload[12] >> 4U) * 4U;
        }
        if (out.header.more_fragments) continue;
        next += static_cast<u32>(tail);
        tail = 0;
      }
      say(1001, ack, next);
      peer.wait(Duration::milliseconds(500));
    }
    seen.whole = next == first + size;
    return seen;
  }
};

struct NarrowPath : testing::Test, StreamOnTheWay {};

TEST(NarrowPaths, EveryMtuThatARouterTellsLeavesTheStreamWhole) {
  for (const u16 mtu : {0, 68, 551, 552, 560, 575, 576, 577, 1000, 1499}) {
    SCOPED_TRACE(mtu);
    StreamOnTheWay stream;
    stream.send_all();
    stream.too_big(mtu, 1500);
    const auto seen = stream.finish();
    EXPECT_TRUE(seen.whole);
    EXPECT_EQ(stream.peer.counters().out_too_long, 0U);
    EXPECT_LE(seen.longest, mtu == 0 ? 1492U : std::max(mtu, min_ipv4_mtu));
  }
}

TEST_F(NarrowPath, BelowTheLeastMtuSegmentsMayBeFragmented) {
  send_all();
  too_big(300, 1500);
  const auto out = peer.sent();
  ASSERT_FALSE(out.empty());
  const Ipv4Out segment = ipv4_in(out[0]);
  EXPECT_EQ(segment.header.total_length, min_ipv4_mtu);
  EXPECT_FALSE(segment.header.dont_fragment);
}

TEST_F(NarrowPath, AMessageAboutASegmentFromBeforeTheLastChangeIsIgnored) {
  send_all();
  too_big(1400, 1500);
  EXPECT_EQ(peer.stack.path_mtu(from), 1400);
  too_big(1300, 1500);
  EXPECT_EQ(peer.stack.path_mtu(from), 1400) << "no segment is that long any more";
  too_big(1300, 1300);
  EXPECT_EQ(peer.stack.path_mtu(from), 1400) << "that one would have passed";
  EXPECT_EQ(peer.counters().icmp_not_ours, 2U);
  too_big(1300, 1400);
  EXPECT_EQ(peer.stack.path_mtu(from), 1300);
}

TEST_F(NarrowPath, ManyMessagesCauseLittleToBeSentAgain) {
  send_all();
  size_t octets = 0;
  for (u16 mtu = 1499; mtu >= min_ipv4_mtu; --mtu) {
    too_big(mtu, static_cast<u16>(mtu + 1));
    for (const Octets& frame : peer.sent()) octets += frame.size();
    peer.wait(Duration::milliseconds(1));
  }
  EXPECT_EQ(peer.stack.path_mtu(from), min_ipv4_mtu);
  // A timeout after 0.2 s and its doubles; each, and each turn in between, sends one segment until something is acknowledged.
  EXPECT_LE(octets, 8U * 1'514);
  EXPECT_TRUE(finish().whole);
}

}  // namespace
}  // namespace samara::net
