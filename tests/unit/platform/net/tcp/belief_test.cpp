// What is believed of a segment, and when: nothing before every check has passed, and of a peer's reports no more than it keeps
// to. A sender who cannot read the connection changes nothing of it.
#include "script.h"

namespace samara::net::tcp::test {
namespace {

constexpr u32 far_future = 1U << 27;

struct TcpBelief : testing::Test {
  Script s;
  void with_timestamps() {
    s.run("listen\n< S 0(0) win 65535 mss 1460 ts 1000 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 1001 0\nevents accepted");
  }
  void the_peer_goes_on(const std::string& segment) { s.run("< P. " + segment + " ack 1 ts 1002 0\nevents readable"); }
};

TEST_F(TcpBelief, ATimestampCountsOnlyWithAnAcknowledgementThatIsPossible) {  // RFC 7323 section 5.3, RFC 5961 section 5.2
  with_timestamps();
  const std::string forged = " ts " + std::to_string(far_future) + " 0";
  s.run("< . 1(0) ack 500000" + forged + "\n> . 1(0) ack 1\n< P. 1(10) ack -70000" + forged + "\n> . 1(0) ack 1");
  EXPECT_EQ(s.last->header.options.timestamps->echo, 1'001U);
  s.run("< P 1(10)" + forged + "\n> nothing\nevents");  // without ACK it is nothing at all
  the_peer_goes_on("1(10)");
}

TEST_F(TcpBelief, AResetOrSynThatIsChallengedLeavesTheTimestampAlone) {
  with_timestamps();
  s.run("< P. 1(100) ack 1 ts 1001 0\n+40\n> . 1(0) ack 101\nevents readable");
  const std::string forged = " ts " + std::to_string(far_future) + " 0";
  s.run("< R 51(100)" + forged + "\n> . 1(0) ack 101\n< S. 51(100) ack 1" + forged + "\n> . 1(0) ack 101");
  EXPECT_EQ(s.last->header.options.timestamps->echo, 1'001U);
  s.run("read 100");
  the_peer_goes_on("101(10)");
}

TEST_F(TcpBelief, ATimestampOfASegmentBeyondTheLastAcknowledgementWaits) {  // RFC 7323 section 4.3
  with_timestamps();
  // The second of two segments that were sent in order comes first: the first is not old.
  s.run("< P. 11(10) ack 1 ts 1500 0\n> . 1(0) ack 1\nevents");
  EXPECT_EQ(s.last->header.options.timestamps->echo, 1'001U);
  s.run("< P. 1(10) ack 1 ts 1400 0\n> . 1(0) ack 21\nevents readable");
  EXPECT_EQ(s.last->header.options.timestamps->echo, 1'400U);
  s.run("read 20");
}

TEST_F(TcpBelief, OurResetsBearATimestamp) {  // RFC 7323 section 3.2
  with_timestamps();
  s.run("abort\n> R. 1(0)");
  ASSERT_TRUE(s.last->header.options.timestamps.has_value());
  EXPECT_EQ(s.last->header.options.timestamps->echo, 1'001U);
  EXPECT_NE(s.last->header.options.timestamps->value, 0U);
  Script other;
  other.run("listen\n< S 0(0) win 65535 ts 1000 0\n> S. 0(0) ack 1\n< . 1(0) ack 2 ts 1001 0\n> R 2(0)");
  EXPECT_TRUE(other.last->header.options.timestamps.has_value()) << "to an impossible ACK of a SYN too";
  Script without;
  without.established();
  without.run("abort\n> R. 1(0)");
  EXPECT_FALSE(without.last->header.options.timestamps.has_value());
}

TEST_F(TcpBelief, WhatWasRejectedKeepsNoConnectionAlive) {
  s.options.keep_alive = true;
  s.options.keep_alive_idle = seconds(10);
  s.established();
  s.run("+9000\n< . 1(0) ack 500000\n> . 1(0) ack 1\n+1000\n> . 0(0) ack 1");
}

TEST_F(TcpBelief, OnlyTheFinItselfBeginsTimeWaitAnew) {
  s.established();
  // Octets that nobody has read keep the connection from becoming an entry of the table.
  s.run("shutdown\n> F. 1(0)\n< PF. 1(10) ack 2\nevents readable end\nstate time_wait\n> . 2(0) ack 12");
  s.run("+50000\n< PF. -20000(10) ack 2\n> . 2(0) ack 12\n+10000\nread 10\nevents closed\nstale");
  EXPECT_EQ(s.host.tcp.next_deadline(), Instant::never()) << "its time was over";
}

// RFC 2018 section 8.
TEST_F(TcpBelief, TheLeftEdgeIsSentAgainAtTheFirstTimeoutThoughItWasReported) {
  s.established("mss 1000 sackok");
  s.run(
      "send 3000\n> . 1(1000)\n> . 1001(1000)\n> P. 2001(1000)\n< . 1(0) ack 1 sack 1001-3001\n> . 1(1000)\n< . 1(0) ack 1001");
  s.collecting = true;
  s.run("+199");
  s.collecting = false;
  s.run("> nothing\n+200\n> . 1001(1000)\n< . 1(0) ack 2001\n> P. 2001(1000)\n< . 1(0) ack 3001\n> nothing");
}

TEST_F(TcpBelief, ReportsAreForgottenAtTheSecondTimeout) {
  s.established("mss 1000 sackok");
  s.run("send 3000\n> . 1(1000)\n> . 1001(1000)\n> P. 2001(1000)\n< . 1(0) ack 1 sack 1001-3001\n> . 1(1000)");
  const auto wait_for_timeouts = [&](u64 count) {
    s.collecting = true;
    while (s.host.tcp.counters().timeouts < count) s.run("+1");
    s.collecting = false;
    s.waiting_.erase(s.waiting_.begin(), s.waiting_.end() - 1);
  };
  // The first one believes them: what fills the gap brings the rest along.
  wait_for_timeouts(1);
  s.run("> . 1(1000)\n> nothing");
  wait_for_timeouts(2);
  s.run("> . 1(1000)\n< . 1(0) ack 1001\n> . 1001(1000)\n> P. 2001(1000)");
}

}  // namespace
}  // namespace samara::net::tcp::test
