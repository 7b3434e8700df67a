#include "ops/image/control_exchange.h"

#include <gtest/gtest.h>

namespace samara::ops {
namespace {

std::vector<u8> reply(u32 status, u32 length, size_t sent) {
  std::vector<u8> octets{0, 0, 0, static_cast<u8>(status)};
  for (const int shift : {24, 16, 8, 0}) octets.push_back(static_cast<u8>(length >> shift));
  octets.resize(octets.size() + sent, 'x');
  return octets;
}

TEST(ControlExchange, RequestIsKindLengthPayload) {
  ControlExchange exchange(1, {7, 8, 9});
  const std::vector<u8> expected{0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9};
  EXPECT_TRUE(std::ranges::equal(exchange.poll_output(), expected));
  exchange.on_sent(10);
  EXPECT_EQ(exchange.poll_output().size(), 1U);
  exchange.on_sent(1);
  EXPECT_TRUE(exchange.poll_output().empty());
}

TEST(ControlExchange, ReplyMayComeOctetByOctet) {
  ControlExchange exchange(1, {});
  const std::vector<u8> octets = reply(65, 5, 5);
  for (size_t i = 0; i < octets.size(); ++i) {
    EXPECT_FALSE(exchange.status().has_value()) << i;
    EXPECT_TRUE(exchange.on_input(Bytes(octets).subspan(i, 1)));
  }
  EXPECT_EQ(exchange.status(), 65U);
}

TEST(ControlExchange, ReplyWithoutTextIsWhole) {
  ControlExchange exchange(1, {});
  EXPECT_TRUE(exchange.on_input(reply(0, 0, 0)));
  EXPECT_EQ(exchange.status(), 0U);
}

TEST(ControlExchange, MoreThanTheReplyIsRefused) {
  ControlExchange exchange(1, {});
  EXPECT_FALSE(exchange.on_input(reply(0, 3, 4)));
}

TEST(ControlExchange, ReplyBeyondTheLimitIsRefused) {
  EXPECT_TRUE(ControlExchange(1, {}).on_input(reply(0, max_control_reply, 0)));
  EXPECT_FALSE(ControlExchange(1, {}).on_input(reply(0, max_control_reply + 1, 0)));
  EXPECT_FALSE(ControlExchange(1, {}).on_input(reply(0, 0xffffffff, 0)));
}

}  // namespace
}  // namespace samara::ops
