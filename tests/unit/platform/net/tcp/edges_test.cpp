// Boundaries and second states: what goes well once and in the middle has to go well at the edge, and the time after.
#include "platform/net/tcp/path_mtu.h"
#include "platform/net/tcp/send_half.h"
#include "platform/net/tcp/syn_cookies.h"
#include "script.h"

namespace samara::net::tcp::test {
namespace {

TEST(TcpEdges, AWindowOfAnOlderSegmentIsNotTaken) {  // RFC 9293 section 3.10.7.4, SND.WL1
  Script s;
  s.established("mss 1000");
  s.run("< P. 11(10) ack 1 win 2000\n> . 1(0) ack 1\n< P. 1(10) ack 1 win 60000\n> . 1(0) ack 21\nevents readable");
  s.run("send 5000\n> . 1(1000)\n> . 1001(1000)\n> nothing");
}

TEST(TcpEdges, AWindowOfAnOlderAcknowledgementIsNotTaken) {  // SND.WL2
  Script s;
  s.established("mss 1000", "3000");
  s.run("send 6000\n> . 1(1000)\n> . 1001(1000)\n> . 2001(1000)\n< . 1(0) ack 2001 win 2000\n> . 3001(1000)\n> nothing");
  s.run("< . 1(0) ack 1001 win 60000\n> nothing");
}

TEST(TcpEdges, TheWindowOfASynIsNotScaled) {  // RFC 7323 section 2.2
  Script s;
  s.run("connect\n> S 0(0)\n< S. 0(0) ack 1 win 1000 mss 500 ws 3\n> . 1(0) ack 1\nevents connected");
  s.run("send 4000\n> . 1(500)\n> . 501(500)\n> nothing");
  // From then on it is.
  s.run("< . 1(0) ack 1001 win 125\n> . 1001(500)\n> . 1501(500)\n> nothing");
}

// RFC 9293 SHLD-14: with a scaled window what was offered is rounded, and never taken back by it.
TEST(TcpEdges, TheRightEdgeOfAScaledWindowNeverMovesBack) {
  for (const u32 size : {1U, 7U, 1'001U, 1'460U}) {
    SCOPED_TRACE(size);
    Capacity capacity = Host::small();
    capacity.blocks = 4'096;
    capacity.receive_limit = 262'144;
    Script s({}, capacity);
    s.run("listen\n< S 0(0) win 65535 mss 1460 ws 7\n> S. 0(0) ack 1\n< . 1(0) ack 1\nevents accepted");
    const u8 scale = *s.last->header.options.window_scale;
    ASSERT_GE(scale, 2);
    SeqNumber edge;
    bool first = true;
    for (u32 at = 1; at < 1 + 40 * size; at += size) {
      s.inject(s.build(flag::ack | flag::psh, at, 1), size);
      s.host.pass(ms(50));
      while (const auto packet = s.host.poll()) {
        const SegmentHeader header = MUST(parse_segment(packet->octets)).header;
        const SeqNumber now = header.ack + (u32{header.window} << scale);
        EXPECT_FALSE(!first && before(now, edge)) << at;
        edge = now;
        first = false;
      }
      s.host.events();
    }
    EXPECT_FALSE(first);
    EXPECT_LE(s.host.tcp.receivable(s.id), capacity.receive_limit);
  }
}

TEST(TcpEdges, AnMssOfNothingLeavesRoomForSomething) {
  for (const char* mss : {"0", "1", "12", "63"}) {
    Script s;
    s.run(std::string("listen\n< S 0(0) win 65535 mss ") + mss +
          " ts 1 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 2 0\nevents accepted");
    s.run("send 200\n> . 1(52)\n> . 53(52)");
  }
}

TEST(TcpEdges, CookiesAreGoodInThePeriodAfterTheirOwnAndNoLonger) {
  SeededRng rng(4);
  const Flow flow{{host_a, Port(53)}, {host_b, Port(1'000)}};
  Segment syn;
  syn.header.seq = SeqNumber(77);
  // Wherever in its period of 64 seconds a cookie was made: until the end of the next one.
  for (const i64 made : {1'024, 1'055, 1'087}) {
    SynCookies cookies(rng);
    const auto cookie = cookies.make(Instant::since_boot(seconds(made)), flow, syn, 5'000, 536);
    Segment ack;
    ack.header.seq = syn.header.seq + 1;
    ack.header.ack = cookie.seq + 1;
    EXPECT_TRUE(cookies.check(Instant::since_boot(seconds(made)), flow, ack).has_value()) << made;
    EXPECT_TRUE(cookies.check(Instant::since_boot(ms(1'151'999)), flow, ack).has_value()) << made;
    EXPECT_FALSE(cookies.check(Instant::since_boot(seconds(1'152)), flow, ack).has_value()) << made;
    // Nor 32 periods later, when the same number stands in it, though others are being sent.
    (void)cookies.make(Instant::since_boot(seconds(made + 32 * 64)), flow, syn, 5'000, 536);
    EXPECT_FALSE(cookies.check(Instant::since_boot(seconds(made + 32 * 64)), flow, ack).has_value()) << made;
  }
}

TEST(TcpEdges, TimestampsAreOldAfterTwentyFourDaysAndNotBefore) {  // RFC 7323 section 5.5
  for (const i64 beyond : {0, 1}) {
    Script s;
    s.run("listen\n< S 0(0) win 65535 mss 1460 ts 1000 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 1001 0\nevents accepted");
    s.host.now = s.host.now + seconds(24 * 86'400) + ms(beyond);
    s.run("< P. 1(10) ack 1 ts 5 0");
    s.run(beyond != 0 ? "events readable" : "events");
  }
}

TEST(TcpEdges, AcknowledgementsAsOldAsTheLargestWindowAreNotChallenged) {  // RFC 5961 section 5.2
  Script s;
  s.established("mss 1000", "3000");
  s.run("send 3000\n> . 1(1000)\n> . 1001(1000)\n> P. 2001(1000)\n< . 1(0) ack 3001 win 3000");
  s.run("< P. 1(10) ack 1 win 3000\nevents readable\n+40\n> . 3001(0) ack 11");
  EXPECT_EQ(s.host.tcp.counters().challenge_acks, 0U);
  s.run("< P. 11(10) ack 0 win 3000\n> . 3001(0) ack 11\nevents");
  EXPECT_EQ(s.host.tcp.counters().challenge_acks, 1U);
}

TEST(TcpEdges, ChallengesAreCountedAnewEachSecond) {
  Script s;
  s.established();
  const auto answers = [&] {
    size_t count = 0;
    for (int i = 0; i < 50; ++i) {
      s.inject(s.build(flag::rst, 100, std::nullopt));
      while (s.host.poll()) ++count;
    }
    return count;
  };
  EXPECT_EQ(answers(), 10U);
  s.run("+999");
  EXPECT_EQ(answers(), 0U);
  s.run("+1");
  EXPECT_EQ(answers(), 10U);
  s.run("+5000");
  EXPECT_EQ(answers(), 10U);
}

TEST(TcpEdges, ATimeoutDoublesEachTimeUpToAMinute) {  // RFC 6298 sections 5.5 and 2.5
  Script s({.user_timeout = seconds(3'600)});
  s.established("mss 1000");
  s.run("send 500\n> P. 1(500)");
  std::vector<i64> waits;
  for (Instant before = s.host.now; waits.size() < 13;) {
    const u64 sent = s.host.tcp.counters().timeouts;
    while (s.host.tcp.counters().timeouts == sent) s.run("+1");
    waits.push_back((s.host.now - before).milliseconds());
    before = s.host.now;
    s.run("> P. 1(500)");
  }
  for (size_t i = 1; i < waits.size(); ++i) {
    const i64 wanted = std::min<i64>(waits[i - 1] * 2, 60'000);
    EXPECT_LE(std::abs(waits[i] - wanted), 1) << i;
  }
  EXPECT_EQ(waits.back(), 60'000);
}

TEST(TcpEdges, ReportsOfOctetsThatWereNeverSentAreNotBelieved) {
  Script s;
  s.established("mss 1000 sackok");
  s.run("send 2000\n> . 1(1000)\n> P. 1001(1000)\n< . 1(0) ack 1 sack 1001-9001\n< . 1(0) ack 1 sack 2001-3001\n> nothing");
  s.collecting = true;
  while (s.host.tcp.counters().timeouts == 0) s.run("+1");
  s.collecting = false;
  s.waiting_.erase(s.waiting_.begin(), s.waiting_.end() - 1);
  s.run("> . 1(1000)\n< . 1(0) ack 1001\n> P. 1001(1000)\n< . 1(0) ack 2001");
  EXPECT_EQ(s.host.tcp.unacknowledged(s.id), 0U);
}

TEST(TcpEdges, OnlyASynOrAResetEndsTheWaitForASyn) {  // RFC 9293 section 3.10.7.3, fifth
  Script s;
  s.run("connect\n> S 0(0)\n< . 100(0) ack 1\n< P 5(3)\n< F. 7(0) ack 1\n> nothing\nstate syn_sent\nevents");
  s.run("< S. 0(0) ack 1 win 1000\n> . 1(0) ack 1\nevents connected");
}

TEST(TcpEdges, TheNumberOfThePeersSynMeansNothingAfterwards) {
  Script s;
  s.established();
  s.run("< . 0(0) ack 1\n> . 1(0) ack 1\n< P. 0(1) ack 1\n> . 1(0) ack 1\nevents\nstate established");
}

TEST(TcpEdges, SackOptionsOfALengthThatNoneHasAreIgnored) {  // RFC 2018 section 3
  const auto parsed = [](const std::vector<u8>& option) {
    SegmentHeader header;
    header.flags = flag::ack;
    Packet packet = make_packet(host_a, host_b, header, {});
    std::vector<u8> options = option;
    options.resize((option.size() + 3) / 4 * 4);
    packet.octets.insert(packet.octets.begin() + 20, options.begin(), options.end());
    packet.octets[12] = static_cast<u8>((5 + options.size() / 4) << 4);
    return MUST(parse_segment(packet.octets)).header.options.sack_count;
  };
  for (const u8 body : {0, 1, 7, 9, 15, 17}) {
    std::vector<u8> option(2U + body, 1);
    option[0] = 5;
    option[1] = static_cast<u8>(2 + body);
    EXPECT_EQ(parsed(option), 0) << int{body};
  }
  for (const u8 blocks : {1, 2, 3, 4}) {
    std::vector<u8> option(2U + 8U * blocks, 1);
    option[0] = 5;
    option[1] = static_cast<u8>(option.size());
    EXPECT_EQ(parsed(option), blocks);
  }
}

TEST(TcpEdges, RoomIsToldOnceAndWhenItIsWorthIt) {
  Script s;
  s.established("mss 1000");
  const size_t taken = s.host.tcp.send(s.host.now, s.id, pattern(100'000)).value();
  ASSERT_LT(taken, 100'000U);
  while (s.host.poll()) {
  }
  s.run("events");
  // Less than four blocks, or a quarter of what there may be, wakes nobody.
  s.run("< . 1(0) ack 1001\nevents\n< . 1(0) ack 2001\nevents\n< . 1(0) ack 8001\nevents\n< . 1(0) ack 9001\nevents writable");
  while (s.host.poll()) {
  }
  s.run("< . 1(0) ack 10001\nevents");
}

TEST(TcpEdges, OnlyAnAcknowledgementOfSomethingNewIsProgress) {  // RFC 4861 section 7.3.1
  Script s;
  s.established("mss 1000");
  s.run("send 2000\n> . 1(1000)\n> P. 1001(1000)");
  const auto progress = [&](u8 flags, u32 seq, u32 ack, size_t length) {
    Packet packet = make_packet(s.peer.address, s.local.address, s.build(flags, seq, ack), pattern(length));
    return s.host.tcp.on_segment(s.host.now, {.source = packet.source,
                                              .destination = packet.destination,
                                              .protocol = Protocol::tcp,
                                              .hop_limit = 64,
                                              .payload = packet.octets,
                                              .quotable = {}});
  };
  EXPECT_FALSE(progress(flag::ack, 1, 1, 0));
  EXPECT_FALSE(progress(flag::ack, 1, 1, 10));
  EXPECT_TRUE(progress(flag::ack, 11, 1'001, 0));
  EXPECT_FALSE(progress(flag::ack, 11, 1'001, 0));
  EXPECT_FALSE(progress(flag::ack, 11, 90'000, 0));
}

TEST(TcpEdges, AClosedWindowOfAPeerThatIsSilentEndsAtR2) {
  Script s;
  s.established("mss 1000", "0");
  s.run("send 10\n> nothing");
  s.collecting = true;
  s.run("+99000\nevents trouble\n+61000\nevents closed");
  EXPECT_EQ(s.closed_error, Error::timed_out);
}

TEST(TcpEdges, NobodyWaitsLongForAPeerThatKeepsItsWindowClosed) {
  Script s;
  s.established("mss 1000", "0");
  s.run("send 10\nclose\n> nothing");
  s.collecting = true;
  const Instant closed = s.host.now;
  while (s.host.tcp.connections() != 0 && s.host.now - closed < seconds(200)) {
    s.run("+500\n< . 1(0) ack 1 win 0");
    s.host.events();
  }
  EXPECT_GE(s.host.now - closed, seconds(60));
  EXPECT_LE(s.host.now - closed, seconds(125)) << "the probe after sixty seconds is the last";
}

TEST(TcpEdges, CookiesNeverAgreeOnMoreThanThePeersMss) {
  SeededRng rng(4);
  const Instant now = Instant::since_boot(seconds(1'000));
  const Flow flow{{host_a, Port(53)}, {host_b, Port(1'000)}};
  struct Case {
    u16 offered;
    u16 agreed;
  };
  for (const Case& c : {Case{536, 536}, Case{1'219, 536}, Case{1'220, 1'220}, Case{1'359, 1'220}, Case{1'360, 1'360},
                        Case{1'459, 1'452}, Case{1'460, 1'460}, Case{8'939, 1'460}, Case{8'940, 8'940}, Case{65'535, 8'940}}) {
    SynCookies cookies(rng);
    Segment syn;
    syn.header.seq = SeqNumber(77);
    syn.header.options.mss = c.offered;
    Segment ack;
    ack.header.seq = syn.header.seq + 1;
    ack.header.ack = cookies.make(now, flow, syn, 5'000, 536).seq + 1;
    EXPECT_EQ(cookies.check(now, flow, ack)->mss, c.agreed) << c.offered;
  }
}

TEST(TcpEdges, APathBecomesSmallerForOnePeerOnlyAndAtOnce) {
  Script s;
  s.established("mss 1460");
  s.run("send 2920\n> . 1(1460)\n> P. 1461(1460)\n> nothing");
  s.host.tcp.on_path_mtu(s.host.now, IpAddress::v4({198, 51, 100, 1}), 1'000);
  s.run("> nothing");
  s.host.tcp.on_path_mtu(s.host.now, host_b, 1'000);
  s.run("> . 1(960)\n> nothing");
  // Another router, a moment later: what is sent next is smaller still, and nothing is sent again for it.
  s.host.tcp.on_path_mtu(s.host.now, host_b, 900);
  s.run("> nothing\n< . 1(0) ack 961\n> . 961(860)");
}

TEST(TcpEdges, ASmallSegmentThatIsLostSaysNothingOfThePath) {
  Script s;
  s.established("mss 1460");
  s.run("send 100\n> P. 1(100)");
  s.collecting = true;
  while (s.host.tcp.counters().timeouts < PathMtu::timeouts_per_step) s.run("+10");
  s.collecting = false;
  s.waiting_.clear();
  s.run("< . 1(0) ack 101\nsend 1460\n> P. 101(1460)");
}

TEST(TcpEdges, WhatIsStaleHasNoRoom) {
  Script s;
  s.established();
  EXPECT_EQ(s.host.tcp.sendable(s.id), Host::small().send_limit);
  s.run("abort");
  EXPECT_EQ(s.host.tcp.sendable(s.id), 0U);
  EXPECT_EQ(s.host.tcp.receivable(s.id), 0U);
}

// RFC 5681 section 3.1: what was under way is halved at the first timeout of a segment; at the next ones nearly nothing is.
TEST(TcpEdges, TheThresholdFallsOncePerLoss) {
  std::vector<BlockRing::Row> rows(BlockRing::rows_for(65'536));
  BlockBudget budget(60, 1, 1);
  BlockPool pool(BlockBudget::blocks_for(60, 1));
  const BlockSource source{pool, budget, budget.join(1)};
  SendHalf half(rows);
  Instant now = Instant::since_boot(seconds(1));
  const SeqNumber iss(500);
  half.open(iss);
  half.on_syn_sent(now);
  half.start(now, 1'000, true, false, SeqNumber(9), iss + 1, 65'535);
  ASSERT_EQ(half.append(source, pattern(30'000), true), 30'000U);
  const auto send_all = [&] {
    while (const auto cut = half.next(now, 1'000, false, false)) half.on_sent(now, *cut);
  };
  const auto acknowledge = [&](u32 octets) {
    Segment ack;
    ack.header.flags = flag::ack;
    ack.header.seq = SeqNumber(9);
    ack.header.ack = iss + 1 + octets;
    now = now + ms(10);
    half.on_ack(now, ack, 65'535, std::nullopt, source);
  };
  send_all();
  ASSERT_EQ(half.flight(), 10'000U);
  half.on_timeout(now);
  EXPECT_EQ(half.congestion().threshold(), 5'000U);
  EXPECT_EQ(half.congestion().window(), 1'000U);
  half.on_timeout(now);
  EXPECT_EQ(half.congestion().threshold(), 5'000U);
  // Nor when some of it has arrived and another timeout comes before all has.
  send_all();
  acknowledge(1'000);
  send_all();
  half.on_timeout(now);
  EXPECT_EQ(half.congestion().threshold(), 5'000U);
  EXPECT_EQ(half.congestion().window(), 1'000U);
  // All of it has: what is lost now is another loss.
  for (u32 at = 2'000; at <= 14'000; at += 1'000) {
    send_all();
    acknowledge(at);
  }
  send_all();
  const u32 flight = half.flight();
  ASSERT_GT(flight, 2'000U);
  half.on_timeout(now);
  EXPECT_EQ(half.congestion().threshold(), std::max(flight / 2, 2'000U));
  half.clear(source);
}

TEST(TcpEdges, WhatIsStaleIsRefusedWhateverIsAsked) {
  Script s;
  s.established();
  s.run("abort\n> R. 1(0)");
  Tcp& tcp = s.host.tcp;
  std::vector<u8> room(10);
  EXPECT_EQ(tcp.send(s.host.now, s.id, room).error(), Error::not_connected);
  EXPECT_EQ(tcp.receive(s.host.now, s.id, room).error(), Error::not_connected);
  EXPECT_EQ(tcp.shutdown(s.host.now, s.id).error(), Error::not_connected);
  EXPECT_EQ(tcp.mark_urgent(s.host.now, s.id).error(), Error::not_connected);
  EXPECT_EQ(tcp.set_options(s.id, {}).error(), Error::not_connected);
  tcp.close(s.host.now, s.id);
  tcp.abort(s.host.now, s.id);
  EXPECT_FALSE(tcp.peer(s.id).has_value());
  EXPECT_FALSE(tcp.local(s.id).has_value());
  EXPECT_FALSE(tcp.at_end(s.id));
  EXPECT_FALSE(tcp.urgent_ahead(s.id).has_value());
  EXPECT_EQ(tcp.unacknowledged(s.id), 0U);
  s.run("> nothing");
}

TEST(TcpEdges, AFullTableRefusesAnotherConnection) {
  Capacity capacity = Host::small();
  capacity.connections = 4;
  Host host(1, capacity);
  std::vector<ConnectionId> ids;
  const auto connect = [&](u8 n) {
    return host.tcp.connect(host.now, {host_a, Port(0)}, {IpAddress::v4({198, 51, 100, n}), Port(53)}, 1'500);
  };
  for (u8 n = 1; n <= 4; ++n) ids.push_back(MUST(connect(n)));
  EXPECT_EQ(connect(5).error(), Error::table_full);
  host.tcp.abort(host.now, ids[1]);
  host.events();
  EXPECT_TRUE(connect(6).ok());
  EXPECT_EQ(connect(7).error(), Error::table_full);
}

TEST(TcpEdges, TimeoutsOfASynAreNotThoseOfData) {
  Script s;
  s.run("connect\n> S 0(0)\n+1000\n> S 0(0)\n< S. 0(0) ack 1 win 65535\n> . 1(0) ack 1\nevents connected\nsend 10\n> P. 1(10)");
  const auto wait_for_timeouts = [&](u64 count) {
    s.collecting = true;
    while (s.host.tcp.counters().timeouts < count) s.run("+10");
    s.collecting = false;
    s.waiting_.clear();
  };
  wait_for_timeouts(2);
  s.run("events");
  wait_for_timeouts(3);
  s.run("events trouble");
}

// Handshakes by hand, of which each step can be left out.
struct TcpHandshakes : testing::Test {
  Host host;
  SegmentHeader segment(u16 from, u16 to, u8 flags, u32 seq, SeqNumber ack = {}) {
    SegmentHeader header;
    header.source = Port(from);
    header.destination = Port(to);
    header.flags = flags;
    header.seq = SeqNumber(seq);
    header.ack = ack;
    header.window = 1'000;
    return header;
  }
  SeqNumber knock(u16 from, u16 to) {
    host.deliver(make_packet(host_b, host_a, segment(from, to, flag::syn, 100), {}));
    const auto answer = host.poll();
    EXPECT_TRUE(answer.has_value());
    return answer ? MUST(parse_segment(answer->octets)).header.seq : SeqNumber();
  }
  void enter(u16 from, u16 to, SeqNumber isn, size_t octets = 0) {
    host.deliver(make_packet(host_b, host_a, segment(from, to, flag::ack, 101, isn + 1), pattern(octets)));
  }
};

TEST_F(TcpHandshakes, AListenerTakesOnlyItsOwnHalfOpenOnesAlong) {
  const ListenerId first = MUST(host.tcp.listen({host_a, Port(53)}, 4));
  ASSERT_TRUE(host.tcp.listen({host_a, Port(54)}, 4).ok());
  const SeqNumber of_first = knock(1'001, 53);
  const SeqNumber of_second = knock(1'002, 54);
  host.tcp.close(first);
  EXPECT_EQ(host.tcp.half_open(), 1U);
  enter(1'002, 54, of_second);
  EXPECT_EQ(host.events().size(), 1U);
  enter(1'001, 53, of_first);
  const auto reset = host.poll();
  ASSERT_TRUE(reset.has_value());
  EXPECT_TRUE(MUST(parse_segment(reset->octets)).has(flag::rst));
}

TEST_F(TcpHandshakes, OnlyTheNewsOfAConnectionMakesRoomInTheBacklog) {
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 1).ok());
  enter(1'001, 53, knock(1'001, 53));
  ASSERT_EQ(host.events().size(), 1U);
  const SeqNumber second = knock(1'002, 53);
  const SeqNumber third = knock(1'003, 53);
  // News of the first connection, then the second one itself.
  host.deliver(make_packet(host_b, host_a, segment(1'001, 53, flag::rst, 101), {}));
  enter(1'002, 53, second);
  ASSERT_EQ(host.tcp.poll_event()->kind, Event::Kind::closed);
  enter(1'003, 53, third);
  EXPECT_EQ(host.tcp.half_open(), 1U) << "the second still waits to be told";
  ASSERT_EQ(host.tcp.poll_event()->kind, Event::Kind::accepted);
  enter(1'003, 53, third);
  EXPECT_EQ(host.tcp.half_open(), 0U);
}

}  // namespace
}  // namespace samara::net::tcp::test
