#include "platform/net/ipv6/icmpv6.h"

#include <gtest/gtest.h>

#include <numeric>

#include "packet.h"

namespace samara::net::ipv6 {
namespace {

using test::address;
using test::Packet;

// Echo request 1/2 with data "hi"; the checksum is filled in by Packet.
const std::vector<u8> echo_request = {128, 0, 0, 0, 0, 1, 0, 2, 'h', 'i'};

Packet echo() {
  return Packet(address("2001:db8::1"), address("2001:db8::2"), 64, echo_request);
}
Packet error(MessageType type, u8 code, u32 value = 0) {
  return Packet(address("2001:db8::1"), address("2001:db8::2"), 64,
                {static_cast<u8>(type), code, 0, 0, static_cast<u8>(value >> 24), static_cast<u8>(value >> 16),
                 static_cast<u8>(value >> 8), static_cast<u8>(value), 'q'});
}

TEST(Icmpv6, EchoIsReadWithItsData) {
  Packet packet = echo();
  const auto parsed = parse_echo(packet.view());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().identifier, 1);
  EXPECT_EQ(parsed.value().sequence, 2);
  EXPECT_EQ(std::vector<u8>(parsed.value().data.begin(), parsed.value().data.end()), (std::vector<u8>{'h', 'i'}));
}

TEST(Icmpv6, ChecksumCoversThePseudoHeader) {
  // 2001:db8::1 + 2001:db8::2 + length + 58 + the message; summed by Python.
  const u32 words = 0x2001 + 0xdb8 + 1 + 0x2001 + 0xdb8 + 2 + 10 + 58 + 0x8000 + 1 + 2 + 0x6869;
  const u16 expected = static_cast<u16>(~((words & 0xffff) + (words >> 16)));
  Packet packet = echo();
  EXPECT_EQ(packet.message()[2], expected >> 8);
  EXPECT_EQ(packet.message()[3], expected & 0xff);
  std::vector<u8> out(100);
  const std::array<u8, 2> data = {'h', 'i'};
  const auto written = write_echo(MessageType::echo_request, {1, 2, data}, address("2001:db8::1"), address("2001:db8::2"), out);
  ASSERT_TRUE(written.has_value());
  out.resize(written->size);
  EXPECT_EQ(out, packet.message());
}

TEST(Icmpv6, WrongChecksumIsDroppedUnlessTheCardVouchesForIt) {
  Packet packet = echo();
  packet.message()[8] ^= 1;
  IpPacket view = packet.view();
  EXPECT_EQ(parse_echo(view).error(), MessageError::bad_checksum);
  view.checksum_known = true;
  EXPECT_TRUE(parse_echo(view).ok());
}

TEST(Icmpv6, TruncatedEchoIsDroppedAtEveryLength) {
  for (size_t size = 0; size < 8; ++size) {
    Packet packet = echo();
    packet.resize(size);
    EXPECT_EQ(parse_echo(packet.view()).error(), MessageError::truncated) << size;
    EXPECT_FALSE(parse_error(packet.view()).ok());
  }
}

TEST(Icmpv6, EchoThatDoesNotFitIsNotWritten) {
  std::vector<u8> out(11);
  const std::array<u8, 4> data{};
  EXPECT_FALSE(write_echo(MessageType::echo_reply, {1, 2, data}, unspecified, unspecified, out).has_value());
}

TEST(Icmpv6, ErrorsCarryTheirValueAndWhatTheyQuote) {
  Packet packet = error(MessageType::packet_too_big, 0, 1400);
  const auto parsed = parse_error(packet.view());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().value, 1400u);
  EXPECT_EQ(parsed.value().quoted.size(), 1u);
  EXPECT_EQ(parse_error(echo().view()).error(), MessageError::other_type);
}

TEST(Icmpv6, Rfc4443Section2Point4AAnUnknownErrorIsStillAnError) {
  Packet packet = error(static_cast<MessageType>(100), 0);
  const auto parsed = parse_error(packet.view());
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(delivery_error(parsed.value().head).has_value());
}

TEST(Icmpv6, DeliveryErrorsAreHardOrSoft) {
  const auto meaning = [](MessageType type, u8 code) { return delivery_error({type, code}); };
  EXPECT_EQ(meaning(MessageType::destination_unreachable, 0), DeliveryError::network_unreachable);
  EXPECT_EQ(meaning(MessageType::destination_unreachable, 1), DeliveryError::administratively_prohibited);
  EXPECT_EQ(meaning(MessageType::destination_unreachable, 3), DeliveryError::network_unreachable);
  EXPECT_EQ(meaning(MessageType::destination_unreachable, 4), DeliveryError::port_unreachable);
  EXPECT_EQ(meaning(MessageType::destination_unreachable, 200), DeliveryError::network_unreachable);
  EXPECT_EQ(meaning(MessageType::packet_too_big, 0), DeliveryError::packet_too_big);
  EXPECT_EQ(meaning(MessageType::time_exceeded, 0), DeliveryError::network_unreachable);
  EXPECT_EQ(meaning(MessageType::parameter_problem, 1), DeliveryError::port_unreachable);
  EXPECT_FALSE(meaning(MessageType::parameter_problem, 0).has_value());
}

constexpr MessageHead port_unreachable = {MessageType::destination_unreachable, static_cast<u8>(UnreachableCode::port)};

TEST(Icmpv6, Rfc4443Section2Point4E1And2ErrorsAndRedirectsAreNeverAnsweredByAnError) {
  EXPECT_TRUE(may_answer_with_error(echo().view(), port_unreachable));
  EXPECT_FALSE(may_answer_with_error(error(MessageType::time_exceeded, 0).view(), port_unreachable));
  EXPECT_FALSE(may_answer_with_error(error(MessageType::redirect, 0).view(), port_unreachable));
  Packet empty = echo();
  empty.resize(0);
  EXPECT_FALSE(may_answer_with_error(empty.view(), port_unreachable));
}

TEST(Icmpv6, Rfc4443Section2Point4E3WhatWentToAGroupIsAnsweredOnlyByTheTwoExceptions) {
  Packet packet = echo().to("ff02::1");
  EXPECT_FALSE(may_answer_with_error(packet.view(), port_unreachable));
  EXPECT_TRUE(may_answer_with_error(packet.view(), {MessageType::packet_too_big, 0}));
  EXPECT_TRUE(may_answer_with_error(packet.view(), {MessageType::parameter_problem, 2}));
  EXPECT_FALSE(may_answer_with_error(packet.view(), {MessageType::parameter_problem, 1}));
  Packet unicast = echo();
  IpPacket link_broadcast = unicast.view();
  link_broadcast.unicast = false;
  EXPECT_FALSE(may_answer_with_error(link_broadcast, port_unreachable));
}

TEST(Icmpv6, Rfc4443Section2Point4E6OnlyOneNodeIsToldOfAnError) {
  EXPECT_FALSE(may_answer_with_error(echo().from("::").view(), port_unreachable));
  EXPECT_FALSE(may_answer_with_error(echo().from("ff02::1").view(), port_unreachable));
}

TEST(Icmpv6, Rfc4443Section2Point4CAnErrorQuotesAsMuchAsTheMinimumMtuHolds) {
  for (const size_t data : {10u, 1500u}) {
    std::vector<u8> message(data, 7);
    message[0] = 128;
    Packet packet(address("2001:db8::1"), address("2001:db8::2"), 64, message);
    std::vector<u8> out(2000);
    const auto written = write_error(port_unreachable, 0, packet.view(), address("2001:db8::2"), out);
    ASSERT_TRUE(written.has_value());
    EXPECT_EQ(written->packet.destination, address("2001:db8::1"));
    EXPECT_EQ(written->size, std::min<size_t>(8 + 40 + data, 1280 - 40));
    Packet answer(*written, out);
    const auto parsed = parse_error(answer.view());
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value().quoted[0], 0x60);
  }
}

}  // namespace
}  // namespace samara::net::ipv6
