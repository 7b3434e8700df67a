#include "platform/net/ipv6/listener_messages.h"

#include <gtest/gtest.h>

#include "packet.h"

namespace samara::net::ipv6 {
namespace {

using test::address;
using test::Packet;

const IpAddress router = address("fe80::1");
const IpAddress group = address("ff02::1:ff00:5");

Packet make(const ListenerQuery& query) {
  std::vector<u8> out(2000);
  const auto written = write(query, router, all_nodes, out);
  EXPECT_TRUE(written.has_value());
  return Packet(*written, out).with_router_alert();
}
ListenerQuery query(u8 version) {
  ListenerQuery message;
  message.version = version;
  message.group = group;
  message.max_response = Duration::milliseconds(10000);
  if (version == 2) {
    message.robustness = 3;
    message.query_interval = Duration::seconds(125);
    message.sources.add(address("2001:db8::1"));
    message.sources.add(address("2001:db8::2"));
  }
  return message;
}
std::optional<MessageError> error_of(Packet packet) {
  const auto parsed = parse_listener_query(packet.view());
  if (parsed.ok()) return std::nullopt;
  return parsed.error();
}

TEST(ListenerMessages, QueriesOfBothVersionsReadAsWritten) {
  for (const u8 version : {u8{1}, u8{2}}) {
    Packet packet = make(query(version));
    const auto parsed = parse_listener_query(packet.view());
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value(), query(version));
    EXPECT_EQ(packet.message().size(), version == 1 ? 24u : 60u);
    EXPECT_EQ(packet.view().hop_limit, 1);
  }
}

TEST(ListenerMessages, Rfc3810Section5Point1Point3LongDelaysAreFloatingPoint) {
  // 0x8000: exponent 0, mantissa 0 -> (0 | 0x1000) << 3 = 32768 ms. 0xffff: (0xfff | 0x1000) << 10 = 8387584 ms.
  Packet packet = make(query(2));
  packet.octet(4, 0x80).octet(5, 0);
  EXPECT_EQ(parse_listener_query(packet.view()).value().max_response, Duration::milliseconds(32768));
  packet.octet(4, 0xff).octet(5, 0xff);
  EXPECT_EQ(parse_listener_query(packet.view()).value().max_response, Duration::milliseconds(8387584));
  packet.octet(4, 0x7f).octet(5, 0xff);
  EXPECT_EQ(parse_listener_query(packet.view()).value().max_response, Duration::milliseconds(32767));
}

TEST(ListenerMessages, Rfc3810Section5Point1Point9LongIntervalsAreFloatingPoint) {
  Packet packet = make(query(2));
  packet.octet(25, 0x80);
  EXPECT_EQ(parse_listener_query(packet.view()).value().query_interval, Duration::seconds(128));
  packet.octet(25, 0xff);
  EXPECT_EQ(parse_listener_query(packet.view()).value().query_interval, Duration::seconds(31744));
}

TEST(ListenerMessages, EveryCodeIsWrittenAsItWasRead) {
  Packet packet = make(query(2));
  for (u32 code = 0; code < 0x10000; code += 7) {
    packet.message()[4] = static_cast<u8>(code >> 8);
    packet.message()[5] = static_cast<u8>(code);
    packet.message()[25] = static_cast<u8>(code);
    packet.fix_checksum();
    Packet again = make(parse_listener_query(packet.view()).value());
    ASSERT_EQ(again.message(), packet.message()) << code;
  }
}

TEST(ListenerMessages, DelaysTooLongForTheWireBecomeTheLongest) {
  ListenerQuery message = query(2);
  message.max_response = Duration::seconds(1'000'000);
  message.query_interval = Duration::seconds(1'000'000);
  const auto parsed = parse_listener_query(make(message).view());
  EXPECT_EQ(parsed.value().max_response, Duration::milliseconds(8387584));
  EXPECT_EQ(parsed.value().query_interval, Duration::seconds(31744));
  message = query(1);
  message.max_response = Duration::seconds(1'000'000);
  EXPECT_EQ(parse_listener_query(make(message).view()).value().max_response, Duration::milliseconds(65535));
}

TEST(ListenerMessages, Rfc3810Section6Point2QueriesFromElsewhereAreDropped) {
  EXPECT_EQ(error_of(make(query(2))), std::nullopt);
  EXPECT_EQ(error_of(make(query(2)).hop_limit(2)), MessageError::bad_hop_limit);
  EXPECT_EQ(error_of(make(query(2)).from("2001:db8::1")), MessageError::bad_source);
  EXPECT_EQ(error_of(make(query(2)).from("::")), MessageError::bad_source);
}

TEST(ListenerMessages, Rfc3810Section6Point2QueriesWithoutRouterAlertAreDropped) {
  Packet packet = make(query(2));
  packet.extension().clear();
  EXPECT_EQ(error_of(packet), MessageError::no_router_alert);
  packet.extension() = {58, 0, 1, 4, 0, 0, 0, 0};  // padding only
  EXPECT_EQ(error_of(packet), MessageError::no_router_alert);
  packet.extension() = {58, 0, 5, 2, 0, 1, 1, 0};  // the alert for RSVP
  EXPECT_EQ(error_of(packet), MessageError::no_router_alert);
  packet.extension() = {58, 0, 0, 0, 5, 2, 0, 0};  // behind other options
  EXPECT_EQ(error_of(packet), std::nullopt);
  packet.extension() = {58, 200, 5, 2, 0, 0, 1, 0};  // longer than the packet
  EXPECT_EQ(error_of(packet), MessageError::no_router_alert);
  packet.extension() = {58, 0, 1, 9, 5, 2, 0, 0};  // an option longer than its header
  EXPECT_EQ(error_of(packet), MessageError::no_router_alert);
}

TEST(ListenerMessages, Rfc3810Section8Point1LengthTellsTheVersion) {
  Packet packet = make(query(2));
  for (size_t size = 0; size <= 28; ++size) {
    Packet cut = packet;
    cut.resize(size);
    if (size >= 28) cut.octet(26, 0).octet(27, 0);
    const auto parsed = parse_listener_query(cut.view());
    if (size == 24) {
      EXPECT_EQ(parsed.value().version, 1);
    } else if (size == 28) {
      EXPECT_EQ(parsed.value().version, 2);
    } else {
      EXPECT_EQ(parsed.error(), MessageError::truncated) << size;
    }
  }
}

TEST(ListenerMessages, SourcesBeyondTheEndAreNotRead) {
  Packet packet = make(query(2));
  EXPECT_EQ(error_of(packet.octet(27, 3)), MessageError::truncated);
  EXPECT_EQ(error_of(packet.octet(26, 0xff)), MessageError::truncated);
}

TEST(ListenerMessages, QueryOfTooManySourcesIsOneOfAll) {
  Packet packet = make(query(2));
  packet.resize(28 + 16 * 17).octet(27, 17);
  const auto parsed = parse_listener_query(packet.view());
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed.value().sources.empty());
  EXPECT_EQ(parsed.value().group, group);
}

TEST(ListenerMessages, QueryForAnAddressThatIsNoGroupIsDropped) {
  EXPECT_EQ(error_of(make(query(2)).octet(8, 0x20)), MessageError::bad_target);
}

TEST(ListenerMessages, ReportsReadAsWritten) {
  ListenerReport report;
  report.records.add({ListenerRecordType::mode_is_exclude, group, 0});
  report.records.add({ListenerRecordType::mode_is_include, group, 2});
  report.records.add({ListenerRecordType::change_to_exclude, address("ff02::fb"), 0});
  report.sources.add(address("2001:db8::1"));
  report.sources.add(address("2001:db8::2"));
  std::vector<u8> out(2000);
  const auto written = write(report, router, out);
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->packet.protocol, Protocol::hop_by_hop);
  EXPECT_EQ(written->packet.hop_limit, 1);
  EXPECT_EQ(written->packet.destination, all_mldv2_routers);
  EXPECT_EQ(written->size, 8u + 8 + 3 * 20 + 2 * 16);
  Packet packet(*written, out);
  EXPECT_EQ(packet.message()[0], 143);
  EXPECT_EQ(parse_listener_report(packet.view()).value(), report);
  for (size_t cut = 0; cut < packet.message().size(); ++cut) {
    Packet shorter = packet;
    EXPECT_EQ(parse_listener_report(shorter.resize(cut).view()).error(), MessageError::truncated) << cut;
  }
}

TEST(ListenerMessages, TheLargestReportFitsTheMinimumMtu) {
  ListenerReport report;
  for (size_t i = 0; i < ListenerReport::max_records; ++i)
    report.records.add({ListenerRecordType::mode_is_include, group, static_cast<u16>(i == 0 ? 16 : 0)});
  while (report.sources.add(group)) continue;
  std::vector<u8> out(1280 - 40);
  EXPECT_TRUE(write(report, router, out).has_value());
}

TEST(ListenerMessages, VersionOneMessagesGoWhereTheyMust) {
  std::vector<u8> out(100);
  const auto report = write_listener_message_v1(MessageType::listener_report, group, router, out);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->packet.destination, group);
  EXPECT_EQ(report->size, 32u);
  Packet packet(*report, out);
  EXPECT_EQ(parse_listener_report_v1(packet.view()).value(), group);
  EXPECT_EQ(parse_listener_report_v1(packet.from("::").view()).error(), MessageError::bad_source);
  const auto done = write_listener_message_v1(MessageType::listener_done, group, router, out);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->packet.destination, all_routers);
  std::vector<u8> small(31);
  EXPECT_FALSE(write_listener_message_v1(MessageType::listener_done, group, router, small).has_value());
  small.resize(7);
  EXPECT_FALSE(write_listener_message_v1(MessageType::listener_done, group, router, small).has_value());
}

}  // namespace
}  // namespace samara::net::ipv6
