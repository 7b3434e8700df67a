#include <gtest/gtest.h>

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

// The zones of tests/data/server, and one without data.
class Served {
 public:
  Served() : region_(size_t{4} << 20), memory_(region_) {
    std::vector<zone::ZoneSetEntry> entries;
    for (const char* apex : {"example", "own", "child"}) {
      const dns::Name name = name_of(apex == std::string("child") ? "child.example." : std::string(apex) + ".");
      entries.push_back({name, load(name, file_text(std::string(apex) + ".zone"))});
    }
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

const Served& served() {
  static const Served made;
  return made;
}

constexpr Identity identity{.server_id = "here", .version = "", .nsid = "node1"};

std::string answer(const std::string& line, Bytes cookie = {}) {
  const ScenarioQuery query = query_of(line);
  AnswerRules rules;
  rules.transport = query.tcp ? Transport::tcp : Transport::udp;
  rules.cookie = cookie;
  if (query.tcp) rules.tcp_keepalive = 100;
  Octets reply(65'535, 0xee);
  const dns::Query parsed = dns::parse_query(query.packet);
  const Answer result = answer_query(served().zones(), identity, rules, query.packet, parsed, reply);
  if (!query.tcp) { EXPECT_LE(result.size, parsed.edns.has_value() ? std::min<size_t>(parsed.edns->udp_payload_size, 1232) : 512); }
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
  int checked = 0;
  const auto check = [&] {
    if (query.empty()) return;
    ++checked;
    EXPECT_EQ(counted(answer(query), expected), expected) << "> " << query;
    query.clear();
    expected.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(';')) continue;
    if (line.starts_with("> ")) {
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
                         testing::Values("data", "denial", "aliases", "dname", "wildcard", "referral", "refusal", "edns", "any", "truncation",
                                         "additional", "chaos"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace samara::server
