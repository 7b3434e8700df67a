#include "ops/net/server_place.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dns-core/types.h"
#include "fake_server.h"
#include "platform/base/byte_order.h"
#include "platform/base/byte_writer.h"

namespace samara::ops {
namespace {

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

std::string text_of(std::string_view text) {
  const auto place = ServerPlace::parse(text);
  return place ? place->text() : "nothing";
}

TEST(ServerPlace, IsAnAddressOrANameWithOrWithoutAPort) {
  EXPECT_EQ(text_of("192.0.2.1"), "192.0.2.1:53");
  EXPECT_EQ(text_of("192.0.2.1:5353"), "192.0.2.1:5353");
  EXPECT_EQ(text_of("2001:db8::1"), "[2001:db8::1]:53");
  EXPECT_EQ(text_of("[2001:db8::1]:5353"), "[2001:db8::1]:5353");
  EXPECT_EQ(text_of("localhost"), "localhost:53");
  EXPECT_EQ(text_of("ns1.example.com.:5353"), "ns1.example.com.:5353");
  for (const std::string_view wrong :
       {"", ":53", "a b", "ns1:0", "ns1:65536", "ns1:x", "192.0.2.1:0", "192.0.2", "192.0.2.256", "[::1", "a/24"}) {
    EXPECT_EQ(text_of(wrong), "nothing") << wrong;
  }
}

TEST(ServerPlace, LooksNamesUpWhenTheyAreNeeded) {
  const auto endpoints = ServerPlace::parse("localhost:5353")->endpoints();
  ASSERT_TRUE(endpoints.ok());
  ASSERT_FALSE(endpoints.value().empty());
  EXPECT_EQ(endpoints.value().front().port, Port(5353));
  for (const Endpoint& endpoint : endpoints.value()) {
    EXPECT_EQ(std::ranges::count(endpoints.value(), endpoint), 1) << "the same place need not be asked twice";
  }
  const auto none = ServerPlace::parse("no-such-host.invalid")->endpoints();
  ASSERT_FALSE(none.ok());
  EXPECT_TRUE(none.error().starts_with("no address of no-such-host.invalid: ")) << none.error();
}

// ---- a zone's primary -----------------------------------------------------------------------------------------------

struct Answer {
  dns::Name owner;
  dns::RrType type{};
  std::vector<u8> data;
};

std::vector<u8> soa_data(std::string_view primary) {
  const dns::Name name = name_of(primary);
  std::vector<u8> data(name.wire().begin(), name.wire().end());
  data.resize(data.size() + 1 + 20);  // the root for a mailbox, and five numbers
  return data;
}

// What a resolver sends for the question in `asked`: at most one record, in the answer or the authority section.
std::vector<u8> resolver_answer(const std::vector<u8>& asked, u8 rcode, const std::optional<Answer>& record,
                                bool authority = false) {
  std::vector<u8> message = asked;
  message[2] = 0x81;
  message[3] = static_cast<u8>(0x80 | rcode);
  if (!record) return message;
  message[authority ? 9 : 7] = 1;
  std::vector<u8> memory(1000);
  ByteWriter out(memory);
  out.bytes(record->owner.wire());
  out.u16(dns::code(record->type));
  out.u16(1);
  out.u32(60);
  out.u16(static_cast<u16>(record->data.size()));
  out.bytes(record->data);
  message.insert(message.end(), out.written().begin(), out.written().end());
  return message;
}

dns::RrType type_asked(const std::vector<u8>& asked) {
  return static_cast<dns::RrType>(load_be16(asked, asked.size() - 4));
}

constexpr std::chrono::milliseconds patience{3000};

TEST(Primary, IsTheMnameOfTheSoaWithItsAddresses) {
  FakeServer resolver(SOCK_DGRAM);
  resolver.answer(3, [](const std::vector<u8>& asked) {
    switch (dns::code(type_asked(asked))) {
      case dns::code(dns::RrType::SOA):
        return Datagrams{
            resolver_answer(asked, 0, Answer{name_of("Example.com"), dns::RrType::SOA, soa_data("ns1.example.net")})};
      case dns::code(dns::RrType::A):
        return Datagrams{resolver_answer(asked, 0, Answer{name_of("ns1.example.net"), dns::RrType::A, {192, 0, 2, 1}})};
      default: return Datagrams{resolver_answer(asked, 0, std::nullopt)};
    }
  });
  const auto primary = find_primary(name_of("example.com"), ServerPlace::at(resolver.endpoint()), patience);
  ASSERT_TRUE(primary.ok()) << primary.error();
  EXPECT_EQ(primary.value().text(), "ns1.example.net.:53");
  EXPECT_EQ(primary.value().addresses, std::vector{*IpAddress::parse("192.0.2.1")});
}

TEST(Primary, OfANameThatIsNoZoneIsNotGuessed) {
  FakeServer resolver(SOCK_DGRAM);
  resolver.answer_one([](const std::vector<u8>& asked) {
    return Datagrams{
        resolver_answer(asked, 3, Answer{name_of("example.com"), dns::RrType::SOA, soa_data("ns1.example.net")}, true)};
  });
  const auto primary = find_primary(name_of("www.example.com"), ServerPlace::at(resolver.endpoint()), patience);
  ASSERT_FALSE(primary.ok());
  EXPECT_EQ(primary.error(), "www.example.com. is no zone; it is in example.com. (did you mean --zone example.com.?)");
}

TEST(Primary, IsNotFoundWhereTheResolverFailsOrLies) {
  FakeServer failing(SOCK_DGRAM);
  failing.answer_one([](const std::vector<u8>& asked) { return Datagrams{resolver_answer(asked, 2, std::nullopt)}; });
  const auto failed = find_primary(name_of("example.com"), ServerPlace::at(failing.endpoint()), patience);
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(failed.error().ends_with(": SERVFAIL")) << failed.error();

  FakeServer liar(SOCK_DGRAM);
  liar.answer_one([](const std::vector<u8>& asked) {
    const std::vector<u8> good =
        resolver_answer(asked, 0, Answer{name_of("example.com"), dns::RrType::SOA, soa_data("evil.example")});
    std::vector<u8> other_id = good;
    other_id[0] ^= 1;
    std::vector<u8> other_name = good;
    other_name[13] ^= 1;
    std::vector<u8> cut(good.begin(), good.begin() + 50);
    return Datagrams{other_id, other_name, std::vector<u8>(11), cut};
  });
  // None of them is an answer to the question; a true one may still come.
  const auto found = find_primary(name_of("example.com"), ServerPlace::at(liar.endpoint()), std::chrono::milliseconds(300));
  ASSERT_FALSE(found.ok());
  EXPECT_TRUE(found.error().ends_with(": no answer within 0.3 s")) << found.error();

  FakeServer empty(SOCK_DGRAM);
  empty.answer_one([](const std::vector<u8>& asked) { return Datagrams{resolver_answer(asked, 0, std::nullopt)}; });
  const auto nothing = find_primary(name_of("example.com"), ServerPlace::at(empty.endpoint()), patience);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error(), "no SOA of example.com. is found; --server says where the zone is");
}

}  // namespace
}  // namespace samara::ops
