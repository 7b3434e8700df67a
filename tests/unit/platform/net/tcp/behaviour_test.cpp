// What the RFCs around RFC 9293 ask for: closing, selective acknowledgements, recovery, window scaling, the clock that jumps.
#include "platform/net/tcp/deadline_heap.h"
#include "platform/net/tcp/receive_queue.h"
#include "platform/net/tcp/scoreboard.h"
#include "script.h"

namespace samara::net::tcp::test {
namespace {

TEST(TcpClose, BothEndsAreTold) {
  Script s;
  s.established();
  s.run(
      "< F. 1(0) ack 1\nevents end\nstate close_wait\n> . 1(0) ack 2\nsend 5\n> P. 1(5)\nshutdown\nstate last_ack\n> F. 6(0)\n"
      "< . 2(0) ack 7\nevents closed\nstale");
  EXPECT_FALSE(s.closed_error.has_value());
}

TEST(TcpClose, HalfACloseLeavesTheOtherDirectionOpen) {
  Script s;
  s.established();
  s.run(
      "shutdown\n> F. 1(0)\nstate fin_wait_1\n< . 1(0) ack 2\nstate fin_wait_2\n< P. 1(10) ack 2\nevents readable\nread 10\n"
      "+3600000\n> . 2(0) ack 11\nstate fin_wait_2\n< PF. 11(3) ack 2\nevents readable end\nstate time_wait\nread 3\nevents "
      "closed\nstale");
  EXPECT_FALSE(s.host.tcp.send(s.host.now, s.id, pattern(1)).ok());
}

TEST(TcpClose, SimultaneousClosesMeetInClosing) {
  Script s;
  s.established();
  s.run("shutdown\n> F. 1(0)\n< F. 1(0) ack 1\nstate closing\nevents end\n> . 2(0) ack 2\n< . 2(0) ack 2\nevents closed");
}

TEST(TcpClose, UnreadDataTurnACloseIntoAReset) {
  Script s;
  s.established();
  s.run("< P. 1(10) ack 1\nevents readable\nclose\n> R. 1(0)\nstale\nevents closed\n> nothing");
  EXPECT_EQ(s.host.tcp.blocks_in_use(), 0U);
}

TEST(TcpClose, WhatArrivesAfterACloseIsThrownAway) {
  Script s;
  s.established();
  s.run(
      "close\n> F. 1(0)\n< . 1(0) ack 2\n< P. 1(10) ack 2\n+40\n> . 2(0) ack 11\n< F. 11(0) ack 2\n> . 2(0) ack 12\nevents "
      "closed");
  EXPECT_EQ(s.host.tcp.blocks_in_use(), 0U);
}

TEST(TcpClose, TheFinWaitsBehindTheData) {
  Script s;
  s.established("mss 1000", "65535");
  s.run(
      "send 2500\nclose\n> . 1(1000)\n> . 1001(1000)\n> FP. 2001(500)\n< . 1(0) ack 1001\n+200\n> . 1001(1000)\n< . 1(0) ack "
      "2502\n"
      "< F. 1(0) ack 2502\n> . 2502(0) ack 2\nevents closed");
}

TEST(TcpClose, AbortSendsAReset) {
  Script s;
  s.established();
  s.run("send 5\n> P. 1(5)\nabort\n> R. 6(0)\nstale\nevents closed");
  EXPECT_FALSE(s.closed_error.has_value());
}

TEST(TcpClose, UnreadDataOutliveTheConnection) {
  Script s;
  s.established();
  s.run(
      "< PF. 1(10) ack 1\nevents readable end\n> . 1(0) ack 12\nshutdown\n> F. 1(0)\n< . 12(0) ack 2\nevents\nread 10\nevents "
      "closed\nstale");
}

TEST(TcpClose, WhatLiesBeyondAGapGoesWithTheConnection) {
  Script s;
  s.established();
  // Octets behind the end of the peer's own stream.
  s.run("< P. 21(10) ack 1\n> . 1(0) ack 1\nshutdown\n> F. 1(0)\n< F. 1(0) ack 2\n> . 2(0) ack 2\nevents end closed");
  EXPECT_EQ(s.host.tcp.blocks_in_use(), 0U);
}

TEST(TcpClose, AnAddressThatGoesTakesItsConnectionsAlong) {
  Script s;
  s.established();
  s.host.tcp.on_address_removed(s.host.now, host_a);
  s.run("> nothing\nevents closed\nstale");
  EXPECT_EQ(s.closed_error, Error::unreachable);
}

TEST(TcpHandshake, ASynWithoutListenerIsRefused) {
  Script s;
  s.run("< S 0(0) win 100");
  const auto reset = s.host.poll();
  ASSERT_TRUE(reset.has_value());
  const Segment segment = MUST(parse_segment(reset->octets));
  EXPECT_EQ(segment.header.flags, flag::rst | flag::ack);
  EXPECT_EQ(segment.header.ack, s.peer_isn + 1);
  s.run("< R 1(0)\n> nothing");
}

// The peer has filled our window with segments that were lost, and the ACK that completed the handshake was lost, too: what it
// acknowledges with now has the sequence number behind the window.
TEST(TcpHandshake, AnAckFromTheRightEdgeOfTheWindowCompletesIt) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 mss 1460\n> S. 0(0) ack 1");
  const u32 edge = 1 + s.last->header.window;
  s.run("< . " + std::to_string(edge + 1) + "(0) ack 1 win 65535\n> . 1(0) ack 1\nevents\n< . " + std::to_string(edge) +
        "(0) ack 1 win 65535\nevents accepted\nstate established");
}

TEST(TcpHandshake, ALostSynAckIsSentAgain) {
  Script s;
  s.run("listen\n< S 0(0) win 100\n> S. 0(0) ack 1\n< S 0(0) win 100\n> S. 0(0) ack 1\n+1000\n> S. 0(0) ack 1");
}

TEST(TcpHandshake, ARefusedConnectionSaysSo) {
  Script s;
  s.run("connect\n> S 0(0)\n< R. 0(0) ack 1\nevents closed");
  EXPECT_EQ(s.closed_error, Error::refused);
}

TEST(TcpHandshake, AnOldSynAckIsReset) {
  Script s;
  s.run("connect\n> S 0(0)\n< S. 0(0) ack 5000\n> R 5000(0)\nstate syn_sent");
}

TEST(TcpHandshake, ALostSynMeansASmallStart) {
  Script s;
  s.run(
      "connect\n> S 0(0)\n+1000\n> S 0(0)\n< S. 0(0) ack 1 win 65535 mss 1460\n> . 1(0) ack 1\nsend 5000\n> . 1(1460)\n> "
      "nothing");
}

TEST(TcpHandshake, OptionsAreUsedOnlyWhenBothOfferThem) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 mss 1460\n> S. 0(0) ack 1 nows");
  EXPECT_FALSE(s.last->header.options.sack_permitted);
  EXPECT_FALSE(s.last->header.options.timestamps.has_value());
}

TEST(TcpWindow, ScalesByWhatTheSynSaid) {
  Script s;
  s.run("listen\n< S 0(0) win 1000 mss 1000 ws 3\n> S. 0(0) ack 1 ws 1\n< . 1(0) ack 1 win 1000\nevents accepted\nsend 12000");
  for (u32 at = 1; at < 8'000; at += 1'000) s.run("> . " + std::to_string(at) + "(1000)");
  s.run("> nothing\n< P. 1(10) ack 1 win 1000\n+40\n> . 8001(0) ack 11 win 32763");
}

TEST(TcpWindow, OpensWhenTheUserHasRead) {
  Capacity capacity = Host::small();
  capacity.receive_limit = 4'096;
  Script s({}, capacity);
  s.established();
  s.run(
      "< . 1(1460) ack 1\n< . 1461(1460) ack 1\n> . 1(0) ack 2921\n< . 2921(1176) ack 1\n+40\n> . 1(0) ack 4097 win 0\n"
      "read 4096\n> . 1(0) ack 4097 win 4096");
}

TEST(TcpSack, ReportsTheNewestFirst) {
  Script s;
  s.established("mss 1460 sackok");
  // RFC 2018 section 4.
  s.run(
      "< . 101(100) ack 1\n> . 1(0) ack 1 sack 101-201\n< . 301(100) ack 1\n> . 1(0) ack 1 sack 301-401 101-201\n"
      "< . 501(100) ack 1\n> . 1(0) ack 1 sack 501-601 301-401 101-201\n< . 201(100) ack 1\n> . 1(0) ack 1 sack 101-401 "
      "501-601\n"
      "< . 1(100) ack 1\n> . 1(0) ack 401 sack 501-601\n< . 401(100) ack 1\n> . 1(0) ack 601 nosack\nevents readable\nread "
      "600");
}

TEST(TcpSack, OnlyWhatIsMissingIsSentAgain) {
  Script s;
  s.far_established("mss 1000 sackok");
  s.run("send 10000");
  for (u32 at = 1; at < 9'000; at += 1'000) s.run("> . " + std::to_string(at) + "(1000)");
  s.run("> P. 9001(1000)");
  // 1 and 4001 are lost. Until reordering was seen, three segments beyond a gap settle it (RFC 8985 section 6.2 step 4).
  s.run(
      "+10\n< . 1(0) ack 1 sack 1001-2001\n< . 1(0) ack 1 sack 1001-3001\n> nothing\n< . 1(0) ack 1 sack 1001-4001\n> . "
      "1(1000)\n"
      "< . 1(0) ack 1 sack 5001-6001 1001-4001\n> nothing\n< . 1(0) ack 1 sack 5001-7001 1001-4001\n"
      "> . 4001(1000)\n< . 1(0) ack 4001 sack 5001-10001\n< . 1(0) ack 10001\n> nothing");
  EXPECT_EQ(s.host.tcp.counters().retransmitted, 2U);
  EXPECT_EQ(s.host.tcp.counters().timeouts, 0U);
}

TEST(TcpSack, ImpossibleReportsAreIgnored) {
  Scoreboard board;
  board.reset(SeqNumber(100));
  const SackBlock wild[] = {{SeqNumber(50), SeqNumber(90)},   {SeqNumber(90), SeqNumber(200)},
                            {SeqNumber(100), SeqNumber(200)}, {SeqNumber(300), SeqNumber(250)},
                            {SeqNumber(200), SeqNumber(501)}, {SeqNumber(200), SeqNumber(200)}};
  Rack rack;
  board.on_sent(Instant(), SeqNumber(100), SeqNumber(500));
  EXPECT_EQ(board.on_sack(wild, rack), 0U);
  EXPECT_EQ(board.under_way(), 400U);
}

TEST(TcpRecovery, PartialAcknowledgementsBringTheNextLoss) {
  Script s;
  s.established("mss 1000");
  s.run("send 10000");
  for (u32 at = 1; at < 9'000; at += 1'000) s.run("> . " + std::to_string(at) + "(1000)");
  s.run(
      "> P. 9001(1000)\n< . 1(0) ack 1\n< . 1(0) ack 1\n< . 1(0) ack 1\n> . 1(1000)\n< . 1(0) ack 3001\n> . 3001(1000)\n"
      "< . 1(0) ack 10001\n> nothing");
  EXPECT_EQ(s.host.tcp.counters().fast_retransmits, 1U);
}

TEST(TcpClock, AJumpGivesThePeerItsChances) {
  Script s;
  s.established();
  s.run("send 10\n> P. 1(10)");
  for (int i = 0; i < 3; ++i) {
    s.host.now = s.host.now + seconds(100'000);
    s.host.tcp.on_deadline(s.host.now);
    EXPECT_GT(s.host.tcp.next_deadline(), s.host.now);
    s.run("> P. 1(10)\nstate established");
  }
  s.run("< . 1(0) ack 11\nevents trouble\nstate established");
}

TEST(TcpClock, NothingPendingMeansNoDeadline) {
  Script s;
  s.established();
  s.run("send 10\n> P. 1(10)\n< . 1(0) ack 11\n< P. 1(5) ack 11\n+40\n> . 11(0) ack 6");
  EXPECT_EQ(s.host.tcp.next_deadline(), Instant::never());
}

TEST(TcpClock, AKeepAliveWithoutIntervalStillRests) {
  Script s({.keep_alive = true, .keep_alive_idle = Duration(), .keep_alive_interval = Duration(), .keep_alive_probes = 2});
  s.established();
  s.run("+1\n> . 0(0)\n+998\n> nothing\n+1\n> . 0(0)\n+1000\n> R. 1(0)\nevents closed");
}

TEST(TcpClock, TheHeapKeepsTheEarliestInFront) {
  SeededRng rng(3);
  DeadlineHeap heap(50);
  std::vector<Instant> all(50, Instant::never());
  for (int i = 0; i < 20'000; ++i) {
    const u32 index = rng.below(50);
    const Instant at = rng.chance(30) ? Instant::never() : Instant::since_boot(ms(rng.below(1'000)));
    heap.set(index, at);
    all[index] = at;
    ASSERT_EQ(heap.earliest(), *std::ranges::min_element(all));
    if (heap.earliest() != Instant::never()) {
      ASSERT_EQ(all[heap.earliest_index()], heap.earliest());
    }
  }
}

TEST(TcpQueues, ReassemblyMatchesAModel) {
  for (u64 seed = 1; seed <= 60; ++seed) {
    SeededRng rng(seed);
    const u32 limit = 20'000;
    const u32 blocks = seed % 3 == 0 ? 3 : 11;
    BlockPool pool(blocks);
    std::vector<BlockRing::Row> rows(BlockRing::rows_for(limit));
    ReceiveQueue queue(rows);
    const std::vector<u8> stream = pattern(200'000, seed);
    u64 next = 0, taken = 0;
    for (int i = 0; i < 4'000 && next + limit < stream.size(); ++i) {
      const u32 space = limit - static_cast<u32>(next - taken);
      if (space > 1) {
        const u32 offset = rng.chance(50) ? 0 : rng.below(space);
        const u32 length = std::min<u32>(1 + rng.below(1'460), space - offset);
        const auto stored = queue.insert(pool, offset, Bytes(stream).subspan(next + offset, length), blocks);
        next += stored.advanced;
        // What is next always has a place, however much has come beyond it.
        if (offset == 0 && queue.room(blocks) != 0) {
          ASSERT_NE(stored.outcome, ReceiveQueue::Outcome::no_memory);
        }
      }
      ASSERT_EQ(queue.readable(), next - taken);
      if (rng.chance(40)) {
        std::vector<u8> out(rng.below(3'000));
        const size_t count = queue.read(pool, out);
        ASSERT_TRUE(std::ranges::equal(Bytes(out).first(count), Bytes(stream).subspan(taken, count)));
        taken += count;
      }
    }
    queue.clear(pool);
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_GT(next, 20'000U);
  }
}

TEST(TcpSeqNumber, IsACircle) {
  const SeqNumber low(0xfffffff0), high(0x10);
  EXPECT_TRUE(before(low, high));
  EXPECT_TRUE(after(high, low));
  EXPECT_EQ(octets_between(low, high), 0x20U);
  EXPECT_EQ(octets_between(high, low), 0U);
  EXPECT_TRUE(compare(low, low + 0x80000000U) == std::partial_ordering::unordered);
  EXPECT_EQ(later(low, high), high);
}

TEST(TcpSegment, ParseAndWriteAreInverse) {
  SeededRng rng(11);
  for (int i = 0; i < 3'000; ++i) {
    SegmentHeader header;
    header.source = Port(rng.u16_value());
    header.destination = Port(rng.u16_value());
    header.seq = SeqNumber(rng.u32_value());
    header.ack = SeqNumber(rng.u32_value());
    header.flags = static_cast<u8>(rng.below(64));
    header.window = rng.u16_value();
    header.urgent = rng.u16_value();
    if (rng.chance(50)) header.options.mss = rng.u16_value();
    if (rng.chance(50)) header.options.window_scale = static_cast<u8>(rng.below(15));
    header.options.sack_permitted = rng.chance(50);
    if (rng.chance(50)) header.options.timestamps = Timestamps{rng.u32_value(), rng.u32_value()};
    header.options.sack_count = static_cast<u8>(rng.below(header_size(header.options) > 32 ? 2 : 4));
    for (SackBlock& block : std::span(header.options.sack).first(header.options.sack_count)) {
      block = {SeqNumber(rng.u32_value()), SeqNumber(rng.u32_value())};
    }
    const size_t size = header_size(header.options);
    ASSERT_LE(size, max_header_size);
    std::vector<u8> octets(size + 7, 0x55);
    write_header(header, octets);
    const auto parsed = parse_segment(octets);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value().header, header);
    EXPECT_EQ(parsed.value().payload.size(), 7U);
  }
}

TEST(TcpSegment, GarbageIsRefusedOrIgnoredButNeverReadBeyond) {
  EXPECT_EQ(parse_segment(pattern(19)).error(), SegmentError::truncated);
  std::vector<u8> octets(20);
  octets[12] = 0x40;
  EXPECT_EQ(parse_segment(octets).error(), SegmentError::data_offset);
  octets[12] = 0x60;
  EXPECT_EQ(parse_segment(octets).error(), SegmentError::data_offset);
}

TEST(TcpOffload, LeavesThePseudoHeadersSumToTheCard) {
  Script s;
  s.established();
  s.host.tcp.set_checksum_offload(true);
  ASSERT_EQ(s.host.tcp.send(s.host.now, s.id, pattern(100)).value(), 100U);
  std::vector<u8> memory(FrameSlot::headroom + 1'500);
  FrameSlot slot(memory);
  ASSERT_TRUE(s.host.tcp.poll_segment(s.host.now, slot).has_value());
  slot.prepend(34);
  EXPECT_EQ(slot.checksum_request().start, 34);
  EXPECT_EQ(slot.checksum_request().offset, checksum_offset);
  const MutableBytes segment = slot.octets().subspan(34);
  ChecksumSum sum;
  sum.add(segment);
  store_be16(segment, checksum_offset, sum.finish());
  EXPECT_EQ(sum_of(host_a, host_b, segment), 0);
}

}  // namespace
}  // namespace samara::net::tcp::test
