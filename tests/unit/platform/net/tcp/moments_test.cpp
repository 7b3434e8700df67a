// The moment at which a rule begins to hold, and what comes together in one segment: data with a SYN, an acknowledgement with a
// reset, a segment behind a FIN.
#include "platform/net/tcp/syn_cookies.h"
#include "script.h"

namespace samara::net::tcp::test {
namespace {

// When the peer is asked again, counted from the last that was heard of it, until the connection is given up.
std::vector<Duration> retries(const std::string& window, Duration user_timeout) {
  Script s({.user_timeout = user_timeout});
  s.established("mss 1000", window);
  s.run("send 10");
  const Instant begin = s.host.now;
  std::vector<Duration> times;
  s.collecting = true;
  while (s.host.poll()) {
  }
  for (int steps = 0; steps < 400'000 && s.host.tcp.connections() != 0; ++steps) {
    s.run("+1");
    if (!s.waiting_.empty()) times.push_back(s.host.now - begin);
    s.waiting_.clear();
    for (const Event& event : s.host.events()) {
      if (event.kind == Event::Kind::closed) {
        EXPECT_EQ(event.error, Error::timed_out);
      }
    }
  }
  EXPECT_EQ(s.host.tcp.connections(), 0U);
  return times;
}

TEST(TcpMoments, AConnectionEndsAtTheRetryThatFallsOnItsUserTimeout) {  // RFC 9293 section 3.8.3
  for (const char* window : {"65535", "0"}) {
    SCOPED_TRACE(window);
    const auto all = retries(window, seconds(60));
    ASSERT_GE(all.size(), 6U);
    for (const size_t last : {4U, 5U}) {
      const auto exact = retries(window, all[last]);
      EXPECT_EQ(exact.size(), last + 1) << "the reset is sent instead of the retry";
      EXPECT_EQ(exact.back(), all[last]);
      EXPECT_EQ(retries(window, all[last] + ms(1)).size(), last + 2);
    }
  }
}

TEST(TcpMoments, DataWithTheAnswerToOurSynAreTaken) {
  Script s;
  s.run("connect\n> S 0(0)\n< S. 0(5) ack 1 win 1000\n> . 1(0) ack 6\nevents connected readable\nread 5");
  Script both;
  both.run("connect\n> S 0(0)\n< SF. 0(5) ack 1 win 1000\n> . 1(0) ack 7\nevents connected readable end\nstate close_wait");
  Script fin;
  fin.run("connect\n> S 0(0)\n< SF. 0(0) ack 1 win 1000\n> . 1(0) ack 2\nevents connected end\nstate close_wait");
}

TEST(TcpMoments, TimeWaitIgnoresAResetWhateverElseIsInIt) {  // RFC 1337
  Script s;
  s.established();
  s.run("close\n> F. 1(0) ack 1\n< F. 1(0) ack 2\n> . 2(0) ack 2\nevents closed");
  s.run("< RP. 2(3) ack 2\n> nothing\n< RF. 1(0) ack 2\n> nothing\n< SR 100(0)\n> nothing\n< F. 1(0) ack 2\n> . 2(0) ack 2");
}

TEST(TcpMoments, TimeWaitIsOpenedAnewByWhatIsNewerAndAnswersTheRest) {  // RFC 6191 section 2
  const auto after_close = [](const char* syn) {
    Script s;
    s.run("listen\n< S 0(0) win 65535 mss 1460 ts 1000 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 1001 0\nevents accepted");
    s.run("close\n> F. 1(0) ack 1\n< F. 1(0) ack 2 ts 1002 0\n> . 2(0) ack 2\nevents closed");
    s.run(std::string("< ") + syn);
    const auto packet = s.host.poll();
    EXPECT_TRUE(packet.has_value());
    return packet && MUST(parse_segment(packet->octets)).has(flag::syn);
  };
  EXPECT_TRUE(after_close("S 1(0) ts 1003 0")) << "newer by its timestamp";
  EXPECT_FALSE(after_close("S 100(0) ts 1001 0"));
  EXPECT_FALSE(after_close("S 2(0) ts 1002 0")) << "as old, and no later octet";
  EXPECT_TRUE(after_close("S 3(0) ts 1002 0"));
  EXPECT_TRUE(after_close("S 3(0)")) << "without timestamps by its number";
  EXPECT_FALSE(after_close("S 2(0)"));
  EXPECT_FALSE(after_close("S. 100(0) ts 1003 0")) << "an acknowledgement opens nothing";
}

TEST(TcpMoments, AResetThatCountsIsNotChallengedAsWell) {
  for (const char* reset : {"R. 1(0) ack 500000", "RS 1(0)", "R. 1(0) ack -70000"}) {
    Script s;
    s.established();
    s.run(std::string("< ") + reset + "\n> nothing\nevents closed");
    EXPECT_EQ(s.closed_error, Error::reset);
    EXPECT_EQ(s.host.tcp.counters().challenge_acks, 0U) << reset;
    EXPECT_EQ(s.host.tcp.counters().resets_received, 1U);
  }
}

TEST(TcpMoments, OnlyWhatCameBeforeCountsAsADuplicate) {
  Script s;
  s.established();
  const auto duplicates = [&] { return s.host.tcp.counters().duplicates; };
  s.run("< FP. 11(10) ack 1\n> . 1(0) ack 1\n< P. 30(10) ack 1\n> . 1(0) ack 1");
  EXPECT_EQ(duplicates(), 0U) << "what lies behind a FIN is nothing at all";
  s.run("< P. 11(10) ack 1\n> . 1(0) ack 1");
  EXPECT_EQ(duplicates(), 1U) << "beyond a gap";
  s.run("< P. 1(10) ack 1\n> . 1(0) ack 22\nevents readable end");
  EXPECT_EQ(duplicates(), 1U);
  s.run("< P. 1(10) ack 1\n> . 1(0) ack 22\nread 20");
  EXPECT_EQ(duplicates(), 2U) << "before the window";
  EXPECT_EQ(s.host.tcp.counters().out_of_order, 1U);
}

TEST(TcpMoments, TheWindowDoublesOnlyWhenMoreThanHalfOfItWasUsedAndEverythingRead) {
  Capacity capacity = Host::small();
  capacity.first_window = 4'096;
  const auto open = [&] {
    auto s = std::make_unique<Script>(Options{}, capacity);
    s->run("listen\n< S 0(0) win 65535 mss 1000\n> S. 0(0) ack 1 win 4096\n< . 1(0) ack 1\nevents accepted");
    return s;
  };
  // Half is not more than half.
  auto s = open();
  s->run(
      "< P. 1(1000) ack 1\n< P. 1001(1000) ack 1\n> . 1(0) ack 2001 win 2096\n< P. 2001(48) ack 1\nread 2048\n> . 1(0) ack "
      "2049 win 4096");
  // One octet more is, once it has all been read.
  s = open();
  s->run("< P. 1(1000) ack 1\n< P. 1001(1000) ack 1\n> . 1(0) ack 2001 win 2096\n< P. 2001(49) ack 1");
  s->run("read 2000\n> . 1(0) ack 2050 win 4047\nread 49\n+40");
  s = open();
  s->run("< P. 1(1000) ack 1\n< P. 1001(1000) ack 1\n> . 1(0) ack 2001 win 2096\n< P. 2001(49) ack 1\nread 2049");
  s->run("> . 1(0) ack 2050 win 8192");
  // Nor when somebody reads again who has read everything.
  s = open();
  s->run(
      "< P. 1(100) ack 1\nread 100\nread 0\nread 0\n+40\n> . 1(0) ack 101\n< P. 101(1000) ack 1\nread 1000\n+40\n> . 1(0) ack "
      "1101");
  EXPECT_LE(s->last->header.window, 4'096);
}

TEST(TcpMoments, NoBitOfACookieCanBeChanged) {
  SeededRng rng(4);
  SynCookies cookies(rng);
  const Instant now = Instant::since_boot(seconds(1'000));
  const Flow flow{{host_a, Port(53)}, {host_b, Port(1'000)}};
  Segment syn;
  syn.header.seq = SeqNumber(77);
  syn.header.options.mss = 1'400;
  syn.header.options.window_scale = 7;
  syn.header.options.sack_permitted = true;
  syn.header.options.timestamps = Timestamps{9, 0};
  const auto cookie = cookies.make(now, flow, syn, 5'000, 536);
  Segment ack;
  ack.header.seq = syn.header.seq + 1;
  ack.header.options.timestamps = Timestamps{10, cookie.timestamp};
  const auto good = [&](u32 number, u32 echo) {
    ack.header.ack = SeqNumber(number) + 1;
    ack.header.options.timestamps->echo = echo;
    return cookies.check(now, flow, ack).has_value();
  };
  EXPECT_TRUE(good(cookie.seq.value(), cookie.timestamp));
  for (u32 bit = 0; bit < 32; ++bit) EXPECT_FALSE(good(cookie.seq.value() ^ (1U << bit), cookie.timestamp)) << bit;
  for (u32 bit = 0; bit < 5; ++bit) EXPECT_FALSE(good(cookie.seq.value(), cookie.timestamp ^ (1U << bit))) << bit;
}

TEST(TcpMoments, AnOptionThatEndsWithItsKindIsTheLast) {
  for (const char* kind : {"02", "03", "04", "05", "08", "22"}) {
    Script s;
    s.established();
    s.run(std::string("< P. 1(10) ack 1 raw 010101") + kind + "\nevents readable\nread 10");
    s.run(std::string("< P. 11(10) ack 1 raw 0101") + kind + "00\nevents readable\nread 10");
    s.run(std::string("< P. 21(10) ack 1 raw 0101") + kind + "01\nevents readable\nread 10");
    s.run(std::string("< P. 31(10) ack 1 raw 0101") + kind + "05\nevents readable\nread 10");
  }
}

TEST(TcpMoments, AsManyGapsAreReportedAsTheOptionsHaveRoomFor) {  // RFC 2018 section 3
  for (const bool timestamps : {true, false}) {
    SCOPED_TRACE(timestamps);
    const std::string ts = timestamps ? " ts 1001 0" : "";
    Script s;
    s.run("listen\n< S 0(0) win 65535 mss 1460 sackok" + ts + "\n> S. 0(0) ack 1\n< . 1(0) ack 1" + ts + "\nevents accepted");
    s.run("< P. 11(10) ack 1" + ts + "\n> . 1(0) ack 1 sack 11-21\n< P. 31(10) ack 1" + ts +
          "\n> . 1(0) ack 1 sack 31-41 11-21");
    s.run("< P. 51(10) ack 1" + ts + "\n> . 1(0) ack 1 sack 51-61 31-41 11-21\n< P. 71(10) ack 1" + ts);
    s.run(timestamps ? "> . 1(0) ack 1 sack 71-81 51-61 31-41" : "> . 1(0) ack 1 sack 71-81 51-61 31-41 11-21");
    s.run("< P. 91(10) ack 1" + ts);
    s.run(timestamps ? "> . 1(0) ack 1 sack 91-101 71-81 51-61" : "> . 1(0) ack 1 sack 91-101 71-81 51-61 31-41");
    EXPECT_LE(header_size(s.last->header.options), max_header_size);
  }
}

TEST(TcpMoments, AProbeOfTheTailIsNoFastRetransmission) {  // RFC 8985 section 7
  Script s;
  s.far_established("mss 1000 sackok");
  s.run("send 2000\n> . 1(1000)\n> P. 1001(1000)\n+20\n> P. 1001(1000)");
  EXPECT_EQ(s.host.tcp.counters().tail_probes, 1U);
  EXPECT_EQ(s.host.tcp.counters().fast_retransmits, 0U);
  EXPECT_EQ(s.host.tcp.counters().timeouts, 0U);
}

// MUST-39: what is held counts for half of all there is.
TEST(TcpMoments, TheRightEdgeMovesByHalfOfTheBufferAndNotByHalfOfWhatIsFree) {
  Capacity capacity = Host::small();
  capacity.receive_limit = 4'096;
  Script s({}, capacity);
  s.established("mss 3000");
  s.run("< P. 1(2096) ack 1\nevents readable\nread 1096\n> nothing\n+40\n> . 1(0) ack 2097 win 2000");
  s.run("read 951\n> nothing");
  EXPECT_EQ(s.host.tcp.receivable(s.id), 49U) << "2,047 octets were read";
  s.run("read 1\n> . 1(0) ack 2097 win 4048");
}

}  // namespace
}  // namespace samara::net::tcp::test
