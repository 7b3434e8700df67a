// RACK-TLP (RFC 8985): losses found by time, tails by probes.
#include "platform/net/tcp/scoreboard.h"
#include "script.h"

namespace samara::net::tcp::test {
namespace {

// Ten segments of 1000 octets are under way to a peer 10 ms from here.
struct TcpRack : testing::Test {
  Script s;
  TcpRack() {
    s.far_established("mss 1000 sackok");
    s.run("send 10000");
    for (u32 at = 1; at < 9'000; at += 1'000) s.run("> . " + std::to_string(at) + "(1000)");
    s.run("> P. 9001(1000)\n> nothing");
  }
  const Counters& counters() const { return s.host.tcp.counters(); }
};

TEST_F(TcpRack, ALostRetransmissionIsFoundByWhatWasSentAfterIt) {
  // The first is lost, and lost again; 11001 was sent after the retransmission, and arrives.
  s.run("+10\n< . 1(0) ack 1 sack 1001-10001\n> . 1(1000)\nsend 3000");
  s.run("> . 10001(1000)\n> . 11001(1000)\n> P. 12001(1000)\n> nothing");
  s.run("+10\n< . 1(0) ack 1 sack 1001-13001\n> . 1(1000)\n> nothing\n+10\n< . 1(0) ack 13001\n> nothing");
  EXPECT_EQ(counters().retransmitted, 2U);
  EXPECT_EQ(counters().timeouts, 0U);
  EXPECT_EQ(counters().fast_retransmits, 1U) << "it is one recovery";
}

TEST_F(TcpRack, ALostTailIsProbedAfterTwoRoundTrips) {
  // The last three are lost. Nothing is heard for 20 ms; what the probe brings tells of the other two.
  s.run("+10\n< . 1(0) ack 7001\n> nothing\n+19\n> nothing\n+1\n> P. 9001(1000)\n> nothing");
  s.run("+10\n< . 1(0) ack 7001 sack 9001-10001\n");
  s.run("+3\n> . 7001(1000)\n+10\n< . 1(0) ack 8001 sack 9001-10001\n> . 8001(1000)\n+10\n< . 1(0) ack 10001\n> nothing");
  EXPECT_EQ(counters().timeouts, 0U);
  EXPECT_EQ(counters().retransmitted, 3U);
}

TEST_F(TcpRack, AProbeCarriesNewDataWhereThereAreAny) {
  s.run("+10\n< . 1(0) ack 7001\n> nothing\nsend 500 more\n> nothing\n+20\n> P. 10001(500)\n> nothing");
  EXPECT_EQ(counters().retransmitted, 0U);
}

TEST_F(TcpRack, ALostProbeIsFollowedByOthersBeforeTheTimeout) {
  s.run("+10\n< . 1(0) ack 9001\n> nothing\n+20\n> nothing");
  // One segment alone may have its acknowledgement delayed: 100 ms more.
  s.run("+100\n> P. 9001(1000)\n> nothing\n+140\n> P. 9001(1000)\n> nothing");
  EXPECT_EQ(counters().timeouts, 0U);
  s.run("+10\n< . 1(0) ack 10001\n> nothing");
  EXPECT_EQ(s.host.tcp.next_deadline(), Instant::never());
}

TEST_F(TcpRack, ReorderingIsNoLoss) {
  // 1 comes after 1001 and 2001, within a quarter of the round trip.
  s.run(
      "+10\n< . 1(0) ack 1 sack 1001-2001\n> nothing\n< . 1(0) ack 1 sack 1001-3001\n> nothing\n+2\n< . 1(0) ack 3001\n"
      "> nothing");
  EXPECT_EQ(counters().fast_retransmits, 0U);
  EXPECT_EQ(counters().retransmitted, 0U);
  // Once it was seen, even many segments beyond a gap are given that time.
  s.run("< . 1(0) ack 3001 sack 4001-10001\n> nothing\n+2\n< . 1(0) ack 10001\n> nothing");
  EXPECT_EQ(counters().retransmitted, 0U);
  EXPECT_EQ(counters().timeouts, 0U);
}

TEST_F(TcpRack, AGapThatStaysIsALossAfterTheReorderingWindow) {
  s.run("+10\n< . 1(0) ack 1 sack 1001-2001\n> nothing\n+2\n> nothing\n+1\n> . 1(1000)");
  EXPECT_EQ(counters().fast_retransmits, 1U);
}

TEST_F(TcpRack, ARecoverySendsInProportionToWhatArrives) {
  // RFC 6937: ten were under way and five shall be. The retransmission goes at once, then nothing until five are left, then one
  // for each that arrives.
  s.run("send 20000\n> nothing\n+10\n< . 1(0) ack 1 sack 1001-4001\n> . 1(1000)\n> nothing");
  s.run("< . 1(0) ack 1 sack 1001-5001\n> nothing\n< . 1(0) ack 1 sack 1001-6001\n> nothing");
  s.run("< . 1(0) ack 1 sack 1001-7001\n> . 10001(1000)\n> nothing");
  s.run("< . 1(0) ack 1 sack 1001-8001\n> . 11001(1000)\n> nothing");
}

TEST(TcpRackWithoutSack, NothingIsProbed) {
  Script s;
  s.far_established("mss 1000");
  s.run("send 2000\n> . 1(1000)\n> P. 1001(1000)\n+150\n> nothing\n+70\n> . 1(1000)");
  EXPECT_EQ(s.host.tcp.counters().timeouts, 1U);
}

TEST(TcpScoreboard, CountsWhatBecameOfEveryOctet) {
  SeededRng rng(4);
  const SeqNumber start(0xffffff00);
  Scoreboard board;
  Rack rack;
  board.reset(start);
  rack.start(start);
  Instant now = Instant::since_boot(seconds(1));
  // One letter an octet: under way, lost, delivered.
  std::string octets;
  u32 una = 0;
  for (int step = 0; step < 20'000; ++step) {
    now = now + Duration::microseconds(static_cast<i64>(rng.next() % 3));
    const u32 size = static_cast<u32>(octets.size());
    const u32 from = una + static_cast<u32>(rng.next() % (size - una + 1));
    const u32 to = from + static_cast<u32>(rng.next() % (size - from + 1));
    switch (rng.next() % 6) {
      case 0:
      case 1:
        if (size - una < 3'000) {
          const u32 more = 1 + static_cast<u32>(rng.next() % 40);
          board.on_sent(now, start + size, start + size + more);
          octets += std::string(more, 'u');
        }
        break;
      case 2:
        if (const auto gap = board.first_lost()) {
          const u32 at = octets_between(start, gap->begin);
          const u32 end = std::min(octets_between(start, gap->end), at + 30);
          EXPECT_EQ(octets.substr(at, end - at), std::string(end - at, 'l'));
          board.on_sent(now, gap->begin, start + end);
          octets.replace(at, end - at, end - at, 'u');
        }
        break;
      case 3:
        if (from > una && to > from) {
          rack.on_ack_begins(now, std::nullopt, false, start + una, start + size);
          const SackBlock block{start + from, start + to};
          const u32 known = static_cast<u32>(std::ranges::count(octets.substr(from, to - from), 'd'));
          const u32 told = board.on_sack(std::span(&block, 1), rack);
          EXPECT_TRUE(told == to - from - known || told == 0) << "a report is remembered whole or not at all";
          if (told != 0) octets.replace(from, to - from, to - from, 'd');
        }
        break;
      case 4:
        board.mark_lost(start + from, start + to);
        for (u32 i = from; i < to; ++i) {
          if (octets[i] == 'u') octets[i] = 'l';
        }
        break;
      case 5:
        if (rng.chance(20)) {
          rack.on_ack_begins(now, std::nullopt, false, start + from, start + size);
          board.on_advance(start + from, rack);
          una = from;
        }
        break;
    }
    const std::string rest = octets.substr(una);
    // Out of memory for detail, more counts as lost than is; nothing delivered is ever sent again.
    ASSERT_EQ(board.reported(), std::ranges::count(rest, 'd')) << step;
    ASSERT_EQ(board.under_way() + board.lost(), rest.size() - board.reported()) << step;
    if (board.lost() != std::ranges::count(rest, 'l')) {
      for (u32 i = una; i < octets.size(); ++i) {
        if (octets[i] == 'u') octets[i] = 'l';
      }
      ASSERT_EQ(board.lost(), std::ranges::count(octets.substr(una), 'l')) << step;
    }
  }
}

}  // namespace
}  // namespace samara::net::tcp::test
