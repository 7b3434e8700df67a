#include "platform/net/ipv6/multicast_listener.h"

#include <gtest/gtest.h>

#include "packet.h"

namespace samara::net::ipv6 {
namespace {

using test::address;
using test::TestRng;
using Type = ListenerRecordType;

const IpAddress group = address("ff02::1:ff00:5");
const IpAddress second = address("ff02::fb");
const IpAddress own = address("fe80::9");

Instant at(i64 milliseconds) {
  return Instant::since_boot(Duration::milliseconds(milliseconds));
}

ListenerQuery general(i64 max_response_ms, u8 version = 2) {
  ListenerQuery query;
  query.version = version;
  query.max_response = Duration::milliseconds(max_response_ms);
  return query;
}
ListenerQuery about(const IpAddress& which, i64 max_response_ms, std::vector<IpAddress> sources = {}, u8 version = 2) {
  ListenerQuery query = general(max_response_ms, version);
  query.group = which;
  for (const IpAddress& source : sources) query.sources.add(source);
  return query;
}

struct Sent {
  i64 milliseconds;
  ListenerOutput output;
  const SendListenerReport& report() const { return std::get<SendListenerReport>(output); }
  const SendListenerMessageV1& v1() const { return std::get<SendListenerMessageV1>(output); }
};

struct MulticastListenerTest : testing::Test {
  TestRng rng;
  MulticastListener listener{rng};
  std::vector<Sent> sent;

  MulticastListenerTest() { listener.on_link_local(at(0), own); }
  void drain(Instant now) {
    while (auto output = listener.poll(now)) sent.push_back({now.since_boot().milliseconds(), *output});
  }
  void run_until(Instant end) {
    while (listener.next_deadline() <= end) {
      const Instant now = listener.next_deadline();
      listener.on_deadline(now);
      drain(now);
      ASSERT_GT(listener.next_deadline(), now);
    }
  }
  void settled(std::initializer_list<IpAddress> groups) {
    for (const IpAddress& one : groups) EXPECT_TRUE(listener.join(at(0), one));
    run_until(at(60'000));
    sent.clear();
  }
};

TEST_F(MulticastListenerTest, Rfc3810Section6Point1JoiningIsReportedAtOnceAndOnceMoreWithinASecond) {
  EXPECT_TRUE(listener.join(at(0), group));
  drain(at(0));
  run_until(at(60'000));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].milliseconds, 0);
  EXPECT_LE(sent[1].milliseconds, 1000);
  for (const Sent& one : sent) {
    EXPECT_EQ(one.report().source, own);
    ASSERT_EQ(one.report().report.records.size(), 1u);
    EXPECT_EQ(one.report().report.records[0], (ListenerRecord{Type::change_to_exclude, group, 0}));
  }
  EXPECT_TRUE(listener.listens_to(group));
  EXPECT_EQ(listener.next_deadline(), Instant::never());
}

TEST_F(MulticastListenerTest, GroupsAreReportedAgainWhenTheLinkIsUpAgain) {
  listener.join(at(0), group);
  listener.join(at(0), second);
  run_until(at(100'000));
  sent.clear();
  listener.on_link_up(at(100'000));
  run_until(at(200'000));
  ASSERT_EQ(sent.size(), 2U) << "as often as the link may lose one";
  EXPECT_EQ(sent[0].milliseconds, 100'000);
  EXPECT_EQ(sent[0].report().report.records.size(), 2U);
}

TEST_F(MulticastListenerTest, LeavingIsReportedAsOften) {
  settled({group});
  listener.leave(at(60'000), group);
  EXPECT_FALSE(listener.listens_to(group));
  drain(at(60'000));
  run_until(at(70'000));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].report().report.records[0], (ListenerRecord{Type::change_to_include, group, 0}));
}

TEST_F(MulticastListenerTest, Rfc4862Section5Point4Point2ReportWaitsButListeningDoesNot) {
  EXPECT_TRUE(listener.join(at(0), group, Duration::milliseconds(700)));
  EXPECT_TRUE(listener.listens_to(group));
  EXPECT_FALSE(listener.poll(at(699)).has_value());
  EXPECT_EQ(listener.next_deadline(), at(700));
  EXPECT_TRUE(listener.poll(at(700)).has_value());
}

TEST_F(MulticastListenerTest, OneReportTellsAllChanges) {
  EXPECT_TRUE(listener.join(at(0), group));
  EXPECT_TRUE(listener.join(at(0), second));
  drain(at(0));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].report().report.records.size(), 2u);
}

TEST_F(MulticastListenerTest, GroupsAreLeftWhenTheLastUserLeaves) {
  settled({group, group});
  listener.leave(at(60'000), group);
  EXPECT_TRUE(listener.listens_to(group));
  EXPECT_FALSE(listener.poll(at(60'000)).has_value());
  listener.leave(at(60'000), group);
  EXPECT_FALSE(listener.listens_to(group));
  EXPECT_TRUE(listener.poll(at(60'000)).has_value());
  listener.leave(at(60'000), group);  // once too often: nothing
}

TEST_F(MulticastListenerTest, Rfc3810Section6AllNodesAndThisInterfaceAreNeverReported) {
  EXPECT_TRUE(listener.listens_to(all_nodes));
  EXPECT_TRUE(listener.join(at(0), all_nodes));
  EXPECT_TRUE(listener.join(at(0), address("ff01::5")));
  EXPECT_FALSE(listener.join(at(0), address("fe80::5")));
  listener.on_query(at(0), general(1000));
  listener.on_query(at(0), about(all_nodes, 1000));
  run_until(at(60'000));
  EXPECT_TRUE(sent.empty());
}

TEST_F(MulticastListenerTest, Rfc3810Section6Point2GeneralQueryIsAnsweredWithinItsDelay) {
  settled({group, second});
  listener.on_query(at(60'000), general(10'000));
  run_until(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_LE(sent[0].milliseconds, 70'000);
  ASSERT_EQ(sent[0].report().report.records.size(), 2u);
  EXPECT_EQ(sent[0].report().report.records[0], (ListenerRecord{Type::mode_is_exclude, group, 0}));
  EXPECT_EQ(sent[0].report().report.records[1], (ListenerRecord{Type::mode_is_exclude, second, 0}));
}

TEST_F(MulticastListenerTest, Rfc3810Section6Point2Rule1SoonerGeneralResponseIsEnough) {
  settled({group});
  listener.on_query(at(60'000), general(0));
  listener.on_query(at(60'000), general(10'000));
  listener.on_query(at(60'000), about(group, 10'000));
  run_until(at(80'000));
  drain(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].milliseconds, 60'000);
}

TEST_F(MulticastListenerTest, AFloodOfQueriesIsAnsweredOnceASecond) {
  settled({group});
  for (i64 ms = 0; ms <= 3'000; ++ms) {
    listener.on_query(at(60'000 + ms), general(0));
    drain(at(60'000 + ms));
  }
  EXPECT_EQ(sent.size(), 4u);
  run_until(at(70'000));
  sent.clear();
  for (i64 ms = 0; ms <= 3'000; ++ms) {
    listener.on_query(at(80'000 + ms), about(group, 0));
    drain(at(80'000 + ms));
  }
  EXPECT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].milliseconds, 80'000);
}

TEST_F(MulticastListenerTest, AFloodOfVersion1QueriesIsAnsweredOnceASecond) {
  settled({group});
  ListenerQuery query = general(0);
  query.version = 1;
  for (i64 ms = 0; ms <= 3'000; ++ms) {
    listener.on_query(at(60'000 + ms), query);
    drain(at(60'000 + ms));
  }
  EXPECT_EQ(sent.size(), 4u);
}

TEST_F(MulticastListenerTest, Rfc3810Section6Point2Rule3GroupQueryIsAnsweredForThatGroup) {
  settled({group, second});
  listener.on_query(at(60'000), about(second, 1000));
  listener.on_query(at(60'000), about(address("ff02::77"), 1000));  // none of ours
  run_until(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_EQ(sent[0].report().report.records.size(), 1u);
  EXPECT_EQ(sent[0].report().report.records[0], (ListenerRecord{Type::mode_is_exclude, second, 0}));
}

TEST_F(MulticastListenerTest, Rfc3810Section5Point2Point12QueryAboutSourcesIsAnsweredWithThoseWanted) {
  settled({group});
  const IpAddress a = address("2001:db8::a"), b = address("2001:db8::b");
  listener.on_query(at(60'000), about(group, 1000, {a}));
  listener.on_query(at(60'000), about(group, 1000, {b, a}));  // rule 5: both are remembered, once
  run_until(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].report().report.records[0], (ListenerRecord{Type::mode_is_include, group, 2}));
  EXPECT_EQ(sent[0].report().report.sources[0], a);
  EXPECT_EQ(sent[0].report().report.sources[1], b);
}

TEST_F(MulticastListenerTest, Rfc3810Section6Point2Rule4QueryAboutAllSourcesSwallowsTheOthers) {
  for (const bool all_first : {false, true}) {
    MulticastListener one(rng);
    one.join(at(0), group);
    while (one.next_deadline() != Instant::never()) one.poll(one.next_deadline());
    one.on_query(at(60'000), about(group, 1000, all_first ? std::vector<IpAddress>{} : std::vector{address("2001:db8::a")}));
    one.on_query(at(60'000), about(group, 1000, all_first ? std::vector{address("2001:db8::a")} : std::vector<IpAddress>{}));
    const auto output = one.poll(at(62'000));
    ASSERT_TRUE(output.has_value());
    EXPECT_EQ(std::get<SendListenerReport>(*output).report.records[0], (ListenerRecord{Type::mode_is_exclude, group, 0}));
    EXPECT_FALSE(one.poll(at(62'000)).has_value());
  }
}

TEST_F(MulticastListenerTest, MoreSourcesThanThereIsRoomForAreAnsweredAsAll) {
  settled({group});
  for (u8 i = 0; i < 20; ++i) listener.on_query(at(60'000), about(group, 1000, {IpAddress::v6({0x20, 1, i})}));
  run_until(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].report().report.records[0], (ListenerRecord{Type::mode_is_exclude, group, 0}));
}

TEST_F(MulticastListenerTest, RobustnessIsWhatTheQuerierSays) {
  ListenerQuery query = general(0);
  query.robustness = 5;
  listener.on_query(at(0), query);
  drain(at(0));
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(listener.join(at(0), group));
  drain(at(0));
  run_until(at(60'000));
  EXPECT_EQ(sent.size(), 5u);
  query.robustness = 0;  // RFC 3810 section 5.1.8: not told, so the default
  listener.on_query(at(60'000), query);
  drain(at(60'000));
  sent.clear();
  EXPECT_TRUE(listener.join(at(70'000), second));
  run_until(at(80'000));
  EXPECT_EQ(sent.size(), 2u);
}

TEST_F(MulticastListenerTest, Rfc3590WithoutALinkLocalAddressReportsComeFromNobodyAndAreRepeatedLater) {
  listener.on_link_local(at(0), std::nullopt);
  EXPECT_TRUE(listener.join(at(0), group));
  drain(at(0));
  EXPECT_EQ(sent.at(0).report().source, unspecified);
  run_until(at(5000));
  sent.clear();
  listener.on_link_local(at(5000), own);
  drain(at(5000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].report().source, own);
  EXPECT_EQ(sent[0].report().report.records[0], (ListenerRecord{Type::change_to_exclude, group, 0}));
}

TEST_F(MulticastListenerTest, ReportsAreWrittenWithRouterAlert) {
  listener.join(at(0), group);
  std::vector<u8> out(1000);
  const auto written = write(*listener.poll(at(0)), out);
  ASSERT_TRUE(written.has_value());
  test::Packet packet(*written, out);
  EXPECT_TRUE(has_router_alert(packet.view().quotable));
  EXPECT_TRUE(parse_listener_report(packet.view()).ok());
}

TEST_F(MulticastListenerTest, Rfc3810Section8Point2Version1QuerierMakesUsSpeakVersion1) {
  settled({group, second});
  listener.on_query(at(60'000), general(10'000, 1));
  EXPECT_EQ(listener.version(), 1);
  run_until(at(75'000));
  ASSERT_EQ(sent.size(), 2u);
  for (const Sent& one : sent) {
    EXPECT_EQ(one.v1().type, MessageType::listener_report);
    EXPECT_LE(one.milliseconds, 70'000);
  }
  EXPECT_NE(sent[0].v1().group, sent[1].v1().group);
  // Section 9.12: 2 * 125 s + 10 s later without such a query, version 2 again.
  run_until(at(60'000 + 259'999));
  EXPECT_EQ(listener.version(), 1);
  run_until(at(60'000 + 260'000));
  EXPECT_EQ(listener.version(), 2);
}

TEST_F(MulticastListenerTest, Rfc3810Section8Point2Point1ChangingTheVersionForgetsWhatWasPending) {
  settled({group});
  listener.on_query(at(60'000), about(group, 10'000));
  listener.on_query(at(60'000), about(second, 10'000, {}, 1));
  run_until(at(80'000));
  EXPECT_TRUE(sent.empty());
}

TEST_F(MulticastListenerTest, Rfc2710Section4AnothersReportIsEnough) {
  settled({group, second});
  listener.on_query(at(60'000), general(10'000, 1));
  listener.on_report_v1(group);
  run_until(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].v1().group, second);
  sent.clear();
  // Only the last to report says that it leaves.
  listener.leave(at(80'000), group);
  listener.leave(at(80'000), second);
  drain(at(80'000));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].v1().type, MessageType::listener_done);
  EXPECT_EQ(sent[0].v1().group, second);
}

TEST_F(MulticastListenerTest, Rfc2710JoiningIsReportedTwice) {
  listener.on_query(at(0), general(0, 1));
  EXPECT_TRUE(listener.join(at(1000), group));
  drain(at(1000));
  run_until(at(20'000));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].milliseconds, 1000);
  EXPECT_LE(sent[1].milliseconds, 11'000);
}

TEST_F(MulticastListenerTest, InVersion2OthersReportsMeanNothing) {
  settled({group});
  listener.on_query(at(60'000), general(10'000));
  listener.on_report_v1(group);
  run_until(at(80'000));
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(MulticastListenerTest, FullTableTurnsTheNextAway) {
  for (u8 i = 0; i < MulticastListener::max_groups; ++i)
    EXPECT_TRUE(listener.join(at(0), IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, i})));
  EXPECT_FALSE(listener.join(at(0), group));
  drain(at(0));
  EXPECT_EQ(sent.at(0).report().report.records.size(), MulticastListener::max_groups);
  // What was left makes room before the routers know.
  listener.leave(at(0), IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7}));
  EXPECT_TRUE(listener.join(at(0), group));
}

}  // namespace
}  // namespace samara::net::ipv6
