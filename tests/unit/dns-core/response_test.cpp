#include "dns-core/message/response.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "dns-core/message/message_reader.h"
#include "dns-core/message/query.h"
#include "dns-core/message/request.h"
#include "dns-core/record_image.h"

namespace samara::dns {
namespace {

using Octets = std::vector<u8>;
using Section = RequestWriter::Section;

Name name_of(std::string_view text) {
  return Name::parse(text, Name()).value();
}
const Name zone = name_of("Example.org.");

// Returns the message of `flags` that a RequestWriter makes.
template <class Fill>
Octets composed(u16 flags, Fill fill) {
  Octets memory(1000);
  RequestWriter writer(memory, {.id = MessageId(0x1234), .flags = flags, .name = zone, .type = RrType::SOA});
  fill(writer);
  memory.resize(writer.finish());
  return memory;
}
Octets opt_with(u32 ttl, std::string_view options) {
  Octets record{0, 0, 41, 4, 0xd0};
  for (const u32 shift : {24U, 16U, 8U, 0U}) record.push_back(static_cast<u8>(ttl >> shift));
  record.insert(record.end(), {0, static_cast<u8>(options.size())});
  record.insert(record.end(), options.begin(), options.end());
  return record;
}
const Octets tsig{1, 'k', 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 1, 9};

TEST(Response, TellsHeaderQuestionAndWhereAnswersBegin) {
  const Octets message =
      composed(flag_qr | flag_aa | 9, [](RequestWriter& out) { out.own_serial(Section::answer, Serial(7)); });
  const auto read = read_response(message);
  ASSERT_TRUE(read.ok());
  const Response& response = read.value();
  EXPECT_EQ(response.header.id, MessageId(0x1234));
  EXPECT_TRUE(response.header.has(flag_aa));
  EXPECT_FALSE(response.header.has(flag_tc));
  EXPECT_EQ(response.header.opcode(), Opcode::QUERY);
  EXPECT_EQ(response.rcode, Rcode::NOTAUTH);
  EXPECT_EQ(response.question, (Question{name_of("example.ORG."), RrType::SOA}));
  EXPECT_NE(response.question, (Question{zone, RrType::NS}));
  EXPECT_NE(response.question, (Question{zone, RrType::SOA, RrClass::CH}));
  EXPECT_FALSE(response.has_edns);
  EXPECT_FALSE(response.tsig_at.has_value());
  MessageReader at(message, response.answers_at);
  EXPECT_EQ(at.name(), zone);
  EXPECT_EQ(at.fields().type, RrType::SOA);
}

TEST(Response, NeedNotRepeatTheQuestion) {
  const Octets message{0, 1, 0x80, 5, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto read = read_response(message);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read.value().question.has_value());
  EXPECT_EQ(read.value().rcode, Rcode::REFUSED);
}

TEST(Response, HasTheUpperBitsOfItsCodeInOpt) {
  const auto read = read_response(
      composed(flag_qr | 7, [](RequestWriter& out) { out.record(Section::additional, opt_with(0x01000000, "")); }));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read.value().has_edns);
  EXPECT_EQ(read.value().rcode, Rcode::BADCOOKIE);
  EXPECT_EQ(read.value().header.rcode(), Rcode::YXRRSET);
}

TEST(Response, TellsExpireAndTheFirstReason) {
  using namespace std::string_view_literals;
  const Octets message = composed(flag_qr, [](RequestWriter& out) {
    out.record(Section::additional, opt_with(0, "\0\x09\0\4\0\0\1\2\0\x0f\0\2\0\0\0\x0f\0\6\0\x12no 1\0\x0f\0\6\0\x12no 2"sv));
  });
  const auto read = read_response(message);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().expire, 258U);
  EXPECT_EQ(std::string(read.value().reason.begin(), read.value().reason.end()), "no 1");
  for (const std::string_view expire : {"\0\x09\0\0"sv, "\0\x09\0\3\0\0\1"sv, "\0\x09\0\5\0\0\1\2\3"sv}) {
    const auto without =
        read_response(composed(flag_qr, [&](RequestWriter& out) { out.record(Section::additional, opt_with(0, expire)); }));
    ASSERT_TRUE(without.ok());
    EXPECT_FALSE(without.value().expire.has_value());
  }
}

TEST(Response, IsMalformedWithTwoOptsOrOneThatEndsTooSoon) {
  using namespace std::string_view_literals;
  const auto with = [](std::initializer_list<Octets> records) {
    return read_response(composed(flag_qr,
                                  [&](RequestWriter& out) {
                                    for (const Octets& record : records) out.record(Section::additional, record);
                                  }))
        .ok();
  };
  EXPECT_TRUE(with({opt_with(0, "")}));
  EXPECT_FALSE(with({opt_with(0, ""), opt_with(0, "")}));
  for (const std::string_view options : {"\0"sv, "\0\x0a\0"sv, "\0\x0a\0\1"sv}) EXPECT_FALSE(with({opt_with(0, options)}));
}

TEST(Response, HasTsigAtItsEndOrNotAtAll) {
  const auto with = [](Section section, std::initializer_list<Octets> records) {
    return read_response(composed(flag_qr, [&](RequestWriter& out) {
      for (const Octets& record : records) out.record(section, record);
    }));
  };
  const auto last = with(Section::additional, {opt_with(0, ""), tsig});
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last.value().tsig_at, header_size + zone.size() + 4 + opt_fixed_size);
  EXPECT_FALSE(with(Section::additional, {tsig, opt_with(0, "")}).ok());
  EXPECT_FALSE(with(Section::additional, {tsig, tsig}).ok());
  const auto elsewhere = with(Section::answer, {tsig});
  EXPECT_TRUE(elsewhere.ok() && !elsewhere.value().tsig_at.has_value());
}

TEST(Response, IsNoRequestAndNoPartOfAMessage) {
  const auto fill = [](RequestWriter& out) {
    out.own_serial(Section::answer, Serial(7));
    out.opt(1232, {EdnsOption::expire});
  };
  const auto request = read_response(composed(0, fill));
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(request.error(), ResponseError::not_a_response);
  Octets message = composed(flag_qr, fill);
  ASSERT_TRUE(read_response(message).ok());
  for (size_t size = 0; size < message.size(); ++size) {
    const auto cut = read_response(Bytes(message).first(size));
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_EQ(cut.error(), ResponseError::malformed);
  }
  message.push_back(0);
  EXPECT_FALSE(read_response(message).ok());
  message.pop_back();
  message[5] = 2;
  EXPECT_FALSE(read_response(message).ok());
}

TEST(Response, IsReadSafelyWhateverOctetsItHas) {
  const Octets good = composed(flag_qr, [](RequestWriter& out) {
    out.own_serial(Section::answer, Serial(7));
    out.opt(1232, {EdnsOption::expire, EdnsOption::nsid});
    out.record(Section::additional, tsig);
  });
  std::minstd_rand random(7);
  for (int round = 0; round < 50'000; ++round) {
    Octets damaged = good;
    for (unsigned changes = random() % 3 + 1; changes != 0; --changes)
      damaged[random() % damaged.size()] = static_cast<u8>(random());
    const auto read = read_response(damaged);
    if (!read.ok()) continue;
    EXPECT_LE(read.value().answers_at, damaged.size());
    EXPECT_LT(read.value().tsig_at.value_or(0), damaged.size());
  }
}

// ---- what asks for it -----------------------------------------------------------------------------------------------

TEST(RequestWriter, WritesWhatAServerReads) {
  const Octets request = composed(flag_rd, [](RequestWriter& out) {
    out.own_serial(Section::authority, Serial(41));
    out.opt(common_udp_payload_size, {EdnsOption::expire, EdnsOption::nsid});
  });
  const Query query = parse_query(request);
  ASSERT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_EQ(query.id, MessageId(0x1234));
  EXPECT_EQ(query.flags, flag_rd);
  EXPECT_EQ(query.type, RrType::SOA);
  EXPECT_TRUE(zone.equals(query.name(request)));
  ASSERT_TRUE(query.edns.has_value());
  EXPECT_EQ(query.edns->udp_payload_size, 1232);
  EXPECT_TRUE(query.edns->expire);
  EXPECT_TRUE(query.edns->nsid);
  MessageReader at(request, query.authority_at);
  EXPECT_EQ(at.name(), zone);
  const RecordFields soa = at.fields();
  Octets rdata(100);
  ByteWriter stored(rdata);
  EXPECT_TRUE(at.rdata(soa, stored).ok());
  EXPECT_EQ(load_be32(rdata, 2), 41U);
}

TEST(RequestWriter, HasJustTheRoomItSays) {
  for (const std::string_view text : {".", "a.", "example.org."}) {
    const Name name = name_of(text);
    for (const size_t missing : {size_t{0}, size_t{1}}) {
      Octets memory(request_size(name.size()) + own_serial_size - missing);
      RequestWriter out(memory, {.name = name, .type = RrType::IXFR});
      out.own_serial(Section::authority, Serial(1));
      out.opt(1232, {EdnsOption::expire});
      EXPECT_EQ(out.finish(), missing == 0 ? memory.size() : 0);
    }
  }
}

TEST(RequestWriter, GoesOnWithARequestThatIsThere) {
  Octets memory = composed(0, [](RequestWriter& out) { out.own_serial(Section::answer, Serial(1)); });
  const size_t size = memory.size();
  memory.resize(size + opt_fixed_size);
  RequestWriter out(memory, size);
  out.opt(1232, {});
  EXPECT_EQ(out.finish(), memory.size());
  EXPECT_EQ(memory, composed(0, [](RequestWriter& whole) {
              whole.own_serial(Section::answer, Serial(1));
              whole.opt(1232, {});
            }));
}

TEST(RecordImages, AreReadAsTheyAreWritten) {
  Octets memory(200);
  ByteWriter out(memory);
  write_record_image(name_of("a.b."), RrType::A, Ttl(60), Octets{192, 0, 2, 1}, out);
  const size_t first = out.size();
  write_record_image(Name(), RrType::TXT, Ttl(Ttl::max), {}, out);
  memory.resize(out.size());
  RecordImages images(memory);
  const auto address = images.next();
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->owner, name_of("a.b."));
  EXPECT_EQ(address->type, RrType::A);
  EXPECT_EQ(address->ttl, Ttl(60));
  EXPECT_EQ(load_be32(address->rdata), 0xc0000201U);
  EXPECT_EQ(address->whole.size(), first);
  EXPECT_EQ(ownerless_image_size(address->whole.subspan(address->owner.size())), record_fixed_size + 4);
  const auto text = images.next();
  ASSERT_TRUE(text.has_value());
  EXPECT_TRUE(text->owner.is_root() && text->rdata.empty());
  EXPECT_FALSE(images.next().has_value());
  EXPECT_FALSE(images.bad());
  for (size_t size = 1; size < memory.size(); ++size) {
    if (size == first) continue;
    RecordImages cut(Bytes(memory).first(size));
    while (cut.next().has_value()) continue;
    EXPECT_TRUE(cut.bad()) << size;
  }
  memory[name_of("a.b.").size() + 3] = 3;  // class CH
  RecordImages other(memory);
  EXPECT_FALSE(other.next().has_value());
  EXPECT_TRUE(other.bad());
}

}  // namespace
}  // namespace samara::dns
