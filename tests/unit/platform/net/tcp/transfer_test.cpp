// Two machines back to back: whole streams over links of every quality.
#include <array>

#include "tcp_host.h"

namespace samara::net::tcp::test {
namespace {

// Sends `data` from a to b, closes both ways, and checks what must hold whatever the link did.
struct Transfer {
  Pair& pair;
  std::vector<u8> data;
  std::vector<u8> received{};
  ConnectionId client{};
  ConnectionId server{};
  size_t sent = 0;
  bool accepted = false;
  bool shut = false;
  std::optional<Event> client_closed{};
  std::optional<Event> server_closed{};
  size_t read_at_once = 65'536;
  u16 mtu = 1'500;

  void open() {
    ASSERT_TRUE(pair.b.tcp.listen({pair.b_address(), Port(53)}, 8).ok());
    const auto id = pair.a.tcp.connect(pair.now(), {pair.a_address(), Port(0)}, {pair.b_address(), Port(53)}, mtu);
    ASSERT_TRUE(id.ok());
    client = id.value();
    pair.tick = ms(5);
  }
  void pump() {
    for (const Event& event : pair.a.events()) {
      if (event.kind == Event::Kind::closed) client_closed = event;
    }
    for (const Event& event : pair.b.events()) {
      if (event.kind == Event::Kind::accepted) {
        server = event.connection;
        accepted = true;
      }
      if (event.kind == Event::Kind::closed) server_closed = event;
    }
    if (sent < data.size()) {
      const auto taken = pair.a.tcp.send(pair.now(), client, Bytes(data).subspan(sent));
      if (taken.ok()) sent += taken.value();
    } else if (!shut) {
      shut = pair.a.tcp.shutdown(pair.now(), client).ok();
    }
    if (accepted && !server_closed) {
      std::vector<u8> buffer(read_at_once);
      const auto got = pair.b.tcp.receive(pair.now(), server, buffer);
      if (got.ok()) received.insert(received.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.value()));
      if (pair.b.tcp.at_end(server)) pair.b.tcp.close(pair.now(), server);
    }
  }
  bool run(Duration limit) {
    return pair.run(limit, [this] {
      pump();
      return client_closed && server_closed;
    });
  }
  void expect_complete() {
    EXPECT_TRUE(received == data) << received.size() << " of " << data.size();
    ASSERT_TRUE(client_closed && server_closed);
    EXPECT_FALSE(client_closed->error);
    EXPECT_FALSE(server_closed->error);
    EXPECT_EQ(pair.a.tcp.blocks_in_use(), 0U);
    EXPECT_EQ(pair.b.tcp.blocks_in_use(), 0U);
    EXPECT_EQ(pair.a.tcp.connections(), 0U);
    EXPECT_EQ(pair.b.tcp.connections(), 0U);
  }
};

TEST(TcpTransfer, CarriesAStreamAndClosesBothEnds) {
  Pair pair;
  Transfer transfer{pair, pattern(1'000'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(60)));
  transfer.expect_complete();
  EXPECT_EQ(pair.a.tcp.counters().retransmitted, 0U);
  EXPECT_EQ(pair.b.tcp.counters().bad_checksum, 0U);
}

TEST(TcpTransfer, CarriesAStreamOverIpv6) {
  Pair pair;
  pair.v6 = true;
  Transfer transfer{pair, pattern(300'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(60)));
  transfer.expect_complete();
}

TEST(TcpTransfer, DelaysAcknowledgementsOfBulkDataByOneSegment) {
  Pair pair;
  Transfer transfer{pair, pattern(1'000'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(60)));
  const u64 data_segments = pair.a.tcp.counters().segments_out;
  EXPECT_LT(pair.b.tcp.counters().segments_out, data_segments * 6 / 10);
}

TEST(TcpTransfer, SurvivesEveryKindOfLink) {
  for (u64 seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    Pair pair(seed);
    pair.faults = {.loss_percent = static_cast<u32>(seed % 16),
                   .duplicate_percent = static_cast<u32>(seed % 7),
                   .reorder_percent = static_cast<u32>(seed % 31),
                   .delay = ms(static_cast<i64>(seed % 50))};
    pair.v6 = seed % 3 == 0;
    Transfer transfer{pair, pattern(100'000, seed)};
    transfer.read_at_once = seed % 5 == 0 ? 700 : 65'536;
    transfer.open();
    ASSERT_TRUE(transfer.run(seconds(900)));
    transfer.expect_complete();
  }
}

TEST(TcpTransfer, SacksKeepLossFromStallingIt) {
  Pair pair(5);
  pair.faults.loss_percent = 3;
  Transfer transfer{pair, pattern(2'000'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(300)));
  transfer.expect_complete();
  EXPECT_GT(pair.a.tcp.counters().fast_retransmits, 5U);
  EXPECT_LT(pair.a.tcp.counters().timeouts, pair.a.tcp.counters().fast_retransmits);
}

// 0.2 ms away; one segment in ten is lost each way.
TEST(TcpTransfer, ALossyLinkNearByDoesNotWaitForTimeouts) {
  Capacity large = Host::small();
  large.blocks = 4'096;
  large.send_limit = large.receive_limit = 262'144;
  Pair pair(17, large, large);
  pair.faults = {.loss_percent = 10, .delay = Duration::microseconds(100)};
  Transfer transfer{pair, pattern(20'000'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(6)));
  transfer.expect_complete();
  EXPECT_LT(pair.a.tcp.counters().timeouts, 20U);
}

TEST(TcpTransfer, DoesNotTakeRandomLossForABlackHole) {
  Pair pair(21);
  pair.faults = {.loss_percent = 10, .delay = ms(1)};
  size_t small = 0, large = 0;
  pair.swallow = [&](bool to_b, const Packet& packet) {
    if (to_b && packet.octets.size() > 300) ++(packet.octets.size() > 1'400 ? large : small);
    return false;
  };
  Transfer transfer{pair, pattern(3'000'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(300)));
  transfer.expect_complete();
  EXPECT_GT(large, small);
}

TEST(TcpTransfer, FindsTheWayThroughABlackHole) {
  for (const bool v6 : {false, true}) {
    Pair pair(9);
    pair.v6 = v6;
    pair.mtu = 1'300;
    Transfer transfer{pair, pattern(200'000)};
    transfer.open();
    ASSERT_TRUE(transfer.run(seconds(120)));
    transfer.expect_complete();
  }
}

// The receiver echoes the timestamp of the first copy, and what came in between was our own timeout.
TEST(TcpTransfer, DoesNotTakeTheTimeoutForARoundTripWhenAcknowledgementsAreLost) {
  Pair pair(23);
  ASSERT_TRUE(pair.b.tcp.listen({host_b, Port(53)}, 8).ok());
  const auto client = pair.a.tcp.connect(pair.now(), {host_a, Port(0)}, {host_b, Port(53)}, 1'500, {.no_delay = true});
  ASSERT_TRUE(client.ok());
  pair.run(seconds(1));
  const std::vector<Event> accepted = pair.b.events();
  ASSERT_EQ(accepted.size(), 1U);
  const auto send = [&] { ASSERT_EQ(pair.a.tcp.send(pair.now(), client.value(), pattern(100)).value_or(0), 100U); };

  bool deaf = true;
  pair.swallow = [&](bool to_b, const Packet&) { return !to_b && deaf; };
  send();
  pair.run(seconds(20));
  deaf = false;
  pair.run(seconds(40));
  ASSERT_EQ(pair.a.tcp.unacknowledged(client.value()), 0U);
  send();
  pair.run(seconds(1));

  int lost = 0;
  pair.swallow = [&](bool to_b, const Packet&) { return to_b && lost++ == 0; };
  send();
  EXPECT_TRUE(pair.run(seconds(2), [&] { return pair.b.tcp.receivable(accepted[0].connection) == 300; }));
}

// Nothing but one segment that is short of a full one and still too long for the path.
TEST(TcpTransfer, FindsTheWayThroughABlackHoleWithOneSegment) {
  struct Case {
    u16 mtu;
    size_t octets;
  };
  for (const Case& c : {Case{1'300, 1'280}, Case{1'000, 1'280}, Case{1'000, 1'000}, Case{576, 560}}) {
    SCOPED_TRACE(c.octets);
    Pair pair(9);
    pair.mtu = c.mtu;
    Transfer transfer{pair, pattern(c.octets)};
    transfer.open();
    ASSERT_TRUE(transfer.run(seconds(120)));
    transfer.expect_complete();
  }
}

// A path of IPv4 that fragments what may be, and swallows the rest without a word.
TEST(TcpTransfer, FindsTheWayThroughABlackHoleWhateverTheMtuIsTakenFor) {
  for (const u16 believed : {u16{300}, min_ipv4_mtu, u16{577}, u16{700}, min_ipv6_mtu, u16{1'281}, u16{1'500}}) {
    SCOPED_TRACE(believed);
    Pair pair(9);
    pair.swallow = [](bool, const Packet& packet) { return packet.octets.size() + 20 > 400 && packet.how.dont_fragment; };
    Transfer transfer{pair, pattern(20'000)};
    transfer.mtu = believed;
    transfer.open();
    ASSERT_TRUE(transfer.run(seconds(120)));
    transfer.expect_complete();
  }
}

TEST(TcpTransfer, WorksWithMemoryForAFewSegmentsOnly) {
  Capacity tight = Host::small();
  tight.blocks = 8;
  Pair pair(11, tight, tight);
  pair.faults.loss_percent = 5;
  pair.faults.reorder_percent = 20;
  Transfer transfer{pair, pattern(60'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(900)));
  transfer.expect_complete();
}

TEST(TcpTransfer, FillsALargeWindow) {
  Capacity large = Host::small();
  large.blocks = 4'096;
  large.send_limit = large.receive_limit = 262'144;
  Pair pair(13, large, large);
  pair.faults.delay = ms(1);
  Transfer transfer{pair, pattern(30'000'000)};
  transfer.open();
  ASSERT_TRUE(transfer.run(seconds(600)));
  transfer.expect_complete();
}

}  // namespace
}  // namespace samara::net::tcp::test
