#include "zone/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "master_file_zone.h"

namespace samara::zone {
namespace {

namespace fs = std::filesystem;
const fs::path folder = fs::path(SAMARA_TEST_DATA) / "zone/check";
// Within the time the test zones' signatures are valid.
constexpr UnixTime now{1767225600};

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

// All diagnostics, a line each: "error: LINE:COLUMN: text".
std::string lines_of(const Diagnostics& diagnostics) {
  std::string all;
  for (size_t i = 0; i < diagnostics.size(); ++i) {
    const auto [severity, position, text] = diagnostics[i];
    all += severity == Severity::error ? "error: " : "warning: ";
    if (position.has_value()) {
      all += std::to_string(position->at.line) + ":" + std::to_string(position->at.column) + ": ";
    }
    all += std::string(text) + "\n";
  }
  return all;
}

std::string checked(const std::string& text, std::optional<UnixTime> at = now, bool verify = true) {
  TestZones zones;
  const Zone zone = zones.build(text);
  CheckOptions options;
  options.now = at;
  options.verify_signatures = verify;
  options.index = &zones.index();
  Diagnostics out;
  check_zone(zone, options, out);
  return lines_of(out);
}

// Without positions, for zones that were changed on the way.
std::string complaints(const std::string& text, std::optional<UnixTime> at = now) {
  TestZones zones;
  CheckOptions options;
  options.now = at;
  Diagnostics out;
  check_zone(zones.build(text), options, out);
  return lines_of(out);
}

// Each NAME.zone in tests/data/zone/check, whose apex is example., gives what NAME.expected says.
class CheckCase : public testing::TestWithParam<std::string> {};

TEST_P(CheckCase, FindsWhatIsExpected) {
  EXPECT_EQ(checked(read_file(folder / (GetParam() + ".zone"))), read_file(folder / (GetParam() + ".expected")));
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".zone") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Data, CheckCase, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

// A signed zone's records, a line each, to be changed.
class Lines {
 public:
  explicit Lines(const std::string& name) {
    std::istringstream in(read_file(folder / (name + ".zone")));
    for (std::string line; std::getline(in, line);) {
      std::ranges::replace(line, '\t', ' ');
      lines_.push_back(line);
    }
  }
  // Whether all parts are in the line; one that begins with ^ must begin it.
  static bool holds(const std::string& line, const std::vector<std::string_view>& parts) {
    return std::ranges::all_of(parts, [&](std::string_view part) {
      return part.starts_with('^') ? line.starts_with(part.substr(1)) : line.find(part) != std::string::npos;
    });
  }
  Lines& remove(const std::vector<std::string_view>& parts) {
    const size_t before = lines_.size();
    std::erase_if(lines_, [&](const std::string& line) { return holds(line, parts); });
    EXPECT_LT(lines_.size(), before);
    return *this;
  }
  Lines& replace(const std::vector<std::string_view>& parts, std::string_view from, std::string_view to) {
    bool any = false;
    for (std::string& line : lines_) {
      const size_t at = line.find(from);
      if (!holds(line, parts) || at == std::string::npos) continue;
      line.replace(at, from.size(), to);
      any = true;
    }
    EXPECT_TRUE(any);
    return *this;
  }
  Lines& add(const std::string& line) {
    lines_.push_back(line);
    return *this;
  }
  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }

 private:
  std::vector<std::string> lines_;
};

bool says(const std::string& lines, std::string_view text) {
  return lines.find(text) != std::string::npos;
}

TEST(CheckDnssec, FindsAMissingSignature) {
  const std::string found = complaints(Lines("signed-nsec").remove({"^mail.example.", "RRSIG AAAA"}).text());
  EXPECT_EQ(found, "error: mail.example. AAAA: not signed\n");
}

TEST(CheckDnssec, FindsExpiredAndFutureSignatures) {
  const std::string text = Lines("signed-nsec").text();
  EXPECT_EQ(complaints(text, std::nullopt), "");
  const std::string late = complaints(text, UnixTime{2061000000});
  EXPECT_TRUE(says(late, "example. SOA: signature of key "));
  EXPECT_TRUE(says(late, " has expired\n"));
  EXPECT_TRUE(says(late, "error: example. SOA: no signature of it can be used\n"));
  EXPECT_TRUE(says(complaints(text, UnixTime{1700000000}), " is not valid yet\n"));
}

TEST(CheckDnssec, FindsSignaturesThatDoNotFit) {
  const auto with = [](std::string_view from, std::string_view to) {
    return complaints(Lines("signed-nsec").replace({"^mail.example.", "RRSIG A "}, from, to).text());
  };
  EXPECT_TRUE(says(with(" A 13 2 ", " A 13 1 "), " has 1 labels instead of 2\n"));
  EXPECT_TRUE(says(with(" A 13 2 ", " A 13 3 "), " has 3 labels instead of 2\n"));
  EXPECT_TRUE(says(with(" A 13 2 3600 ", " A 13 2 60 "), " has an original TTL below that of the set\n"));
  EXPECT_TRUE(says(with("20250101000000", "20360101000000"), " expires before it begins\n"));
  EXPECT_TRUE(says(with(" A 13 2 ", " A 8 2 "), ", which is not in the zone\n"));
  EXPECT_TRUE(says(with(" example. ", " mail.example. "), " is signed by mail.example. instead of the apex\n"));
  EXPECT_TRUE(says(with(" 3600 IN RRSIG", " 60 IN RRSIG"), " has another TTL than the set\n"));
}

TEST(CheckDnssec, VerifiesOnDemand) {
  const std::string changed = Lines("signed-nsec").replace({"^mail.example.", " A "}, "192.0.2.2", "192.0.2.3").text();
  EXPECT_EQ(complaints(changed), "");
  EXPECT_TRUE(says(checked(changed), " does not fit the data\n"));
}

TEST(CheckDnssec, CountsWildcardLabelsWithoutTheAsterisk) {
  const std::string found =
      complaints(Lines("signed-nsec").replace({"^*.example.", "RRSIG TXT"}, " TXT 13 1 ", " TXT 13 2 ").text());
  EXPECT_TRUE(says(found, " has 2 labels instead of 1\n"));
}

TEST(CheckDnssec, FindsSignaturesWhereNoneBelong) {
  const std::string signature = " 3600 IN RRSIG A 13 3 3600 20350101000000 20250101000000 1 example. AAAA";
  EXPECT_TRUE(says(complaints(Lines("signed-nsec").add("ns.secure.example." + signature).text()),
                   "warning: ns.secure.example. A: signed, but not authoritative here\n"));
  EXPECT_TRUE(says(complaints(Lines("signed-nsec").add("www.example." + signature).text()),
                   "warning: www.example. RRSIG: signature over a set that is not there\n"));
}

TEST(CheckDnssec, WantsKeysAndSignaturesTogether) {
  EXPECT_TRUE(says(complaints(Lines("signed-nsec").remove({" IN DNSKEY "}).text()),
                   "the zone has signatures but no usable DNSKEY at its apex\n"));
  const std::string unsigned_zone = Lines("signed-nsec").remove({" IN RRSIG "}).text();
  EXPECT_EQ(complaints(unsigned_zone),
            "warning: example. DNSKEY: the zone has keys but no signatures: who trusts the keys will reject its data\n");
  EXPECT_TRUE(
      says(complaints(Lines("signed-nsec").replace({" DNSKEY 256 "}, " 256 3 ", " 256 4 ").text()), "protocol is not 3\n"));
}

TEST(CheckDnssec, WantsASignatureOfEachAlgorithm) {
  const std::string found =
      complaints(Lines("signed-nsec").add("example. 3600 IN DNSKEY 256 3 15 " + std::string(43, 'A') + "=").text());
  EXPECT_TRUE(says(found, "warning: mail.example. A: no signature of algorithm 15, which the zone has a key of\n"));
}

TEST(CheckNsec, FindsABrokenChain) {
  EXPECT_EQ(complaints(Lines("signed-nsec").remove({"^mail.example.", " NSEC "}).text()),
            "error: mail.example. NSEC: missing: the name can be denied\n"
            "error: insecure.example. NSEC: leads to mail.example. instead of ns1.example.\n");
  EXPECT_EQ(
      complaints(Lines("signed-nsec").replace({"^www.example.", "NSEC example."}, "NSEC example.", "NSEC z.example.").text()),
      "error: www.example. NSEC: leads to z.example. instead of example.\n");
}

TEST(CheckNsec, FindsAWrongListOfTypes) {
  for (const auto& [from, to] : {std::pair{" A AAAA RRSIG", " A RRSIG"},
                                 {" A AAAA RRSIG", " A AAAA TXT RRSIG"},
                                 {" AAAA RRSIG NSEC", " AAAA NSEC"},
                                 {" AAAA RRSIG NSEC", " AAAA RRSIG NSEC CAA"}}) {
    EXPECT_EQ(complaints(Lines("signed-nsec").replace({"^mail.example.", " NSEC ns1.example."}, from, to).text()),
              "error: mail.example. NSEC: its list of types is not what is there\n")
        << to;
  }
}

TEST(CheckNsec, FindsNsecAtGlue) {
  EXPECT_TRUE(says(complaints(Lines("signed-nsec").add("ns.secure.example. 600 IN NSEC www.example. A RRSIG NSEC").text()),
                   "error: ns.secure.example. NSEC: at a name that is not authoritative\n"));
}

TEST(CheckNsec, MustBeInASignedZone) {
  EXPECT_TRUE(says(complaints(Lines("signed-nsec").remove({" NSEC "}).text()),
                   "error: example. NSEC: the zone is signed but has neither NSEC nor NSEC3 records\n"));
}

// The NSEC3 record's owner in "signed-nsec3" whose list of types is this.
constexpr std::string_view mail_types = " A AAAA RRSIG";

TEST(CheckNsec3, FindsABrokenChain) {
  const std::string found = complaints(Lines("signed-nsec3").remove({" IN NSEC3 ", mail_types}).text());
  EXPECT_TRUE(says(found, "error: mail.example. NSEC3: missing: the name can be denied (hash "));
  EXPECT_TRUE(says(found, " NSEC3: leads to "));
}

TEST(CheckNsec3, FindsAWrongListOfTypes) {
  EXPECT_EQ(complaints(Lines("signed-nsec3").replace({" IN NSEC3 ", mail_types}, mail_types, " A RRSIG").text()),
            "error: mail.example. NSEC3: its list of types is not what is there\n");
}

TEST(CheckNsec3, FindsARecordWithoutAName) {
  const std::string found = complaints(Lines("signed-nsec3").remove({"^www.example. "}).text());
  EXPECT_TRUE(says(found, " NSEC3: no name of the zone has this hash\n"));
}

TEST(CheckNsec3, FindsAnEmptyNonTerminalThatCanBeDenied) {
  const std::string found = complaints(Lines("signed-nsec3").add("x.y.example. 3600 IN TXT new").text());
  EXPECT_TRUE(says(found, "error: y.example. NSEC3: missing"));
  EXPECT_TRUE(says(found, "error: x.y.example. NSEC3: missing"));
}

TEST(CheckNsec3, AllowsUnsignedDelegationsInAnOptOutSpanOnly) {
  const std::string cut = "new-cut.example. 3600 IN NS ns1.example.";
  EXPECT_EQ(complaints(Lines("signed-nsec3-opt-out").add(cut).text()), "");
  EXPECT_TRUE(says(complaints(Lines("signed-nsec3").add(cut).text()), "error: new-cut.example. NSEC3: missing"));
  const std::string ds = "new-cut.example. 3600 IN DS 1 13 2 " + std::string(64, 'A');
  EXPECT_TRUE(
      says(complaints(Lines("signed-nsec3-opt-out").add(cut).add(ds).text()), "error: new-cut.example. NSEC3: missing"));
}

TEST(CheckNsec3, WantsSoundParameters) {
  const auto with = [](std::string_view from, std::string_view to) {
    return complaints(Lines("signed-nsec3").replace({" IN NSEC3PARAM "}, from, to).text());
  };
  EXPECT_TRUE(says(with("1 0 0 -", "1 0 5 -"), "warning: example. NSEC3PARAM: should have 0 iterations instead of 5\n"));
  EXPECT_TRUE(says(with("1 0 0 -", "1 0 0 ab"), "warning: example. NSEC3PARAM: should have no salt\n"));
  EXPECT_TRUE(says(with("1 0 0 -", "1 0 0 ab"), "error: example. NSEC3PARAM: no NSEC3 record belongs to it\n"));
  EXPECT_TRUE(says(with("1 0 0 -", "1 0 65535 -"), "resolvers do not follow more than 50 iterations\n"));
  EXPECT_TRUE(says(with("1 0 0 -", "2 0 0 -"), "no record with hash algorithm 1 and flags 0\n"));
  EXPECT_TRUE(says(complaints(Lines("signed-nsec3").remove({" NSEC3PARAM "}).text()),
                   "the zone has NSEC3 records but no NSEC3PARAM: nobody serves them\n"));
}

TEST(CheckNsec3, ReportsParametersThatNoRecordBelongsTo) {
  const std::string sound = Lines("signed-nsec3").text();
  EXPECT_FALSE(says(complaints(sound), "NSEC3PARAM"));
  const std::string further = complaints(sound + "example. 0 IN NSEC3PARAM 1 0 0 ab\n");
  EXPECT_TRUE(says(further, "error: example. NSEC3PARAM: there is one that no NSEC3 record belongs to\n"));
  EXPECT_FALSE(says(further, "NSEC3: missing"));  // the chain that is there is the one that counts
  EXPECT_FALSE(says(complaints(sound + "example. 0 IN NSEC3PARAM 1 1 0 ab\n"), "belongs to"));
}

TEST(CheckZone, WorksForTheRoot) {
  TestZones zones(".");
  const Zone zone = zones.build(". 60 SOA a. b. 1 7200 900 1209600 600\n. 60 NS ns.x.\nx. 60 NS ns.x.\nns.x. 60 A 192.0.2.1\n");
  Diagnostics out;
  check_zone(zone, {}, out);
  EXPECT_EQ(lines_of(out), "");
}

TEST(BuildErrors, HaveThePositionOfTheCulprit) {
  RecordIndex index;
  const dns::Name owner = name_of("a.example.");
  const auto add = [&](dns::RrType type, std::vector<u8> rdata, u32 line) {
    index.add({&owner, type, dns::Ttl(60), rdata, {0, {line, 1}}});
  };
  add(dns::RrType::A, {192, 0, 2, 1}, 7);
  add(dns::RrType::CNAME, {0}, 9);
  index.finish();
  Diagnostics out;
  add_build_error(BuildError::cname_and_data, owner, &index, out);
  add_build_error(BuildError::no_soa, name_of("example."), &index, out);
  add_build_error(BuildError::no_apex_ns, name_of("example."), nullptr, out);
  EXPECT_EQ(lines_of(out),
            "error: 9:1: a.example.: CNAME beside other data\n"
            "error: example.: no SOA record at the apex\n"
            "error: example.: no NS record at the apex\n");
}

TEST(Diagnostics, AreBoundedButCounted) {
  Diagnostics out;
  for (size_t i = 0; i < max_diagnostics + 10; ++i) out.add(Severity::warning, std::nullopt, "number ", i);
  out.add(Severity::error, std::nullopt, "last");
  EXPECT_EQ(out.size(), max_diagnostics);
  EXPECT_EQ(out.warning_count(), max_diagnostics + 10);
  EXPECT_EQ(out.error_count(), 1u);
  EXPECT_EQ(out[max_diagnostics - 1].text, "number 199");
}

// RFC 8976 section 4: what is wrong here is refused by whoever verifies.
TEST(Check, a_wrong_digest_or_serial_is_an_error_and_an_unknown_algorithm_a_warning) {
  const std::string zone = "$TTL 60\n@ SOA ns host 2 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n";
  const std::string digest(96, '0');
  EXPECT_EQ(checked(zone), "");
  EXPECT_EQ(checked(zone + "@ ZONEMD 2 1 1 " + digest + "\n"),
            "error: 5:1: example. ZONEMD: the zone's contents do not match its ZONEMD record\n");
  EXPECT_EQ(checked(zone + "@ ZONEMD 1 1 1 " + digest + "\n"),
            "error: 5:1: example. ZONEMD: the ZONEMD record was made for another serial\n");
  EXPECT_EQ(checked(zone + "@ ZONEMD 2 1 240 " + digest + "\n"),
            "warning: 5:1: example. ZONEMD: no ZONEMD record has a scheme and algorithm known here\n");
}

TEST(Check, a_set_that_no_message_can_hold_is_a_warning) {
  std::string zone = "$TTL 60\n@ SOA ns host 2 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n";
  const std::string text(250, 'x');
  for (int i = 0; i < 240; ++i) zone += "big TXT " + std::to_string(1000 + i) + text.substr(4) + "\n";
  EXPECT_EQ(checked(zone), "");
  for (int i = 240; i < 260; ++i) zone += "big TXT " + std::to_string(1000 + i) + text.substr(4) + "\n";
  EXPECT_EQ(checked(zone),
            "warning: 5:1: big.example. TXT: no message can hold this set of 260 records: who asks for it gets none of them\n");
}

}  // namespace
}  // namespace samara::zone
