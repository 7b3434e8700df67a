// Rules that matter only in a second state: after a rest, with a closed window, beyond a full list, when both ends have closed.
#include "script.h"

namespace samara::net::tcp::test {
namespace {

// RFC 5681 section 4.1.
TEST(TcpSecondState, AWindowIsKeptForOneTimeoutOfRest) {
  for (const int rest : {200, 201}) {
    Script s;
    s.established("mss 1000");
    s.run("send 30000");
    u32 at = 1;
    while (at != 30'001) {
      std::vector<u32> ends;
      while (const auto packet = s.host.poll()) {
        const Segment segment = MUST(parse_segment(packet->octets));
        at = static_cast<u32>(distance(s.our_isn, segment.header.seq)) + static_cast<u32>(segment.payload.size());
        ends.push_back(at);
      }
      ASSERT_FALSE(ends.empty());
      for (const u32 end : ends) s.run("< . 1(0) ack " + std::to_string(end));
    }
    // The round trip took no time: the timeout is its least, 200 ms.
    s.run("+" + std::to_string(rest) + "\nsend 20000");
    size_t burst = 0;
    while (s.host.poll()) ++burst;
    EXPECT_EQ(burst, rest == 200 ? 12U : 10U) << "it grew by two segments, and falls to the initial one";
  }
}

// RFC 7323 section 4.1: the echo is how old the segment is, unless it is older than any timeout.
TEST(TcpSecondState, AnEchoOlderThanTheLongestTimeoutIsNoMeasurement) {
  for (const u32 age : {0U, 60'000U, 60'001U, 0x80000000U}) {
    SCOPED_TRACE(age);
    Script s;
    s.run("listen\n< S 0(0) win 65535 mss 1000 ts 1 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 2 0\nevents accepted");
    s.run("send 3952\n> . 1(988)\n> . 989(988)\n> . 1977(988)\n> P. 2965(988)");
    const u32 clock = s.last->header.options.timestamps->value;
    // What was sent again is timed by the echo alone.
    s.run("< . 1(0) ack 1 ts 3 0\n< . 1(0) ack 1 ts 3 0\n< . 1(0) ack 1 ts 3 0\n> . 1(988)");
    s.run("< . 1(0) ack 3953 ts 4 " + std::to_string(clock - age) + "\nsend 10\n> P. 3953(10)");
    s.collecting = true;
    s.run("+201");
    EXPECT_EQ(s.host.tcp.counters().timeouts, age == 60'000 ? 0U : 1U);
    // SRTT 7.5 s, RTTVAR 15 s: beyond the longest.
    s.run("+59800");
    if (age == 60'000) {
      EXPECT_EQ(s.host.tcp.counters().timeouts, 1U);
    }
  }
}

TEST(TcpSecondState, NothingIsBelievedOfWhatComesFromElsewhereWhileTheWindowIsClosed) {
  Capacity capacity = Host::small();
  capacity.receive_limit = 4'096;
  Script s({}, capacity);
  s.established();
  s.run("< . 1(1460) ack 1\n< . 1461(1460) ack 1\n> . 1(0)\n< . 2921(1176) ack 1\n+40\n> . 1(0) ack 4097 win 0");
  s.run("events readable\nsend 5\n> P. 1(5)");
  for (const char* place : {"5000(10)", "5000(0)", "4098(1)", "4096(1)", "3000(10)"}) {
    s.run(std::string("< P. ") + place + " ack 6\n> . 6(0) ack 4097 win 0");
    EXPECT_EQ(s.host.tcp.unacknowledged(s.id), 5U) << place;
  }
  s.run("< R 4098(0)\n> nothing\nevents\n< P. 4097(10) ack 6\n> . 6(0) ack 4097 win 0");
  EXPECT_EQ(s.host.tcp.unacknowledged(s.id), 0U);
  EXPECT_EQ(s.host.tcp.receivable(s.id), 4'096U);
}

TEST(TcpSecondState, AKeepAliveIsNotSentWhileSomethingWaitsToBeSent) {
  Script s({.keep_alive = true, .keep_alive_idle = ms(100)});
  s.established("mss 1000", "0");
  s.run("send 10\n> nothing\n+100\n> nothing\n+100\n> P. 1(1)");
}

TEST(TcpSecondState, ACookieOffersNothingThatThePeerDidNot) {  // RFC 7323 section 2.2, RFC 2018 section 2
  Capacity capacity = Host::small();
  capacity.half_open = 0;
  Script s({}, capacity);
  s.run("listen\n< S 0(0) win 1000 mss 1460 ts 5 0\n> S. 0(0) ack 1 nows");
  EXPECT_FALSE(s.last->header.options.sack_permitted);
  EXPECT_TRUE(s.last->header.options.timestamps.has_value());
  s.run("< S 0(0) win 1000 mss 1460 sackok ts 5 0\n> S. 0(0) ack 1 nows sackok");
  s.run("< S 0(0) win 1000 mss 1460 ws 0 ts 5 0\n> S. 0(0) ack 1");
  EXPECT_TRUE(s.last->header.options.window_scale.has_value());
  // Without timestamps there is no place to remember them in.
  s.run("< S 0(0) win 1000 mss 1460 ws 7 sackok\n> S. 0(0) ack 1 nows");
  EXPECT_FALSE(s.last->header.options.sack_permitted);
  EXPECT_FALSE(s.last->header.options.timestamps.has_value());
  EXPECT_EQ(s.host.tcp.counters().cookies_sent, 4U);
  EXPECT_EQ(s.host.tcp.half_open(), 0U);
}

TEST(TcpSecondState, AnAbortTellsThePeerNothingWhenBothEndsHaveClosed) {  // RFC 9293 section 3.10.5
  Script s;
  s.established();
  s.run(
      "shutdown\n> F. 1(0)\n< PF. 1(10) ack 2\nevents readable end\nstate time_wait\n> . 2(0) ack 12\nabort\n> nothing\nstale");
  Script asking;
  asking.run("connect\n> S 0(0)\nabort\n> nothing\nstale");
  EXPECT_EQ(s.host.tcp.counters().resets_sent + asking.host.tcp.counters().resets_sent, 0U);
}

TEST(TcpSecondState, WhoWaitsForTheOtherFinWaitsAMinuteFromTheClose) {
  Script s;
  s.established();
  s.run("shutdown\n> F. 1(0)\n< . 1(0) ack 2\nstate fin_wait_2\n+500000\nstate fin_wait_2\nclose\n+59999\nevents");
  EXPECT_EQ(s.host.tcp.connections(), 1U);
  s.run("+1\nevents closed");
  EXPECT_EQ(s.host.tcp.connections(), 0U);
}

TEST(TcpSecondState, EightPathsAreSuspectedAtATimeAndNoMoreAreRemembered) {
  Host host;
  host.paused = false;
  for (u8 n = 1; n <= 9; ++n) {
    ASSERT_TRUE(host.tcp.connect(host.now, {host_a, Port(0)}, {IpAddress::v4({198, 51, 100, n}), Port(53)}, 1'500).ok());
  }
  for (int second = 0; second < 20; ++second) {
    while (host.poll()) {
    }
    host.pass(seconds(1));
  }
  std::vector<IpAddress> suspects;
  while (const auto suspect = host.tcp.poll_suspect_path()) {
    EXPECT_EQ(std::ranges::count(suspects, *suspect), 0);
    suspects.push_back(*suspect);
  }
  EXPECT_EQ(suspects.size(), 8U);
}

TEST(TcpSecondState, DuplicatesAtTheEndOfARecoveryAreNoNewLoss) {  // RFC 6582 section 3.2 step 2
  Script s;
  s.established("mss 1000");
  s.run("send 5000\n> . 1(1000)\n> . 1001(1000)\n> . 2001(1000)\n> . 3001(1000)\n> P. 4001(1000)");
  s.run("< . 1(0) ack 1\n< . 1(0) ack 1\n< . 1(0) ack 1\n> . 1(1000)\n< . 1(0) ack 5001");
  s.run("send 2000\n> . 5001(1000)\n> P. 6001(1000)");
  s.run("< . 1(0) ack 5001\n< . 1(0) ack 5001\n< . 1(0) ack 5001\n< . 1(0) ack 5001\n> nothing");
  // Beyond that end they are one.
  s.run("< . 1(0) ack 6001\n< . 1(0) ack 6001\n< . 1(0) ack 6001\n< . 1(0) ack 6001\n> P. 6001(1000)");
  EXPECT_EQ(s.host.tcp.counters().fast_retransmits, 2U);
}

TEST(TcpSecondState, ANewConnectionInAnOldPlaceKnowsNothingOfProbesBefore) {
  Capacity capacity = Host::small();
  capacity.connections = 1;
  Script s({}, capacity);
  s.far_established("mss 1000 sackok");
  s.run("send 10\n> P. 1(10)\n+150\n> P. 1(10)");
  EXPECT_EQ(s.host.tcp.counters().tail_probes, 1U);
  s.run("< R. 1(0) ack 1\nevents closed\n+1000");
  // What its peer acknowledges lies beyond what was probed.
  s.run("< S 0(0) win 65535 mss 1000 sackok\n> S. 0(0) ack 1\n< . 1(0) ack 1\nevents accepted");
  s.run("< P. 1(10) ack 1\nevents readable\nsend 20000");
  size_t burst = 0;
  while (s.host.poll()) ++burst;
  EXPECT_EQ(burst, 10U) << "the initial window";
}

// RFC 9293 section 3.10.7.4, fourth: whoever begins anew has forgotten the first attempt.
TEST(TcpSecondState, AnotherSynEndsAHalfOpenConnectionAndIsOnlyChallengedLater) {
  Script s;
  s.run("listen\n< S 0(0) win 1000\n> S. 0(0) ack 1");
  EXPECT_EQ(s.host.tcp.half_open(), 1U);
  s.run("< S 5(0) win 1000\n> nothing\nevents");
  EXPECT_EQ(s.host.tcp.half_open(), 0U);
  EXPECT_EQ(s.host.tcp.connections(), 0U);
  s.run("< S 5(0) win 1000\n> S. 0(0) ack 6\n< . 6(0) ack 1\nevents accepted\n< S 8(0) win 1000\n> . 1(0) ack 6");
  EXPECT_EQ(s.host.tcp.connections(), 1U);
  EXPECT_EQ(s.host.tcp.counters().challenge_acks, 1U);
}

// RFC 9293 section 3.8.4 and RFC 4861 section 7.3.1: only what is known to be the peer's shows that the way there works.
TEST(TcpSecondState, ASegmentIsProgressWhenItAcknowledgesSomethingNewAndIsWhole) {
  Script s;
  s.established();
  s.run("send 10\n> P. 1(10)");
  const auto progress = [&](u32 ack, bool whole, bool unicast = true) {
    Packet packet = make_packet(s.peer.address, s.local.address, s.build(flag::ack, 1, ack), {});
    if (!whole) packet.octets[14] ^= 1;  // the window
    return s.host.tcp.on_segment(s.host.now, {.source = packet.source,
                                              .destination = packet.destination,
                                              .protocol = Protocol::tcp,
                                              .hop_limit = 64,
                                              .unicast = unicast,
                                              .payload = packet.octets,
                                              .quotable = {}});
  };
  EXPECT_FALSE(progress(11, false));
  EXPECT_FALSE(progress(11, true, false));
  EXPECT_EQ(s.host.tcp.unacknowledged(s.id), 10U);
  EXPECT_FALSE(progress(1, true));
  EXPECT_TRUE(progress(11, true));
  EXPECT_FALSE(progress(11, true)) << "nothing new";
}

}  // namespace
}  // namespace samara::net::tcp::test
