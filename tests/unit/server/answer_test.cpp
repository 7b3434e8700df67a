#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "answer_scenario.h"
#include "server/query.h"
#include "zone/builder.h"
#include "zone/master_file.h"

namespace samara::server {
namespace {

std::string file_text(const std::string& name) {
  std::ifstream file(std::string(SAMARA_TEST_DATA "/server/") + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

struct ZoneText {
  std::string apex;
  std::string text;
};

class Served {
 public:
  // The zones given, and one without data.
  explicit Served(const std::vector<ZoneText>& zones) : region_(size_t{4} << 20), memory_(region_) {
    std::vector<zone::ZoneSetEntry> entries;
    for (const ZoneText& one : zones) entries.push_back({name_of(one.apex), load(name_of(one.apex), one.text)});
    entries.push_back({name_of("broken."), std::nullopt});
    set_.emplace(zone::build_zone_set(memory_, entries).value());
  }
  const zone::ZoneSet& zones() const { return *set_; }

 private:
  zone::Zone load(const dns::Name& apex, const std::string& text) {
    const zone::SourceFile file{"test.zone", text};
    zone::MasterFile source(std::span(&file, 1), apex);
    zone::ZoneBuilder builder(memory_, apex);
    zone::Record record;
    for (auto more = source.next(record); !more.ok() || more.value(); more = source.next(record)) {
      if (!more.ok()) {
        ADD_FAILURE() << text_by([&](TextWriter& out) { more.error().write_text(out); });
        continue;
      }
      EXPECT_TRUE(builder.add(*record.owner, record.type, record.ttl, record.rdata).ok());
    }
    const auto zone = builder.finish();
    EXPECT_TRUE(zone.ok()) << (zone.ok() ? "" : zone::describe(zone.error()));
    return zone.value();
  }
  std::vector<u8> region_;
  zone::ZoneMemory memory_;
  std::optional<zone::ZoneSet> set_;
};

// The zones of tests/data/server.
const Served& served() {
  static const Served made({{"example.", file_text("example.zone")},
                            {"own.", file_text("own.zone")},
                            {"child.example.", file_text("child.zone")},
                            {"rollover.", file_text("rollover.zone")}});
  return made;
}

constexpr Identity identity{.server_id = "here", .version = "", .nsid = "node1"};

std::string answer(const std::string& line, Bytes cookie = {}, const Served& from = served()) {
  const ScenarioQuery query = query_of(line);
  AnswerRules rules;
  rules.transport = query.tcp ? Transport::tcp : Transport::udp;
  rules.cookie = cookie;
  rules.nsid = identity.nsid;
  if (query.tcp) rules.tcp_keepalive = 100;
  Octets reply(65'535, 0xee);
  const dns::Query parsed = dns::parse_query(query.packet);
  const Answer result = answer_query(from.zones(), identity, rules, query.packet, parsed, reply);
  if (!query.tcp) {
    EXPECT_LE(result.size, parsed.edns.has_value() ? std::min<size_t>(parsed.edns->udp_payload_size, 1232) : 512);
  }
  const std::string text = text_of_response(Bytes(reply).first(result.size), query.packet);
  EXPECT_EQ(result.truncated, text.substr(0, text.find('\n')).find(" tc") != std::string::npos) << line;
  return text;
}

// Replaces each run of a section that the expectation gives as `SECTION * COUNT` by that line.
std::string counted(const std::string& response, const std::string& expected) {
  std::string made = response;
  for (const std::string section : {"answer", "authority", "additional"}) {
    if (expected.find(section + " * ") == std::string::npos) continue;
    std::istringstream lines(made);
    std::string rest;
    size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(section + " ")) {
        if (count++ == 0) rest += section + " * COUNT\n";
      } else {
        rest += line + "\n";
      }
    }
    if (const size_t at = rest.find("COUNT"); at != std::string::npos) rest.replace(at, 5, std::to_string(count));
    made = rest;
  }
  return made;
}

class AnswerScenario : public testing::TestWithParam<const char*> {};

TEST_P(AnswerScenario, is_answered_as_written) {
  std::istringstream lines(file_text(std::string(GetParam()) + ".scenario"));
  std::string query;
  std::string expected;
  std::vector<ZoneText> zones;
  std::optional<Served> own_zones;
  int checked = 0;
  const auto check = [&] {
    if (query.empty()) return;
    ++checked;
    if (!zones.empty() && !own_zones.has_value()) own_zones.emplace(zones);
    EXPECT_EQ(counted(answer(query, {}, own_zones.has_value() ? *own_zones : served()), expected), expected) << "> " << query;
    query.clear();
    expected.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(';')) continue;
    if (line.starts_with("zone ")) {
      zones.push_back({line.substr(5), ""});
    } else if (line.starts_with("| ") && !zones.empty()) {
      zones.back().text += line.substr(2) + "\n";
    } else if (line.starts_with("> ")) {
      check();
      query = line.substr(2);
    } else if (!line.empty()) {
      expected += line + "\n";
    }
  }
  check();
  EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(Files, AnswerScenario,
                         testing::Values("data", "denial", "rollover", "aliases", "dname", "wildcard", "referral", "refusal",
                                         "edns", "any", "truncation", "additional", "chaos", "rfc4035", "rfc4592", "rfc5155",
                                         "rfc6672", "chains-by-name", "half-signed"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Answer, returns_the_cookie_it_is_given) {
  Octets cookie;
  for (u8 i = 0; i < 24; ++i) cookie.push_back(i);
  EXPECT_EQ(
      answer("mail.example. A", cookie),
      "NOERROR aa opt=1232 cookie=000102030405060708090a0b0c0d0e0f1011121314151617\nanswer mail.example. 300 A 192.0.2.25\n");
  EXPECT_EQ(answer("mail.example. A noedns", cookie), "NOERROR aa\nanswer mail.example. 300 A 192.0.2.25\n");
  EXPECT_EQ(answer("www.test. A", cookie), "REFUSED opt=1232 cookie=000102030405060708090a0b0c0d0e0f1011121314151617 ede=20\n");
}

TEST(Answer, keeps_to_every_size_and_says_when_it_was_cut) {
  for (const char* question : {"big.example. TXT", "x.many.example. A", "www.example. A", "example. ANY", "x.d.example. A",
                               "host.cut.example. A do"}) {
    const std::string whole = answer(std::string(question) + " tcp");
    for (int size = 512; size <= 1300; ++size) {
      const std::string text = answer(std::string(question) + " nsid expire zoneversion edns=" + std::to_string(size));
      const bool cut = text.substr(0, text.find('\n')).find(" tc") != std::string::npos;
      // The OPT record is there whatever was cut.
      ASSERT_NE(text.find("opt=1232"), std::string::npos) << question << ' ' << size;
      if (!cut) {
        ASSERT_NE(text.find('\n'), text.size() - 1) << question << ' ' << size;
      }
    }
    EXPECT_EQ(whole.substr(0, whole.find('\n')).find(" tc"), std::string::npos) << question;
  }
}

TEST(Answer, rotates_its_rrsets_by_the_message_id_when_told_to) {
  const auto first_record = [&](bool rotate, u16 id, std::string_view question) {
    ScenarioQuery query = query_of(std::string(question));
    store_be16(query.packet, 0, id);
    AnswerRules rules;
    rules.rotate = rotate;
    rules.udp_payload_size = 4096;
    Octets reply(4'096);
    const Answer result = answer_query(served().zones(), identity, rules, query.packet, dns::parse_query(query.packet), reply);
    return Octets(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(result.size));
  };
  // The same records whatever the order: equal sizes, other octets; and the order of the zone where nothing was said.
  const std::string question = "big.example. TXT edns=4096";
  const Octets plain = first_record(false, 0, question);
  Octets again = first_record(false, 7, question);
  store_be16(again, 0, 0);
  EXPECT_EQ(again, plain);
  EXPECT_EQ(first_record(true, 0, question), plain);
  Octets turned = first_record(true, 1, question);
  store_be16(turned, 0, 0);
  EXPECT_EQ(turned.size(), plain.size());
  EXPECT_NE(turned, plain);
  std::ranges::sort(turned);
  Octets sorted = plain;
  std::ranges::sort(sorted);
  EXPECT_EQ(turned, sorted);
}

TEST(Answer, leaves_room_for_what_is_put_behind_it) {
  const ScenarioQuery query = query_of("big.example. TXT");
  for (const size_t room : {0U, 100U, 700U, 1'150U}) {
    AnswerRules rules;
    rules.tail_room = room;
    Octets reply(4'096);
    const Answer result = answer_query(served().zones(), identity, rules, query.packet, dns::parse_query(query.packet), reply);
    EXPECT_LE(result.size + room, 1'232U);
    EXPECT_TRUE(result.truncated);
  }
}

std::string zone_head() {
  return "$TTL 300\n@ SOA ns host 7 7200 900 1209600 60\n@ NS ns\n";
}

size_t records_in(const std::string& response, std::string_view section) {
  size_t count = 0;
  std::istringstream lines(response);
  for (std::string line; std::getline(lines, line);) count += line.starts_with(section);
  return count;
}

TEST(Answer, follows_so_many_aliases_and_no_more) {
  std::string text = zone_head();
  std::string dnames = zone_head();
  for (int i = 0; i < 40; ++i) {
    const std::string next = std::to_string(i + 1);
    text += "c" + std::to_string(i) + " CNAME c" + next + "\n";
    dnames += "d" + std::to_string(i) + " DNAME d" + next + "\n";
  }
  const Served chain({{"chain.", text + "loop CNAME loop\na CNAME b\nb CNAME a\n"}, {"dnames.", dnames}});
  EXPECT_EQ(records_in(answer("c0.chain. A tcp", {}, chain), "answer"), max_chain);
  EXPECT_EQ(records_in(answer("c30.chain. A tcp", {}, chain), "answer"), 10U) << "a chain that ends before";
  EXPECT_EQ(records_in(answer("loop.chain. A tcp", {}, chain), "answer"), 1U);
  EXPECT_EQ(records_in(answer("a.chain. A tcp", {}, chain), "answer"), 2U);
  EXPECT_EQ(records_in(answer("x.d0.dnames. A tcp", {}, chain), "answer"), 2 * max_chain) << "with the CNAME of each";
}

TEST(Answer, looks_up_so_many_additional_names_and_no_more) {
  std::string text = zone_head();
  for (int i = 0; i < 100; ++i) {
    const std::string host = "h" + std::to_string(i);
    text += "many MX 10 " + host + "\n" + host + " A 192.0.2.1\n";
  }
  const Served many({{"many.", text}});
  const std::string whole = answer("many.many. MX tcp", {}, many);
  EXPECT_EQ(records_in(whole, "answer"), 100U);
  EXPECT_EQ(records_in(whole, "additional"), max_additional_names);
}

TEST(Answer, that_refers_has_all_glue_below_the_cut_or_is_marked_as_cut) {
  const ScenarioQuery query = query_of("x.forty.example. A edns=4096");
  const auto answer_within = [&](size_t size, Octets& reply) {
    AnswerRules rules;
    rules.udp_payload_size = size;
    return answer_query(served().zones(), identity, rules, query.packet, dns::parse_query(query.packet), reply);
  };
  Octets reply(4'096);
  const Answer whole = answer_within(4'096, reply);
  EXPECT_FALSE(whole.truncated);
  EXPECT_EQ(load_be16(reply, 8), 40);
  EXPECT_EQ(load_be16(reply, 10), 40 + 1);  // and the OPT record
  for (size_t size = 512; size < whole.size + 10; ++size) {
    const Answer result = answer_within(size, reply);
    ASSERT_LE(result.size, size);
    ASSERT_EQ(result.truncated, size < whole.size) << size;
    ASSERT_EQ(load_be16(reply, 10) < 40 + 1, result.truncated) << size;
  }
}

TEST(Answer, tells_what_it_was_for_those_who_count) {
  const auto result_of = [](const char* line) {
    const ScenarioQuery query = query_of(line);
    Octets reply(4'096);
    return answer_query(served().zones(), identity, AnswerRules(), query.packet, dns::parse_query(query.packet), reply);
  };
  EXPECT_TRUE(result_of("host.cut.example. A").referral);
  EXPECT_FALSE(result_of("www.example. A").referral);
  EXPECT_EQ(result_of("host.cut.example. A").cut_labels, 2);
  EXPECT_TRUE(result_of("x.wild.example. A").made_up);
  EXPECT_TRUE(result_of("x.d.example. A").made_up);
  EXPECT_FALSE(result_of("*.wild.example. A").made_up);
  EXPECT_EQ(result_of("nothing.example. A").rcode, dns::Rcode::NXDOMAIN);
  EXPECT_EQ(result_of("nothing.example. A").apex_labels, 1);
  EXPECT_EQ(result_of("www.child.example. A").apex_labels, 2);
  EXPECT_EQ(result_of("www.test. A").rcode, dns::Rcode::REFUSED);
}

TEST(Answer, of_errors_and_cut_ones_has_no_records) {
  const ScenarioQuery query = query_of("www.example. A do rd");
  const dns::Query parsed = dns::parse_query(query.packet);
  Octets reply(4'096);
  const auto text_of = [&](const Answer& answer) { return text_of_response(Bytes(reply).first(answer.size), query.packet); };
  EXPECT_EQ(text_of(answer_truncated(AnswerRules(), query.packet, parsed, dns::Rcode::NOERROR, reply)),
            "NOERROR tc rd opt=1232,do\n");
  EXPECT_EQ(text_of(answer_error(AnswerRules(), query.packet, parsed, dns::Rcode::BADCOOKIE, std::nullopt, {}, reply)),
            "BADCOOKIE rd opt=1232,do\n");
  EXPECT_EQ(text_of(answer_error(AnswerRules(), query.packet, parsed, dns::Rcode::REFUSED, dns::ExtendedError::prohibited, "no",
                                 reply)),
            "REFUSED rd opt=1232,do ede=18\n");
}

TEST(Answer, to_a_broken_query_is_formerr_with_the_question_if_there_is_one) {
  Octets packet = query_of("www.example. A noedns").packet;
  packet.push_back(0);
  Octets reply(4'096);
  const Answer cut = answer_query(served().zones(), identity, AnswerRules(), packet, dns::parse_query(packet), reply);
  EXPECT_EQ(text_of_response(Bytes(reply).first(cut.size), packet), "FORMERR\n");
  EXPECT_EQ(cut.size, packet.size() - 1);
  const Octets header(packet.begin(), packet.begin() + dns::header_size);
  const Answer alone = answer_query(served().zones(), identity, AnswerRules(), header, dns::parse_query(header), reply);
  EXPECT_EQ(alone.size, dns::header_size);
  EXPECT_EQ(load_be16(reply, 4), 0);
}

}  // namespace
}  // namespace samara::server
