#include "zone/master_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "dns-core/rdata/rdata_text.h"
#include "master_file_zone.h"
#include "zone/include_scan.h"
#include "zone/master_file_generate.h"

namespace samara::zone {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string line_of(const Record& record) {
  std::vector<char> memory(300000);
  TextWriter out(memory);
  record.owner->write_text(out);
  out.put(' ');
  out.put(record.ttl.seconds());
  out.put(" IN ");
  dns::write_type(record.type, out);
  out.put(' ');
  dns::write_rdata_text(record.type, record.rdata, out);
  return std::string(out.view());
}

struct Source {
  std::string path;
  std::string text;
};

// Everything a master file says, a line each: records, `! error`, `? warning`.
std::string transcript(const std::vector<Source>& sources, std::string_view apex = "example.com.") {
  std::vector<SourceFile> files;
  for (const Source& source : sources) files.push_back({source.path, source.text});
  MasterFile file(files, name_of(apex));
  std::string all;
  Record record;
  for (;;) {
    const auto more = file.next(record);
    if (!more.ok()) {
      all += "! " + text_of(more.error()) + "\n";
    } else if (!more.value()) {
      break;
    } else {
      all += line_of(record) + "\n";
    }
  }
  EXPECT_FALSE(file.next(record).value()) << "the end stays the end";
  for (const MasterFileError& warning : file.warnings()) all += "? " + text_of(warning) + "\n";
  return all;
}

std::string transcript(std::string text) {
  return transcript({{"t.zone", std::move(text)}});
}

// Each folder of tests/data/zone/master-file is a zone: main.zone, what it includes, and in `expected` what must come out.
class MasterFileCase : public testing::TestWithParam<std::string> {};

TEST_P(MasterFileCase, ReadsAsExpected) {
  const fs::path folder = fs::path(SAMARA_TEST_DATA) / "zone/master-file" / GetParam();
  std::vector<Source> sources = {{"main.zone", read_file(folder / "main.zone")}};
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".inc") {
      sources.push_back({fs::relative(entry.path(), folder).string(), read_file(entry.path())});
    }
  }
  EXPECT_EQ(transcript(sources), read_file(folder / "expected"));
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(SAMARA_TEST_DATA) / "zone/master-file")) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Data, MasterFileCase, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

// The short way through common lines and the lexer's way must agree; a trailing comment forces the latter.
TEST(MasterFile, ReadsCommonLinesTheSameWayWithAndWithoutAComment) {
  for (const char* line :
       {"a 60 IN A 192.0.2.1", "a IN 60 A 192.0.2.1", "a 60 A 192.0.2.1", "a 60 in a 192.0.2.1", "a\t60\tIN\tAAAA\t2001:db8::1",
        "a 60 NS ns", "a 60 NS ns.example.net.", "a 60 CNAME @", "a 60 PTR .", "a 60 MX 10 mail",
        "a 60 MX 65535 mail.example.net.", "a 60 DNAME b", "@ 60 A 192.0.2.1", "a.example.com. 60 A 192.0.2.1",
        "A 0060 A 192.0.2.1", "a 0 A 192.0.2.1  \t", "a 2147483647 A 192.0.2.1", "a 60 TXT x y z", "a 60 SRV 0 1 2 b",
        "a 60 A 192.0.2.1\r",
        // and these, which are wrong, must be wrong in the same way
        "a 60 A 192.0.2", "a 60 A 192.0.2.1.1", "a 60 A 192.0.2.01", "a 60 A", "a 60 A ", "a 60 AAAA 192.0.2.1",
        "a 60 AAAA ::1::", "a 60 NS", "a 60 NS a b", "a 60 NS a..b", "a 60 NS .a", "a 60 MX mail", "a 60 MX 10",
        "a 60 MX 65536 mail", "a 60 MX 10 m n", "a 60 MX 010x mail", "a 4294967296 A 192.0.2.1", "a 99999999999 A 192.0.2.1",
        "a 60 60 A 192.0.2.1", "a IN IN A 192.0.2.1", "a..b 60 A 192.0.2.1", "a 60", "a", "a 60 IN",
        "b.example.net. 60 A 192.0.2.1", ". 60 A 192.0.2.1"}) {
    const std::string soa = "@ 60 SOA a b 1 2 3 4 5\n";
    EXPECT_EQ(transcript(soa + line + "          \n"), transcript(soa + line + " ; comment\n")) << line;
  }
}

// Every prefix of a file is read without a step outside it (ASan watches: the text lies in an allocation of its size).
TEST(MasterFile, CanEndAnywhere) {
  const std::string whole =
      "$TTL 1h\n@ IN SOA ns1 h\\.m ( 1 2 3 ; c\n 4 5 )\n\tNS ns1\nns1 60 IN A 192.0.2.1\n  AAAA 2001:db8::1\n"
      "$ORIGIN sub\n@ MX 10 m\n$GENERATE 1-2 g$ A 192.0.2.$\nt TXT \"a\\\"b\" c\\032d\n$INCLUDE x\n";
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const SourceFile file{"t.zone", std::string_view(exact.data(), exact.size())};
    MasterFile source(std::span(&file, 1), name_of("example.com."));
    Record record;
    for (int i = 0;; ++i) {
      ASSERT_LT(i, 100);
      const auto more = source.next(record);
      if (more.ok() && !more.value()) break;
    }
  }
}

TEST(MasterFile, SaysWhereARecordStands) {
  const std::string text = "@ 60 SOA a b 1 2 3 4 5\n\n   60 A 192.0.2.1\nx 60 TXT ( a\n b )\ny 60 TXT c\n";
  const SourceFile file{"t.zone", text};
  MasterFile source(std::span(&file, 1), name_of("example."));
  Record record;
  std::vector<std::pair<u32, u32>> places;
  while (source.next(record).value()) places.emplace_back(record.position.at.line, record.position.at.column);
  EXPECT_EQ(places, (std::vector<std::pair<u32, u32>>{{1, 1}, {3, 4}, {4, 1}, {6, 1}}));
}

TEST(MasterFile, KeepsTheCaseThatWasWritten) {
  EXPECT_EQ(transcript("WwW 60 CNAME FtP\n"), "WwW.example.com. 60 IN CNAME FtP.example.com.\n");
}

TEST(MasterFile, ReadsTheRootZone) {
  const SourceFile file{"root", ". 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.\ncom. 60 NS a.gtld-servers.net.\nnet 60 NS @\n"};
  MasterFile source(std::span(&file, 1), dns::Name());
  Record record;
  std::string all;
  while (source.next(record).value()) all += line_of(record) + "\n";
  EXPECT_EQ(all, ". 60 IN SOA a. b. 1 2 3 4 5\n. 60 IN NS a.\ncom. 60 IN NS a.gtld-servers.net.\nnet. 60 IN NS .\n");
}

TEST(MasterFile, OfNoFilesHasNoRecords) {
  MasterFile source({}, name_of("example."));
  Record record;
  EXPECT_FALSE(source.next(record).value());
}

TEST(MasterFile, LimitsGeneratedRecordsOfTheWholeZone) {
  EXPECT_EQ(transcript("$TTL 60\n$GENERATE 1-16777215 h$ A x\n$GENERATE 1-2 h$ A 192.0.2.$\n$GENERATE 1-1 h$ A 192.0.2.$\n"),
            "! t.zone:2:1: bad IPv4 address \"x\" (expected an IPv4 address such as 192.0.2.1)\n"
            "! t.zone:3:11: too many records \"1-2\" (expected at most 16777216 in a zone)\n"
            "h1.example.com. 60 IN A 192.0.2.1\n");
}

std::string resolved(std::string_view includer, std::string_view given) {
  std::vector<char> memory(max_path_size);
  TextWriter out(memory);
  dns::Token token;
  token.kind = dns::Token::Kind::word;
  token.text = given;
  return resolve_include(includer, token, out) ? std::string(out.view()) : "refused";
}

TEST(IncludePath, IsRelativeToTheIncluder) {
  EXPECT_EQ(resolved("a.zone", "b.inc"), "b.inc");
  EXPECT_EQ(resolved("zones/a.zone", "b.inc"), "zones/b.inc");
  EXPECT_EQ(resolved("zones/a.zone", "sub/b.inc"), "zones/sub/b.inc");
  EXPECT_EQ(resolved("zones/a.zone", "../b.inc"), "b.inc");
  EXPECT_EQ(resolved("zones/a.zone", "../../b.inc"), "../b.inc");
  EXPECT_EQ(resolved("../zones/a.zone", "../../b.inc"), "../../b.inc");
  EXPECT_EQ(resolved("/etc/zones/a.zone", "b.inc"), "/etc/zones/b.inc");
  EXPECT_EQ(resolved("/etc/zones/a.zone", "../../../b.inc"), "/b.inc");
  EXPECT_EQ(resolved("zones/a.zone", "/abs//./x/../b.inc"), "/abs/b.inc");
  EXPECT_EQ(resolved("./zones/./a.zone", "./b.inc"), "zones/b.inc");
  EXPECT_EQ(resolved("a.zone", "with\\032blank"), "with blank");
}

TEST(IncludePath, RefusesWhatNamesNoFile) {
  EXPECT_EQ(resolved("a.zone", ""), "refused");
  EXPECT_EQ(resolved("a.zone", "folder/"), "refused");
  EXPECT_EQ(resolved("a.zone", "."), "refused");
  EXPECT_EQ(resolved("a.zone", "\\999"), "refused");
  EXPECT_EQ(resolved("a.zone", std::string(max_path_size + 1, 'x')), "refused");
}

TEST(IncludeScan, FindsTheFilesThatMasterFileWillAskFor) {
  const SourceFile file{
      "z/main.zone",
      "$INCLUDE a.inc\n@ TXT \"$INCLUDE no\" ( \n$INCLUDE no\n)\n \"unclosed\n$INCLUDE\n$include \"b c.inc\" x\n"
      "  $INCLUDE no\n$INCLUDE ../d.inc"};
  IncludeScan scan(file);
  std::vector<std::string> found;
  std::vector<char> memory(max_path_size);
  for (TextWriter out(memory); scan.next(out); out.clear()) found.emplace_back(out.view());
  EXPECT_EQ(found, (std::vector<std::string>{"z/a.inc", "z/b c.inc", "d.inc"}));
}

std::string expanded(std::string_view text, u32 number) {
  std::vector<char> memory(1000);
  TextWriter out(memory);
  const auto error = expand_template(text, number, out);
  return error.has_value() ? std::string(describe(*error)) : std::string(out.view());
}

TEST(GenerateTemplate, FormatsTheNumber) {
  EXPECT_EQ(expanded("h$x", 12), "h12x");
  EXPECT_EQ(expanded("$-$", 7), "7-7");
  EXPECT_EQ(expanded("${5}", 7), "12");
  EXPECT_EQ(expanded("${-7}", 7), "0");
  EXPECT_EQ(expanded("${+1,4}", 7), "0008");
  EXPECT_EQ(expanded("${0,0,x}", 0xabc), "abc");
  EXPECT_EQ(expanded("${0,5,X}", 0xabc), "00ABC");
  EXPECT_EQ(expanded("${0,4,o}", 8), "0010");
  EXPECT_EQ(expanded("${0,1,d}", 123), "123") << "a width never cuts";
  EXPECT_EQ(expanded("${0,0,x}", 0), "0");
  EXPECT_EQ(expanded("${0,0,x}", 0x7fffffff), "7fffffff");
}

TEST(GenerateTemplate, WritesNibblesLowestFirst) {
  EXPECT_EQ(expanded("${0,0,n}", 0xabc), "c.b.a");
  EXPECT_EQ(expanded("${0,0,N}", 0xabc), "C.B.A");
  EXPECT_EQ(expanded("${0,7,n}", 0x1f), "f.1.0.0");
  EXPECT_EQ(expanded("${0,0,n}", 0), "0");
}

TEST(GenerateTemplate, HasADollarSignToo) {
  EXPECT_EQ(expanded("$$", 1), "$");
  EXPECT_EQ(expanded("\\$", 1), "$");
  EXPECT_EQ(expanded("\\\\$", 1), "\\\\1") << "an escaped backslash, then the number";
  EXPECT_EQ(expanded("a\\.b", 1), "a\\.b");
  EXPECT_EQ(expanded("\\", 1), "\\");
}

TEST(GenerateTemplate, RefusesBadModifiers) {
  for (const char* text : {"${", "${}", "${x}", "${1", "${1,}", "${1,2,}", "${1,2,z}", "${1,2,dd}", "${1,256}", "${,1}",
                           "${--1}", "${1,2,d,}", "${2147483648}"}) {
    EXPECT_EQ(expanded(text, 1), "bad modifier in a $GENERATE template") << text;
  }
  EXPECT_EQ(expanded("${-2}", 1), "the offset takes the number out of range");
  EXPECT_EQ(expanded("${1}", 0x7fffffff), "the offset takes the number out of range");
}

TEST(GenerateRange, CountsItsNumbers) {
  EXPECT_EQ(parse_generate_range("0-0")->count(), 1u);
  EXPECT_EQ(parse_generate_range("1-10/3")->count(), 4u);
  EXPECT_EQ(parse_generate_range("0-2147483647")->count(), u64{1} << 31);
  for (const char* text : {"", "1", "1-", "-1", "2-1", "1-2/", "1-2/0", "1-2147483648", "a-b", "1-2/3/4", "1--2", "01-2"}) {
    EXPECT_FALSE(parse_generate_range(text).has_value()) << text;
  }
}

TEST(MasterFile, FilesThatIncludeOthersAgainAndAgainComeToAnEnd) {
  // Ten levels of a hundred each, nearly all of it comment: it would be read for a year.
  std::vector<Source> sources{{"z", "@ 60 SOA a b 1 2 3 4 5\n$INCLUDE 0\n"}};
  for (int level = 0; level < 9; ++level) {
    std::string text = ";" + std::string(100'000, 'x');
    for (int i = 0; i < 100; ++i) text += "\n$INCLUDE " + std::to_string(level + 1) + "\n";
    sources.push_back({std::to_string(level), std::move(text)});
  }
  sources.push_back({"9", ""});
  EXPECT_NE(transcript(sources).find("files are included too often \"$INCLUDE\" (expected at most 1 GiB in all)"),
            std::string::npos);
}

}  // namespace
}  // namespace samara::zone
