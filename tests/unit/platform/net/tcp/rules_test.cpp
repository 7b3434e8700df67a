// The formulas that TCP sends by, each with numbers worked out by hand: time-outs, windows, losses by the clock, path sizes.
#include "platform/net/tcp/block_budget.h"
#include "platform/net/tcp/congestion.h"
#include "platform/net/tcp/path_mtu.h"
#include "platform/net/tcp/round_trip.h"
#include "platform/net/tcp/scoreboard.h"
#include "tcp_host.h"

namespace samara::net::tcp::test {
namespace {

Duration us(i64 n) {
  return Duration::microseconds(n);
}

// RFC 6298 section 2.
TEST(TcpRoundTrip, TheTimeoutIsTheSmoothedTimeAndFourVariations) {
  RoundTrip rtt;
  EXPECT_EQ(rtt.timeout(), seconds(1));
  EXPECT_FALSE(rtt.measured());
  rtt.on_sample(ms(100));  // SRTT 100, RTTVAR 50
  EXPECT_TRUE(rtt.measured());
  EXPECT_EQ(rtt.smoothed(), ms(100));
  EXPECT_EQ(rtt.timeout(), ms(300));
  rtt.on_sample(ms(200));  // RTTVAR 50 + (100 - 50) / 4, SRTT 100 + 100 / 8
  EXPECT_EQ(rtt.smoothed(), us(112'500));
  EXPECT_EQ(rtt.timeout(), us(362'500));
  rtt.on_sample(us(12'500));  // a shorter one counts as far off as a longer one
  EXPECT_EQ(rtt.smoothed(), ms(100));
  EXPECT_EQ(rtt.timeout(), us(387'500));
}

TEST(TcpRoundTrip, TheTimeoutHasAFloorAboveTheSmoothedTimeAndACeiling) {
  RoundTrip near_by;
  near_by.on_sample(ms(2));
  EXPECT_EQ(near_by.timeout(), ms(202));
  RoundTrip far_away;
  far_away.on_sample(seconds(100));
  EXPECT_EQ(far_away.timeout(), seconds(60));
  RoundTrip back_in_time;
  back_in_time.on_sample(ms(-5));
  EXPECT_EQ(back_in_time.smoothed(), Duration());
  EXPECT_EQ(back_in_time.timeout(), ms(200));
}

TEST(TcpRoundTrip, AMeasurementEndsTheDoublingAndTheSlowStartOfALostSyn) {
  RoundTrip rtt;
  rtt.on_syn_lost();  // section 5.7
  EXPECT_EQ(rtt.timeout(), seconds(3));
  rtt.back_off();
  rtt.back_off();
  EXPECT_EQ(rtt.timeout(), seconds(12));
  rtt.end_back_off();
  EXPECT_EQ(rtt.timeout(), seconds(3));
  rtt.back_off();
  rtt.on_sample(ms(100));
  EXPECT_EQ(rtt.timeout(), ms(300));
  rtt.on_syn_lost();
  EXPECT_EQ(rtt.timeout(), ms(300)) << "it is measured";
}

// RFC 6928 section 2.
TEST(TcpCongestion, BeginsWithTenSegmentsOrWhatFourteenThousandOctetsHold) {
  EXPECT_EQ(Congestion::initial_window(536), 5'360U);
  EXPECT_EQ(Congestion::initial_window(1'460), 14'600U);
  EXPECT_EQ(Congestion::initial_window(2'000), 14'600U);
  EXPECT_EQ(Congestion::initial_window(8'940), 17'880U);
  Congestion congestion;
  congestion.start(1'000, true);
  EXPECT_EQ(congestion.window(), 1'000U) << "the SYN was lost (RFC 5681 section 3.1)";
}

TEST(TcpCongestion, StartsSlowlyThenGrowsByASegmentAWindow) {
  Congestion congestion;
  congestion.start(1'000, false);
  congestion.on_ack(1'000, 1'000, false);
  EXPECT_EQ(congestion.window(), 10'000U) << "it was not used up";
  congestion.on_ack(700, 1'000, true);
  EXPECT_EQ(congestion.window(), 10'700U);
  congestion.on_ack(5'000, 1'000, true);  // RFC 3465
  EXPECT_EQ(congestion.window(), 12'700U);
  congestion.on_loss(8'000, 1'000);
  EXPECT_EQ(congestion.threshold(), 4'000U);
  EXPECT_EQ(congestion.window(), 4'000U);
  congestion.on_ack(3'999, 1'000, true);
  EXPECT_EQ(congestion.window(), 4'000U);
  congestion.on_ack(501, 1'000, true);
  EXPECT_EQ(congestion.window(), 5'000U);
  congestion.on_ack(4'499, 1'000, true);  // 500 were left over
  EXPECT_EQ(congestion.window(), 5'000U);
  congestion.on_ack(1, 1'000, true);
  EXPECT_EQ(congestion.window(), 6'000U);
}

TEST(TcpCongestion, EachLossBeginsToCountAnew) {
  Congestion congestion;
  congestion.start(1'000, false);
  congestion.on_loss(8'000, 1'000);
  congestion.on_ack(3'000, 1'000, true);
  congestion.on_loss(8'000, 1'000);
  congestion.on_ack(3'000, 1'000, true);
  EXPECT_EQ(congestion.window(), 4'000U);
  congestion.on_loss(1'000, 1'000);
  EXPECT_EQ(congestion.threshold(), 2'000U) << "two segments at least";
  congestion.on_timeout(30'000, 1'000, true);
  EXPECT_EQ(congestion.threshold(), 15'000U);
  EXPECT_EQ(congestion.window(), 1'000U);
  congestion.on_timeout(1'000, 1'000, false);
  EXPECT_EQ(congestion.threshold(), 15'000U);
}

TEST(TcpCongestion, ASmallerPathRestIdlenessAndRecoveryBoundTheWindow) {
  Congestion congestion;
  congestion.start(1'000, false);
  congestion.on_ack(2'000, 1'000, true);
  congestion.on_mss(900);
  EXPECT_EQ(congestion.window(), 12'000U);
  congestion.on_idle(1'000);  // RFC 5681 section 4.1
  EXPECT_EQ(congestion.window(), 10'000U);
  congestion.restart(1'000);
  congestion.on_idle(1'000);
  EXPECT_EQ(congestion.window(), 1'000U) << "rest gives nothing";
  congestion.on_mss(1'400);
  EXPECT_EQ(congestion.window(), 1'400U) << "one segment fits";
  // RFC 6582 section 3.2 step 3.
  congestion.on_loss(10'000, 1'000);
  congestion.on_recovered(2'000, 1'000);
  EXPECT_EQ(congestion.window(), 3'000U);
  congestion.on_recovered(0, 1'000);
  EXPECT_EQ(congestion.window(), 2'000U);
  congestion.on_recovered(9'000, 1'000);
  EXPECT_EQ(congestion.window(), 5'000U);
  congestion.on_recovered(0, 1'000);
  congestion.on_recovered();
  EXPECT_EQ(congestion.window(), 5'000U);
}

// RFC 6937 section 3.
TEST(TcpCongestion, ARecoverySendsInProportionAndThenNoFasterThanSlowStart) {
  Congestion congestion;
  congestion.start(1'000, false);
  congestion.on_loss(10'000, 1'000);  // threshold 5,000
  congestion.on_recovery_ack(1'000, 8'000, 1'000);
  EXPECT_EQ(congestion.window(), 8'500U);
  congestion.on_recovery_sent(500);
  congestion.on_recovery_ack(1'001, 7'000, 1'000);  // 2,001 of 10,000: 1,000.5, rounded up
  EXPECT_EQ(congestion.window(), 7'501U);
  congestion.on_recovery_sent(2'000);
  congestion.on_recovery_ack(1'000, 6'000, 1'000);
  EXPECT_EQ(congestion.window(), 6'000U) << "more was sent than is due";
  // At the threshold and below.
  congestion.on_recovery_ack(1'000, 5'000, 1'000);
  EXPECT_EQ(congestion.window(), 5'000U);
  congestion.on_recovery_ack(100, 1'000, 1'000);  // 4,101 arrived, 2,500 were sent: 1,601 and a segment
  EXPECT_EQ(congestion.window(), 3'601U);
  congestion.on_recovery_sent(1'600);
  congestion.on_recovery_ack(700, 1'000, 1'000);  // 4,801 and 4,100: 701 and a segment
  EXPECT_EQ(congestion.window(), 2'701U);
  congestion.on_recovery_sent(5'000);
  congestion.on_recovery_ack(700, 1'000, 1'000);  // what arrives now may go out, and a segment
  EXPECT_EQ(congestion.window(), 2'700U);
}

struct TcpRackRules : testing::Test {
  const Instant t0 = Instant::since_boot(seconds(100));
  const SeqNumber s{0xffffff00};
  Rack rack;
  TcpRackRules() { rack.start(s); }
  void arrives(Instant now, Instant sent, u32 begin, u32 end, bool again = false, std::optional<Duration> echoed = {}) {
    rack.on_ack_begins(now, echoed, false, s, s + 10'000);
    rack.on_delivered({sent, s + begin, s + end, again});
  }
};

TEST_F(TcpRackRules, WhatWasSentAtTheSameMomentIsOvertakenByWhatFollowsIt) {  // RFC 8985 section 6.2 step 2
  EXPECT_FALSE(rack.overtaken(t0, s));
  arrives(t0 + ms(30), t0 + ms(10), 1'000, 2'000);
  EXPECT_TRUE(rack.overtaken(t0 + ms(9), s + 5'000));
  EXPECT_TRUE(rack.overtaken(t0 + ms(10), s + 1'999));
  EXPECT_FALSE(rack.overtaken(t0 + ms(10), s + 2'000));
  EXPECT_FALSE(rack.overtaken(t0 + ms(10), s + 3'000));
  EXPECT_FALSE(rack.overtaken(t0 + ms(11), s + 1'000));
  // A segment sent before the newest is no news; one that was sent with it and ends later is.
  arrives(t0 + ms(40), t0 + ms(9), 2'000, 3'000);
  EXPECT_FALSE(rack.overtaken(t0 + ms(10), s + 2'000));
  arrives(t0 + ms(40), t0 + ms(10), 3'000, 4'000);
  EXPECT_TRUE(rack.overtaken(t0 + ms(10), s + 3'999));
  EXPECT_EQ(rack.lost_at(t0, ms(5)), t0 + ms(35)) << "the round trip of the newest, 30 ms, and the window";
}

TEST_F(TcpRackRules, AnAcknowledgementOfWhatWasSentTwiceMayBeOfTheFirst) {
  arrives(t0 + ms(40), t0, 0, 1'000);  // 40 ms is the least
  // Sooner than the least round trip: of the first one.
  arrives(t0 + ms(139), t0 + ms(100), 1'000, 2'000, true);
  EXPECT_FALSE(rack.overtaken(t0 + ms(50), s));
  // The echo is a tick older than the second one: of the first one as well.
  arrives(t0 + ms(140), t0 + ms(100), 1'000, 2'000, true, ms(41));
  EXPECT_FALSE(rack.overtaken(t0 + ms(50), s));
  arrives(t0 + ms(140), t0 + ms(100), 1'000, 2'000, true, ms(40));
  EXPECT_TRUE(rack.overtaken(t0 + ms(50), s));
}

TEST_F(TcpRackRules, TheReorderingWindowIsAQuarterOfTheLeastRoundTripWhereThereIsReordering) {  // section 6.2 step 4
  EXPECT_EQ(rack.reordering_window(false, ms(100)), Duration());
  arrives(t0 + ms(80), t0, 1'000, 2'000);
  arrives(t0 + ms(140), t0 + ms(60), 2'000, 3'000);
  arrives(t0 + ms(300), t0 + ms(200), 3'000, 4'000);
  EXPECT_EQ(rack.reordering_window(false, ms(100)), ms(20));
  EXPECT_EQ(rack.reordering_window(false, ms(15)), ms(15)) << "no longer than the smoothed round trip";
  EXPECT_EQ(rack.reordering_window(true, ms(100)), Duration());
  // A segment that ends where others that arrived before it begin is not reordered; one that ends below is.
  arrives(t0 + ms(310), t0 + ms(200), 4'000, 4'100, true);
  EXPECT_EQ(rack.reordering_window(true, ms(100)), Duration());
  arrives(t0 + ms(320), t0 + ms(200), 500, 900, true);
  EXPECT_EQ(rack.reordering_window(true, ms(100)), Duration()) << "sent again: it fills a gap";
  arrives(t0 + ms(330), t0 + ms(200), 0, 500);
  EXPECT_EQ(rack.reordering_window(true, ms(100)), ms(20));
}

TEST_F(TcpRackRules, DuplicatesWidenTheWindowOnceARoundTripForSixteenRecoveries) {
  arrives(t0 + ms(80), t0, 1'000, 2'000);
  const auto duplicate = [&](u32 una, u32 nxt) { rack.on_ack_begins(t0 + ms(90), std::nullopt, true, s + una, s + nxt); };
  const auto window = [&] { return rack.reordering_window(false, seconds(10)); };
  EXPECT_EQ(window(), ms(20));
  duplicate(2'000, 9'000);
  EXPECT_EQ(window(), ms(40));
  duplicate(3'000, 9'500);
  duplicate(8'999, 9'500);
  EXPECT_EQ(window(), ms(40)) << "the round trip is not over";
  duplicate(9'000, 9'500);
  EXPECT_EQ(window(), ms(60));
  for (int i = 0; i < 15; ++i) rack.on_recovered();
  EXPECT_EQ(window(), ms(60));
  duplicate(9'500, 9'900);  // patience begins anew
  for (int i = 0; i < 15; ++i) rack.on_recovered();
  EXPECT_EQ(window(), ms(80));
  rack.on_recovered();
  EXPECT_EQ(window(), ms(20));
  rack.on_recovered();
  duplicate(9'900, 9'900);
  EXPECT_EQ(window(), ms(40));
}

struct TcpScoreboardRules : testing::Test {
  const Instant t0 = Instant::since_boot(seconds(100));
  const SeqNumber s{0xffffff00};
  Scoreboard board;
  Rack rack;
  TcpScoreboardRules() {
    board.reset(s);
    rack.start(s);
  }
  // Segments of 1,000 octets, each a millisecond after the one before.
  void send(u32 count) {
    for (u32 i = 0; i < count; ++i) board.on_sent(t0 + ms(i), s + 1'000 * i, s + 1'000 * (i + 1));
  }
  u32 report(u32 begin, u32 end, Instant now) {
    rack.on_ack_begins(now, std::nullopt, false, s, s + 100'000);
    const SackBlock block{s + begin, s + end};
    return board.on_sack(std::span(&block, 1), rack);
  }
};

TEST_F(TcpScoreboardRules, MoreThanTwoSegmentsOrThreeReportsAreMany) {  // RFC 6675 section 4
  send(10);
  EXPECT_FALSE(board.many_reported(1'000));
  EXPECT_EQ(report(1'000, 3'000, t0 + ms(50)), 2'000U);
  EXPECT_FALSE(board.many_reported(1'000));
  EXPECT_EQ(report(3'000, 3'001, t0 + ms(50)), 1U);
  EXPECT_TRUE(board.many_reported(1'000));
  EXPECT_FALSE(board.many_reported(2'000));
  EXPECT_EQ(report(4'000, 4'010, t0 + ms(50)), 10U);
  EXPECT_FALSE(board.many_reported(2'000));
  EXPECT_EQ(report(5'000, 5'010, t0 + ms(50)), 10U);
  EXPECT_TRUE(board.many_reported(2'000)) << "three apart";
}

TEST_F(TcpScoreboardRules, WhatWasOvertakenIsLostWhenItsTimeHasComeAndNotBefore) {  // RFC 8985 section 6.2 step 5
  send(4);
  // The third, sent at 2 ms, arrives at 42 ms: a round trip of 40 ms. The first is lost at 40 + 10 ms, the second a millisecond
  // on.
  EXPECT_EQ(report(2'000, 3'000, t0 + ms(42)), 1'000U);
  auto verdict = board.find_lost(t0 + ms(49), rack, ms(10));
  EXPECT_FALSE(verdict.lost);
  EXPECT_EQ(verdict.again_at, t0 + ms(51)) << "when both are";
  verdict = board.find_lost(t0 + ms(50), rack, ms(10));
  EXPECT_TRUE(verdict.lost);
  EXPECT_EQ(board.lost(), 1'000U);
  EXPECT_EQ(verdict.again_at, t0 + ms(51));
  verdict = board.find_lost(t0 + ms(51), rack, ms(10));
  EXPECT_TRUE(verdict.lost);
  EXPECT_EQ(board.lost(), 2'000U);
  EXPECT_EQ(verdict.again_at, Instant::never());
  EXPECT_EQ(board.first_lost()->begin, s);
  EXPECT_EQ(board.first_lost()->end, s + 2'000);
  EXPECT_EQ(board.last_under_way()->begin, s + 3'000) << "nothing that was sent later has arrived";
  EXPECT_EQ(board.under_way(), 1'000U);
}

TEST_F(TcpScoreboardRules, ReportsOutsideWhatIsUnderWayAreNotBelieved) {
  send(3);
  const Instant now = t0 + ms(50);
  EXPECT_EQ(report(0, 1'000, now), 0U) << "it begins where the acknowledgement is";
  EXPECT_EQ(report(2'000, 2'000, now), 0U);
  EXPECT_EQ(report(2'000, 1'000, now), 0U);
  EXPECT_EQ(report(2'000, 3'001, now), 0U);
  EXPECT_EQ(report(2'000, 3'000, now), 1'000U);
  EXPECT_EQ(report(2'000, 3'000, now), 0U);
  EXPECT_EQ(report(1'500, 3'000, now), 500U);
  EXPECT_FALSE(board.begins_reported());
  EXPECT_EQ(board.on_advance(s + 1'500, rack), 1'500U);
  EXPECT_TRUE(board.begins_reported());
  board.forget_reports();
  EXPECT_EQ(board.under_way(), 1'500U);
  EXPECT_EQ(board.reported(), 0U);
  EXPECT_EQ(board.on_advance(s + 9'000, rack), 1'500U) << "no further than what was sent";
}

TEST_F(TcpScoreboardRules, NoMoreReportsAreRememberedThanThereIsRoomFor) {
  send(150);
  const Instant now = t0 + ms(300);
  for (u32 i = 0; i < Scoreboard::max_reports; ++i) {
    EXPECT_EQ(report(1'000 + 2'000 * i, 2'000 + 2'000 * i, now), 1'000U) << i;
  }
  EXPECT_EQ(report(140'000, 141'000, now), 0U);
  EXPECT_EQ(report(127'000, 130'000, now), 2'000U) << "one that adds to another takes no room";
  EXPECT_EQ(board.reported(), 66'000U);
}

TEST_F(TcpScoreboardRules, TimesBeyondWhatThereIsRoomForBecomeThoseOfTheirNeighbours) {
  constexpr u32 count = Scoreboard::max_ranges + 40;
  send(count);
  EXPECT_EQ(board.under_way(), count * 1'000);
  EXPECT_EQ(board.lost(), 0U);
  ASSERT_TRUE(board.last_under_way().has_value());
  EXPECT_EQ(board.last_under_way()->end, s + count * 1'000);
  EXPECT_EQ(report(1'000 * (count - 1), 1'000 * count, t0 + ms(300)), 1'000U);
  EXPECT_FALSE(board.begins_reported());
  EXPECT_EQ(board.on_advance(s + count * 1'000, rack), (count - 1) * 1'000);
  EXPECT_EQ(board.under_way() + board.reported() + board.lost(), 0U);
}

TEST_F(TcpScoreboardRules, WhatIsLostTogetherCountsAsSentAgainIfPartOfItWas) {  // RFC 8985 section 6.2 step 1
  send(3);
  rack.on_ack_begins(t0 + ms(40), std::nullopt, false, s, s + 3'000);
  EXPECT_EQ(board.on_advance(s + 1'000, rack), 1'000U);  // 40 ms is the least round trip
  board.on_sent(t0 + ms(50), s + 2'000, s + 3'000);
  board.mark_all_lost();
  EXPECT_EQ(board.lost(), 2'000U);
  // 10 ms after the second time: it was the first that arrived.
  rack.on_ack_begins(t0 + ms(60), std::nullopt, false, s + 1'000, s + 3'000);
  EXPECT_EQ(board.on_advance(s + 3'000, rack), 2'000U);
  EXPECT_FALSE(rack.overtaken(t0 + ms(49), s + 4'000));
}

// RFC 4821's idea in two steps, of which IPv4 has the second.
TEST(TcpPathMtu, FourTimeoutsOfALongSegmentMakeThePathSmallerAndFourMoreGiveItUp) {
  PathMtu v4(IpFamily::v4, 1'500);
  for (const u32 early : {1U, 2U, 3U, 5U, 7U}) EXPECT_FALSE(v4.on_timeouts(early, 1'500)) << early;
  EXPECT_FALSE(v4.on_timeouts(4, 1'280)) << "short enough for the step";
  EXPECT_TRUE(v4.on_timeouts(4, 1'281));
  EXPECT_EQ(v4.value(), 1'280);
  EXPECT_EQ(v4.max_segment(), 1'240U);
  EXPECT_TRUE(v4.dont_fragment());
  EXPECT_TRUE(v4.on_timeouts(8, 577));
  EXPECT_EQ(v4.value(), 576);
  EXPECT_FALSE(v4.dont_fragment());
  EXPECT_FALSE(v4.on_timeouts(12, 577)) << "there is no further step";
  v4.learn(1'400);
  EXPECT_EQ(v4.value(), 1'400);
  EXPECT_TRUE(v4.dont_fragment());
  PathMtu short_ones(IpFamily::v4, 1'500);
  EXPECT_FALSE(short_ones.on_timeouts(4, 576));
  EXPECT_TRUE(short_ones.on_timeouts(8, 576));
  EXPECT_EQ(short_ones.value(), 1'500) << "nothing was said of longer ones";
  EXPECT_FALSE(short_ones.dont_fragment());
  EXPECT_FALSE(short_ones.on_timeouts(12, 576));
  PathMtu v6(IpFamily::v6, 1'500);
  EXPECT_TRUE(v6.on_timeouts(4, 1'500));
  EXPECT_EQ(v6.max_segment(), 1'220U);
  EXPECT_FALSE(v6.on_timeouts(8, 1'280));
  v6.learn(600);
  EXPECT_EQ(v6.value(), 1'280);
  EXPECT_EQ(PathMtu(IpFamily::v4, 100).value(), 576);
}

TEST(TcpBlockBudget, AQueueHasAThirdOfWhatIsLeftAndAPrefixHalf) {
  BlockBudget budget(60, 8, 1);
  const u32 one = budget.join(1);
  EXPECT_EQ(budget.join(1), one);
  const u32 other = budget.join(2);
  ASSERT_NE(one, other);
  EXPECT_EQ(budget.allowance(one, 0), 20U);
  u32 first = 0, second = 0, third = 0;
  budget.change(one, first, 20);
  EXPECT_EQ(budget.left(), 40U);
  EXPECT_EQ(budget.allowance(one, first), 20U);
  EXPECT_EQ(budget.allowance(one, 0), 10U) << "half of 60 is the prefix's, of which 20 are lent";
  EXPECT_EQ(budget.allowance(other, 0), 13U);
  budget.change(one, second, 10);
  EXPECT_EQ(budget.allowance(one, 0), 0U);
  EXPECT_EQ(budget.allowance(other, 0), 10U);
  budget.change(other, third, 10);
  EXPECT_EQ(budget.left(), 20U);
  EXPECT_EQ(budget.lent_to(one), 30U);
  EXPECT_EQ(budget.lent_to(other), 10U);
  EXPECT_EQ(budget.allowance(one, first), 20U) << "what it has it keeps";
  budget.change(one, first, 5);
  EXPECT_EQ(first, 5U);
  EXPECT_EQ(budget.left(), 35U);
  EXPECT_EQ(budget.lent_to(one), 15U);
}

}  // namespace
}  // namespace samara::net::tcp::test
