#include "secondary/notify_in.h"

#include "messages.h"

namespace samara::secondary {
namespace {

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

Octets notify(std::string_view zone, u16 type, std::optional<std::string> answer = std::nullopt) {
  Octets memory(2'000);
  ByteWriter out(memory);
  out.u16(99);
  out.u16(4 << 11 | dns::flag_aa);
  out.u16(1);
  out.u16(answer.has_value() ? 1 : 0);
  out.u32(0);
  out.bytes(name_of(zone).wire());
  out.u16(type);
  out.u16(1);
  if (answer.has_value()) put_record(*answer, out);
  memory.resize(out.size());
  return memory;
}

Result<NotifyMessage, NotifyError> read(const Octets& packet) {
  const dns::Query query = dns::parse_query(packet);
  EXPECT_EQ(query.opcode, dns::Opcode::NOTIFY);
  return read_notify(packet, query);
}

TEST(Notify, NamesTheZoneAndMayHintAtItsSerial) {
  const auto plain = read(notify("example.", 6));
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain.value().zone, name_of("example."));
  EXPECT_EQ(plain.value().serial, std::nullopt);
  const auto hint = read(notify("example.", 6, soa(77)));
  ASSERT_TRUE(hint.ok());
  EXPECT_EQ(hint.value().serial, dns::Serial(77));
}

TEST(Notify, IgnoresAnswersThatAreNotTheZonesSoa) {
  const auto other = read(notify("example.", 6, "other. 60 IN SOA a. b. 5 1 1 1 1"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other.value().serial, std::nullopt);
}

TEST(Notify, AsksForTheSoaOrIsMalformed) {
  EXPECT_FALSE(read(notify("example.", 1)).ok());
  Octets broken = notify("example.", 6, soa(77));
  store_be16(broken, broken.size() - 48, 45);  // RDLENGTH of the SOA: one octet too few for its numbers
  EXPECT_FALSE(read(broken).ok());
}

TEST(Notify, IsAcceptedFromAPrimaryWithItsKey) {
  const PrimaryPeer primaries[] = {{{address("192.0.2.1"), Port{53}}, std::nullopt}, {{address("192.0.2.2"), Port{53}}, u16{3}}};
  const auto judge = [&](const char* from, std::optional<u16> key) {
    return judge_notify(primaries, false, {address(from), key});
  };
  EXPECT_EQ(judge("192.0.2.1", std::nullopt), NotifyVerdict::accepted);
  EXPECT_EQ(judge("192.0.2.2", u16{3}), NotifyVerdict::accepted);
  EXPECT_EQ(judge("192.0.2.2", std::nullopt), NotifyVerdict::refused);
  EXPECT_EQ(judge("192.0.2.2", u16{4}), NotifyVerdict::refused);
  EXPECT_EQ(judge("192.0.2.3", std::nullopt), NotifyVerdict::refused);
}

TEST(Notify, IsAcceptedFromWhomTheListNames) {
  EXPECT_EQ(judge_notify({}, true, {address("198.51.100.9"), std::nullopt}), NotifyVerdict::accepted);
  EXPECT_EQ(judge_notify({}, false, {address("198.51.100.9"), std::nullopt}), NotifyVerdict::refused);
}

TEST(Notify, HasAnRcodeForEachVerdict) {
  EXPECT_EQ(rcode_of(NotifyVerdict::accepted), dns::Rcode::NOERROR);
  EXPECT_EQ(rcode_of(NotifyVerdict::notauth), dns::Rcode::NOTAUTH);
  EXPECT_EQ(rcode_of(NotifyVerdict::refused), dns::Rcode::REFUSED);
}

}  // namespace
}  // namespace samara::secondary
