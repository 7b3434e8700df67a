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
  const server::AccessTable nobody({});
  const NotifyPrimary primaries[] = {{address("192.0.2.1"), std::nullopt}, {address("192.0.2.2"), u16{3}}};
  const auto judge = [&](const char* from, std::optional<u16> key) {
    return judge_notify(primaries, nobody, {address(from), key});
  };
  EXPECT_EQ(judge("192.0.2.1", std::nullopt), NotifyVerdict::accepted);
  EXPECT_EQ(judge("192.0.2.2", u16{3}), NotifyVerdict::accepted);
  EXPECT_EQ(judge("192.0.2.2", std::nullopt), NotifyVerdict::refused);
  EXPECT_EQ(judge("192.0.2.2", u16{4}), NotifyVerdict::refused);
  EXPECT_EQ(judge("192.0.2.3", std::nullopt), NotifyVerdict::refused);
}

TEST(Notify, IsAcceptedFromWhomTheListNames) {
  const server::AccessTable listed({{IpPrefix::parse("198.51.100.0/24"), std::nullopt}, {std::nullopt, u16{5}}});
  const std::span<const NotifyPrimary> none;
  EXPECT_EQ(judge_notify(none, listed, {address("198.51.100.9"), std::nullopt}), NotifyVerdict::accepted);
  EXPECT_EQ(judge_notify(none, listed, {address("203.0.113.1"), u16{5}}), NotifyVerdict::accepted);
  EXPECT_EQ(judge_notify(none, listed, {address("203.0.113.1"), std::nullopt}), NotifyVerdict::refused);
}

TEST(Notify, ForAZoneThatIsNotHereIsNotauth) {
  const server::AccessTable everybody({{std::nullopt, std::nullopt}});
  const NotifyVerdict verdict = judge_notify(std::nullopt, everybody, {address("192.0.2.1"), std::nullopt});
  EXPECT_EQ(rcode_of(verdict), dns::Rcode::NOTAUTH);
}

TEST(Notify, IsAnsweredWithTheQuestionAndAa) {
  const Octets packet = notify("example.", 6, soa(77));
  Octets reply(512);
  const size_t size = answer_notify(packet, dns::parse_query(packet), dns::Rcode::NOERROR, reply);
  const ResponseHeader header = MUST(read_response(Bytes(reply).first(size)));
  EXPECT_EQ(header.id, dns::MessageId(99));
  EXPECT_EQ(header.opcode, dns::Opcode::NOTIFY);
  EXPECT_EQ(header.flags & (dns::flag_aa | dns::flag_ra | dns::flag_rd), dns::flag_aa);
  EXPECT_EQ(header.name, name_of("example."));
  EXPECT_EQ(header.type, dns::RrType::SOA);
  EXPECT_EQ(header.answers, 0);
  const size_t refused = answer_notify(packet, dns::parse_query(packet), dns::Rcode::REFUSED, reply);
  EXPECT_EQ(MUST(read_response(Bytes(reply).first(refused))).rcode, dns::Rcode::REFUSED);
}

}  // namespace
}  // namespace samara::secondary
