#include <string>

#include "server_side.h"

namespace samara::net::dhcp {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
IpPrefix block(std::string_view text) {
  return IpPrefix::parse(text).value();
}

TEST(DhcpMessage, ReplyIsRead) {
  Answer answer{.type = 5, .transaction = 7};
  answer.options.push_back({26, {5, 0xdc}});
  answer.options.push_back({6, {192, 0, 2, 3, 192, 0, 2, 4}});
  answer.options.push_back({28, {192, 0, 2, 255}});
  answer.options.push_back({58, {0, 0, 0, 9}});
  answer.options.push_back({59, {0, 0, 0, 10}});
  const auto reply = Reply::parse(answer.octets());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().type, MessageType::ack);
  EXPECT_EQ(reply.value().transaction, 7U);
  EXPECT_EQ(reply.value().your_address, ip("192.0.2.50"));
  EXPECT_EQ(reply.value().server, ip("192.0.2.254"));
  EXPECT_EQ(reply.value().lease_seconds, 3600U);
  EXPECT_EQ(reply.value().prefix_length, 24);
  EXPECT_EQ(reply.value().mtu, 1500);
  EXPECT_EQ(reply.value().name_servers.count, 2U);
  EXPECT_EQ(reply.value().broadcast, ip("192.0.2.255"));
  EXPECT_EQ(reply.value().renewal_seconds, 9U);
  EXPECT_EQ(reply.value().rebinding_seconds, 10U);
  EXPECT_TRUE(reply.value().usable_mask);
  EXPECT_EQ(reply.value().routes.count, 0U);
}

TEST(DhcpMessage, EveryTruncationIsHarmlessAndAHeaderAloneIsNoReply) {
  const Octets whole = Answer{}.octets();
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto reply = Reply::parse(Bytes(whole).first(size));
    EXPECT_EQ(reply.ok(), size >= 243) << size;  // with the whole of option 53
  }
}

TEST(DhcpMessage, WrongFixedFieldsAreRefused) {
  for (const size_t at : {0, 1, 2, 236, 237, 238, 239}) {
    Octets message = Answer{}.octets();
    message[at] ^= 1;
    EXPECT_FALSE(Reply::parse(message).ok()) << at;
  }
  for (const u8 type : {0, 1, 3, 4, 7, 8, 9, 255}) EXPECT_FALSE(Reply::parse(Answer{.type = type}.octets()).ok()) << int{type};
}

TEST(DhcpMessage, OptionsOfWrongLengthAreSkipped) {
  Answer answer;
  answer.options = {{54, {1, 2, 3}}, {51, {1}}, {1, {255, 255, 255}}, {3, {1, 2, 3}}, {26, {0, 1}}, {53, {5, 5}}, {200, {}}};
  const auto reply = Reply::parse(answer.octets());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().type, MessageType::offer);
  EXPECT_FALSE(reply.value().server.has_value());
  EXPECT_FALSE(reply.value().lease_seconds.has_value());
  EXPECT_FALSE(reply.value().prefix_length.has_value());
  EXPECT_FALSE(reply.value().mtu.has_value());
  EXPECT_EQ(reply.value().routers.count, 0U);
}

TEST(DhcpMessage, OverloadedFieldsAreReadWhereOption52SaysSo) {  // RFC 2132 section 9.3
  for (const u8 overload : {0, 1, 2, 3}) {
    Answer answer;
    answer.options = {{52, {overload}}};
    Octets message = answer.octets();
    const Octets in_file = {54, 4, 192, 0, 2, 1, 255};
    const Octets in_name = {51, 4, 0, 0, 1, 0, 255};
    std::ranges::copy(in_file, message.begin() + 108);
    std::ranges::copy(in_name, message.begin() + 44);
    const auto reply = Reply::parse(message);
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply.value().server.has_value(), (overload & 1) != 0);
    EXPECT_EQ(reply.value().lease_seconds.has_value(), (overload & 2) != 0);
  }
}

TEST(DhcpMessage, ClasslessRoutesAreRead) {  // the examples of RFC 3442
  Answer answer;
  answer.options.push_back({121, {0,  10, 0, 0, 1,  8,  10,  10, 0,   0,  1, 24, 10, 0,  0,  10,  0, 0, 1, 16, 10, 17,
                                  10, 0,  0, 1, 25, 10, 229, 0,  128, 10, 0, 0,  1,  32, 10, 229, 0, 4, 0, 0,  0,  0}});
  const auto reply = Reply::parse(answer.octets());
  ASSERT_TRUE(reply.ok());
  const auto routes = reply.value().routes.all();
  ASSERT_EQ(routes.size(), 6U);
  EXPECT_EQ(routes[0], (ClasslessRoute{block("0.0.0.0/0"), ip("10.0.0.1")}));
  EXPECT_EQ(routes[1], (ClasslessRoute{block("10.0.0.0/8"), ip("10.0.0.1")}));
  EXPECT_EQ(routes[2], (ClasslessRoute{block("10.0.0.0/24"), ip("10.0.0.1")}));
  EXPECT_EQ(routes[3], (ClasslessRoute{block("10.17.0.0/16"), ip("10.0.0.1")}));
  EXPECT_EQ(routes[4], (ClasslessRoute{block("10.229.0.128/25"), ip("10.0.0.1")}));
  EXPECT_EQ(routes[5], (ClasslessRoute{block("10.229.0.4/32"), ip("0.0.0.0")}));
}

TEST(DhcpMessage, SplitRoutesAreJoinedAndBrokenOnesEndTheList) {  // RFC 3396
  Answer answer;
  answer.options.push_back({121, {24, 10, 0}});
  answer.options.push_back({121, {0, 10, 0, 0, 1, 33, 1, 2, 3, 4, 5, 6, 7, 8, 9}});
  const auto reply = Reply::parse(answer.octets());
  ASSERT_TRUE(reply.ok());
  ASSERT_EQ(reply.value().routes.count, 1U);
  EXPECT_EQ(reply.value().routes.all()[0].destination, block("10.0.0.0/24"));
}

TEST(DhcpMessage, AMaskWithHolesOrNoneAtAllIsUnusable) {
  for (const Octets& mask : {Octets{255, 0, 255, 0}, Octets{0, 255, 255, 255}, Octets{0, 0, 0, 0}}) {
    Answer answer;
    answer.options = {{1, mask}};
    const auto reply = Reply::parse(answer.octets());
    ASSERT_TRUE(reply.ok());
    EXPECT_FALSE(reply.value().usable_mask);
    EXPECT_FALSE(reply.value().prefix_length.has_value());
  }
}

TEST(DhcpMessage, ListsAreBounded) {
  Answer answer;
  answer.options = {{3, Octets(252, 9)}, {6, Octets(252, 9)}};
  for (int i = 0; i < 10; ++i) answer.options.push_back({121, Octets(250, 0)});
  const auto reply = Reply::parse(answer.octets());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().routers.count, 8U);
  EXPECT_EQ(reply.value().name_servers.count, 8U);
}

TEST(DhcpMessage, RequestFitsWhatEveryServerTakes) {
  Request request;
  request.client_mac = mac;
  request.type = MessageType::request;
  request.requested = ip("192.0.2.1");
  request.server = ip("192.0.2.2");
  const std::string name(200, 'n');
  request.host_name = name;
  std::array<u8, max_request_size> octets{};
  const size_t size = write(request, octets);
  const Sent sent = read(Bytes(octets).first(size));
  EXPECT_EQ(sent.options.at(12).size(), 63U);
  // RFC 4361: type 255, IAID, DUID-LL.
  EXPECT_EQ(sent.options.at(61), (Octets{255, 0, 0, 0, 1, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1}));
  std::array<u8, 250> small{};
  EXPECT_EQ(write(request, small), 0U);
}

}  // namespace
}  // namespace samara::net::dhcp
