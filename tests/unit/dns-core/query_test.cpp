#include "dns-core/message/query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "platform/base/byte_writer.h"

namespace samara::dns {
namespace {

using Octets = std::vector<u8>;

// Writes messages, right ones and wrong ones.
class Message {
 public:
  explicit Message(u16 flags = 0, u16 questions = 1, u16 answers = 0, u16 authorities = 0, u16 additionals = 0) {
    for (const u16 word : {u16{0xabcd}, flags, questions, answers, authorities, additionals}) put16(word);
  }
  Message& octets(std::initializer_list<unsigned> all) {
    for (const unsigned octet : all) octets_.push_back(static_cast<u8>(octet));
    return *this;
  }
  Message& question(std::string_view name = "\3www\7example", u16 type = 1, u16 rr_class = 1) {
    text(name);
    octets_.push_back(0);
    put16(type);
    put16(rr_class);
    return *this;
  }
  Message& record(RrType type, u16 rr_class, u32 ttl, const Octets& data, bool root = true) {
    if (!root) text("\1x");
    octets_.push_back(0);
    put16(code(type));
    put16(rr_class);
    put16(static_cast<u16>(ttl >> 16));
    put16(static_cast<u16>(ttl));
    put16(static_cast<u16>(data.size()));
    octets_.insert(octets_.end(), data.begin(), data.end());
    return *this;
  }
  Message& opt(const Octets& options = {}, u16 payload = 1232, u32 ttl = 0) {
    return record(RrType::OPT, payload, ttl, options);
  }
  Message& tsig() { return record(RrType::TSIG, 255, 0, {1, 2, 3}, false); }
  Query parse() const { return parse_query(octets_); }
  QueryVerdict verdict() const { return parse().verdict; }
  Octets& data() { return octets_; }

 private:
  void put16(u16 value) {
    octets_.push_back(static_cast<u8>(value >> 8));
    octets_.push_back(static_cast<u8>(value));
  }
  void text(std::string_view characters) { octets_.insert(octets_.end(), characters.begin(), characters.end()); }
  Octets octets_;
};

Octets option(u16 number, size_t size) {
  Octets made{static_cast<u8>(number >> 8), static_cast<u8>(number), static_cast<u8>(size >> 8), static_cast<u8>(size)};
  for (size_t i = 0; i < size; ++i) made.push_back(static_cast<u8>(i + 1));
  return made;
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Message with_options(const Octets& options) {
  return Message(0, 1, 0, 0, 1).question().opt(options);
}

TEST(Query, is_read_with_all_it_says) {
  const Query query = Message(0x0110, 1).question("\3WwW\7example", 28, 3).parse();
  EXPECT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_EQ(query.id, MessageId(0xabcd));
  EXPECT_EQ(query.flags, 0x0110);
  EXPECT_EQ(query.opcode, Opcode::QUERY);
  EXPECT_TRUE(query.has_question);
  EXPECT_EQ(query.name_size, 13);
  EXPECT_EQ(query.question_size(), 17U);
  EXPECT_EQ(query.type, RrType::AAAA);
  EXPECT_EQ(query.rr_class, RrClass::CH);
  EXPECT_FALSE(query.edns.has_value());
  EXPECT_EQ(query.tsig_at, 0);
  EXPECT_EQ(query.authority_at, 0);
}

TEST(Query, for_the_root_is_read) {
  const Query query = Message().question("", 2).parse();
  EXPECT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_EQ(query.name_size, 1);
}

TEST(Query, that_is_short_or_a_response_gets_no_answer) {
  Message message;
  message.question();
  for (size_t size = 0; size < header_size; ++size) {
    EXPECT_EQ(parse_query(Bytes(message.data()).first(size)).verdict, QueryVerdict::ignore);
  }
  EXPECT_EQ(Message(0x8000).question().verdict(), QueryVerdict::ignore);
  EXPECT_EQ(parse_query({}).verdict, QueryVerdict::ignore);
  EXPECT_EQ(parse_query(Octets(65'536)).verdict, QueryVerdict::ignore);
}

TEST(Query, has_exactly_one_question) {
  EXPECT_EQ(Message(0, 0).verdict(), QueryVerdict::formerr);
  EXPECT_FALSE(Message(0, 0).parse().has_question);
  EXPECT_EQ(Message(0, 2).question().question().verdict(), QueryVerdict::formerr);
  EXPECT_FALSE(Message(0, 2).question().question().parse().has_question);
  EXPECT_EQ(Message(0, 0xffff).question().verdict(), QueryVerdict::formerr);
}

// RFC 7873 section 5.4.
TEST(Query, may_ask_for_a_cookie_alone) {
  const Octets cookie = option(10, 8);
  const Query asked = Message(0, 0, 0, 0, 1).opt(cookie).parse();
  EXPECT_EQ(asked.verdict, QueryVerdict::cookie);
  EXPECT_FALSE(asked.has_question);
  EXPECT_TRUE(asked.edns->cookie.has_value());
  EXPECT_EQ(Message(0, 0, 0, 0, 1).opt().verdict(), QueryVerdict::formerr) << "without a cookie";
  EXPECT_EQ(Message(0, 0, 0, 0, 1).opt(option(10, 9)).verdict(), QueryVerdict::formerr) << "with none that is one";
  EXPECT_EQ(Message(0, 2, 0, 0, 1).question().question().opt(cookie).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 0, 1, 0, 1).record(RrType::A, 1, 0, {1, 2, 3, 4}).opt(cookie).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 0, 0, 0, 2).opt(cookie).tsig().verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(5 << 11, 0, 0, 0, 1).opt(cookie).verdict(), QueryVerdict::formerr) << "an UPDATE";
  EXPECT_EQ(Message(0, 0, 0, 0, 1).opt(cookie, 1232, 0x10000).verdict(), QueryVerdict::badvers);
}

// RFC 6891 section 7: so that the answer has one as well.
TEST(Query, has_its_opt_record_read_whatever_else_is_wrong) {
  EXPECT_TRUE(Message(0, 2, 0, 0, 1).question().question().opt().parse().edns.has_value());
  EXPECT_TRUE(Message(0, 0, 0, 0, 1).opt().parse().edns.has_value());
  EXPECT_TRUE(Message(5 << 11, 0, 0, 0, 1).opt().parse().edns.has_value());
  EXPECT_EQ(Message(0, 2, 0, 0, 2).question().question().opt().tsig().parse().tsig_at, 0U);
  EXPECT_FALSE(Message(0, 0xffff, 0, 0, 1).question().opt().parse().edns.has_value());
}

TEST(Query, cut_off_anywhere_is_an_error) {
  Message whole(0, 1, 0, 1, 2);
  whole.question().record(RrType::SOA, 1, 0, Octets(22), false).opt(option(10, 8) + option(3, 0)).tsig();
  ASSERT_EQ(whole.verdict(), QueryVerdict::good);
  EXPECT_TRUE(whole.parse().edns->cookie.has_value());
  for (size_t size = header_size; size < whole.data().size(); ++size) {
    // A copy of just that size, so that reading past its end is noticed.
    const Octets part(whole.data().begin(), whole.data().begin() + static_cast<std::ptrdiff_t>(size));
    const Query query = parse_query(part);
    ASSERT_EQ(query.verdict, QueryVerdict::formerr) << size;
    EXPECT_EQ(query.has_question, size >= header_size + 17) << size;
  }
}

TEST(Query, with_octets_behind_it_is_an_error) {
  EXPECT_EQ(Message().question().octets({0}).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(with_options({}).octets({0}).verdict(), QueryVerdict::formerr);
}

TEST(Query, has_a_plain_name_in_its_question) {
  EXPECT_EQ(Message().octets({0xc0, 12, 0, 1, 0, 1}).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message().octets({1, 'a', 0xc0, 12, 0, 1, 0, 1}).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message().octets({0x40, 0, 0, 1, 0, 1}).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message().octets({0x80, 0, 0, 1, 0, 1}).verdict(), QueryVerdict::formerr);
  EXPECT_FALSE(Message().octets({0xc0, 12, 0, 1, 0, 1}).parse().has_question);
}

TEST(Query, may_have_a_name_of_255_octets_but_not_of_256) {
  const auto named = [](size_t last) {
    Message message;
    for (const size_t length : {size_t{63}, size_t{63}, size_t{63}, last}) {
      message.octets({static_cast<unsigned>(length)});
      message.data().insert(message.data().end(), length, 'a');
    }
    message.octets({0, 0, 1, 0, 1});
    return message.parse();
  };
  EXPECT_EQ(named(61).verdict, QueryVerdict::good);
  EXPECT_EQ(named(61).name_size, 255);
  EXPECT_EQ(named(62).verdict, QueryVerdict::formerr);
  EXPECT_FALSE(named(62).has_question);
}

TEST(Query, of_an_opcode_we_do_not_know_is_not_implemented) {
  for (unsigned opcode = 0; opcode < 16; ++opcode) {
    const bool known = opcode == 0 || opcode == 4 || opcode == 5;
    EXPECT_EQ(Message(static_cast<u16>(opcode << 11)).question().verdict(), known ? QueryVerdict::good : QueryVerdict::notimp)
        << opcode;
    EXPECT_EQ(Message(static_cast<u16>(opcode << 11), 0).verdict(), known ? QueryVerdict::formerr : QueryVerdict::notimp)
        << opcode;
  }
}

TEST(Query, tells_what_its_opt_record_says) {
  const Query query = Message(0, 1, 0, 0, 1).question().opt({}, 4096, 0x8000).parse();
  ASSERT_TRUE(query.edns.has_value());
  EXPECT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_EQ(query.edns->udp_payload_size, 4096);
  EXPECT_TRUE(query.edns->dnssec_ok);
  EXPECT_EQ(query.edns->version, 0);
  EXPECT_FALSE(query.edns->cookie.has_value() || query.edns->nsid || query.edns->padding);
  EXPECT_FALSE(with_options({}).parse().edns->dnssec_ok);
}

TEST(Query, announces_at_least_512_octets) {
  for (const u16 size : {0, 1, 511, 512})
    EXPECT_EQ(Message(0, 1, 0, 0, 1).question().opt({}, size).parse().edns->udp_payload_size, 512);
  EXPECT_EQ(Message(0, 1, 0, 0, 1).question().opt({}, 65'535).parse().edns->udp_payload_size, 65'535);
}

TEST(Query, of_another_edns_version_is_badvers_whatever_its_options) {
  EXPECT_EQ(Message(0, 1, 0, 0, 1).question().opt({}, 1232, 0x00010000).verdict(), QueryVerdict::badvers);
  EXPECT_EQ(Message(0, 1, 0, 0, 1).question().opt({1, 2, 3}, 1232, 0x00ff0000).verdict(), QueryVerdict::badvers);
}

TEST(Query, has_one_opt_in_the_additional_section_owned_by_the_root) {
  EXPECT_EQ(Message(0, 1, 0, 0, 2).question().opt().opt().verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 1, 0, 0, 1).question().record(RrType::OPT, 1232, 0, {}, false).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 1, 1, 0, 0).question().opt().verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 1, 0, 1, 0).question().opt().verdict(), QueryVerdict::formerr);
}

TEST(Query, with_options_that_do_not_fill_the_record_is_an_error) {
  for (const Octets& options :
       {Octets{0}, Octets{0, 3, 0}, Octets{0, 3, 0, 1}, Octets{0, 3, 0xff, 0xff, 1}, option(3, 0) + Octets{0, 3}}) {
    EXPECT_EQ(with_options(options).verdict(), QueryVerdict::formerr);
    EXPECT_TRUE(with_options(options).parse().edns.has_value());
  }
}

TEST(Query, may_carry_a_thousand_options_that_nobody_knows) {
  Octets options;
  for (u16 i = 0; i < 1'000; ++i) options = options + option(static_cast<u16>(1'000 + i), i % 5);
  const Query query = with_options(options + option(3, 0)).parse();
  EXPECT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_TRUE(query.edns->nsid);
}

TEST(Query, tells_the_options_we_know) {
  const Query query = with_options(option(3, 0) + option(9, 0) + option(11, 0) + option(19, 0) + option(12, 30)).parse();
  ASSERT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_TRUE(query.edns->nsid && query.edns->expire && query.edns->tcp_keepalive && query.edns->zoneversion &&
              query.edns->padding);
}

TEST(Query, with_data_where_an_option_has_none_is_an_error) {
  EXPECT_EQ(with_options(option(11, 2)).verdict(), QueryVerdict::formerr);
  EXPECT_EQ(with_options(option(19, 1)).verdict(), QueryVerdict::formerr);
}

TEST(Query, has_a_cookie_of_8_or_16_to_40_octets) {
  for (size_t size = 0; size <= 48; ++size) {
    const Query query = with_options(option(10, size)).parse();
    const bool good = size == 8 || (size >= 16 && size <= 40);
    ASSERT_EQ(query.verdict, good ? QueryVerdict::good : QueryVerdict::formerr) << size;
    if (!good) continue;
    ASSERT_TRUE(query.edns->cookie.has_value());
    EXPECT_EQ(query.edns->cookie->server_size, size - 8);
    EXPECT_EQ(query.edns->cookie->client[7], 8);
    if (size > 8) {
      EXPECT_EQ(query.edns->cookie->server[size - 9], size);
    }
  }
  EXPECT_EQ(with_options(option(10, 8) + option(10, 16)).parse().edns->cookie->server_size, 0);
}

TEST(Query, has_tsig_last_and_in_the_additional_section) {
  Message message(0, 1, 0, 0, 2);
  message.question().opt();
  const size_t at = message.data().size();
  EXPECT_EQ(message.tsig().verdict(), QueryVerdict::good);
  EXPECT_EQ(message.parse().tsig_at, at);
  EXPECT_EQ(Message(0, 1, 0, 0, 2).question().tsig().opt().verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 1, 0, 0, 2).question().tsig().tsig().verdict(), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 1, 0, 1, 0).question().tsig().verdict(), QueryVerdict::formerr);
}

TEST(Query, tells_where_its_authority_section_begins) {
  const Query query = Message(0, 1, 0, 1, 1).question("\1a", 251).record(RrType::SOA, 1, 0, Octets(22), false).opt().parse();
  EXPECT_EQ(query.verdict, QueryVerdict::good);
  EXPECT_EQ(query.authority_at, header_size + 7);
}

TEST(Query, has_few_records_besides) {
  const auto with_records = [](u16 count) {
    Message message(0, 1, 0, 0, count);
    message.question();
    for (u16 i = 0; i < count; ++i) message.record(RrType::A, 1, 0, Octets(4));
    return message.verdict();
  };
  EXPECT_EQ(with_records(max_query_records), QueryVerdict::good);
  EXPECT_EQ(with_records(max_query_records + 1), QueryVerdict::formerr);
  EXPECT_EQ(Message(0, 1, 0xffff, 0xffff, 0xffff).question().verdict(), QueryVerdict::formerr);
}

TEST(Query, may_have_records_with_compressed_owners) {
  EXPECT_EQ(Message(0, 1, 0, 1, 0).question().octets({0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0}).verdict(), QueryVerdict::good);
  EXPECT_EQ(Message(0, 1, 0, 1, 0).question().octets({1, 'a', 0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0}).verdict(),
            QueryVerdict::good);
  EXPECT_EQ(Message(0, 1, 0, 1, 0).question().octets({0x41, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0}).verdict(),
            QueryVerdict::formerr);
}

}  // namespace
}  // namespace samara::dns
