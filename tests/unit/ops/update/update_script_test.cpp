#include "ops/update/update_script.h"

#include <gtest/gtest.h>

#include "platform/base/text_writer.h"
#include "platform/codec/hex.h"

namespace samara::ops {
namespace {

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

std::string hex(Bytes octets) {
  std::vector<char> memory(2 * octets.size());
  TextWriter out(memory);
  codec::encode_hex(octets, out);
  return std::string(out.view());
}

std::vector<UpdateBatch> read(std::string_view text) {
  Diagnostics found;
  UpdateScript script({}, {}, found);
  script.read(text, "s");
  EXPECT_TRUE(found.good()) << found.all().front().to_text();
  return script.take();
}

std::string error_of(std::string_view text) {
  Diagnostics found;
  UpdateScript script({}, {}, found);
  script.read(text, "s");
  if (found.all().empty()) return "no error";
  EXPECT_EQ(found.all().size(), 1U);
  return found.all().front().to_text();
}

// RFC 2136 sections 2.4 and 2.5: what tells the forms apart is class, TTL and data.
TEST(UpdateScript, EveryFormHasItsEncoding) {
  const auto batches = read(
      "server 192.0.2.1 5353\n"
      "zone e.\n"
      "prereq yxdomain a.e\n"
      "prereq nxdomain a.e.\n"
      "prereq yxrrset a.e A\n"
      "prereq nxrrset a.e IN A\n"
      "prereq yxrrset a.e A 192.0.2.1\n"
      "update add a.e 300 IN A 192.0.2.1\n"
      "add a.e 1h TXT \"x y\" ; with a comment\n"
      "update delete a.e\n"
      "update delete a.e A\n"
      "del a.e 5 A 192.0.2.1\n"
      "send\n");
  ASSERT_EQ(batches.size(), 1U);
  const UpdateBatch& batch = batches.front();
  EXPECT_EQ(batch.server, ServerPlace::parse("192.0.2.1:5353"));
  EXPECT_EQ(batch.zone, name_of("e"));
  ASSERT_EQ(batch.prerequisites.size(), 5U);
  const std::string owner = "0161016500";
  EXPECT_EQ(hex(batch.prerequisites[0]), owner + "00ff00ff000000000000");
  EXPECT_EQ(hex(batch.prerequisites[1]), owner + "00ff00fe000000000000");
  EXPECT_EQ(hex(batch.prerequisites[2]), owner + "000100ff000000000000");
  EXPECT_EQ(hex(batch.prerequisites[3]), owner + "000100fe000000000000");
  EXPECT_EQ(hex(batch.prerequisites[4]), owner + "00010001000000000004c0000201");
  ASSERT_EQ(batch.changes.size(), 5U);
  EXPECT_EQ(hex(batch.changes[0]), owner + "000100010000012c0004c0000201");
  EXPECT_EQ(hex(batch.changes[1]), owner + "0010000100000e10000403782079");
  EXPECT_EQ(hex(batch.changes[2]), owner + "00ff00ff000000000000");
  EXPECT_EQ(hex(batch.changes[3]), owner + "000100ff000000000000");
  EXPECT_EQ(hex(batch.changes[4]), owner + "000100fe000000000004c0000201");
}

TEST(UpdateScript, TheMessageHasOneZoneAndThenTheRecords) {
  const auto batches = read("zone e\nprereq yxdomain e\nadd a.e 1 A 192.0.2.1\n");
  ASSERT_EQ(batches.size(), 1U);
  const auto message = update_message(batches.front());
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(hex(*message),
            "000028000001000100010000"
            "01650000060001"
            "01650000ff00ff000000000000"
            "016101650000010001000000010004c0000201");
}

TEST(UpdateScript, SendAnEmptyLineAndTheEndEachEndAMessage) {
  const auto batches = read(
      "zone a\nadd x.a 1 A 192.0.2.1\n\n"
      "; nothing pending\n\nsend\n"
      "zone b\nadd x.b 1 A 192.0.2.1\n; a comment is no empty line\nadd y.b 1 A 192.0.2.1\nsend\n"
      "add z.b 1 A 192.0.2.1");
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].zone, name_of("a"));
  EXPECT_EQ(batches[1].changes.size(), 2U);
  EXPECT_EQ(batches[2].zone, name_of("b"));
  EXPECT_EQ(batches[2].at.line, 12U);
}

TEST(UpdateScript, NothingIsReadBehindQuit) {
  EXPECT_EQ(read("zone a\nadd x.a 1 A 192.0.2.1\nquit\nnonsense\n").size(), 1U);
}

TEST(UpdateScript, ATtlMayBeGivenForAllThatFollows) {
  const auto batches = read("zone e\nttl 60\nadd a.e A 192.0.2.1\nadd a.e 61 A 192.0.2.2\r\n");
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_NE(hex(batches[0].changes[0]).find("0000003c"), std::string::npos);
  EXPECT_NE(hex(batches[0].changes[1]).find("0000003d"), std::string::npos);
}

TEST(UpdateScript, AServersPortIs53UnlessSaid) {
  const auto batches = read("server 2001:db8::1\nzone e\ndelete a.e\n");
  EXPECT_EQ(batches.front().server, ServerPlace::parse("[2001:db8::1]:53"));
}

TEST(UpdateScript, ErrorsNameFileLineAndColumn) {
  EXPECT_EQ(error_of("zone e\nupdate ad a.e 1 A 192.0.2.1\n"), "s:2:8: unknown kind of update \"ad\" (expected add or delete)");
  EXPECT_EQ(error_of("udpate add a.e\n"),
            "s:1:1: unknown command \"udpate\" (did you mean update? Expected server, zone, ttl, prereq, update, "
            "add, delete, send or quit)");
  EXPECT_EQ(error_of("add a.e A 192.0.2.1\n"),
            "s:1:11: a record without time to live (expected NAME TTL TYPE RDATA, or ttl before it)");
  EXPECT_EQ(error_of("add a.e 300\n"), "s:1:12: a record without type (expected NAME TTL TYPE RDATA)");
  EXPECT_EQ(error_of("add a.e 300 AAAAA ::1\n"),
            "s:1:13: unknown record type \"AAAAA\" (did you mean AAAA? Expected a record type such as A, or TYPEnnn)");
  EXPECT_EQ(error_of("add a.e 300 TYPE255 \\# 0\n"),
            "s:1:13: a type that no zone has \"TYPE255\" (expected a record type such as A, or TYPEnnn)");
  EXPECT_EQ(error_of("\n\nadd a.e 300 A 192.0.2.256\n").substr(0, 7), "s:3:15:");
  EXPECT_EQ(error_of("prereq exists a.e\n"),
            "s:1:8: unknown prerequisite \"exists\" (expected nxdomain, yxdomain, nxrrset or yxrrset)");
  EXPECT_EQ(error_of("prereq nxrrset a.e A 192.0.2.1\n").substr(0, 7), "s:1:22:");
  EXPECT_EQ(error_of("server exa!mple\n"),
            "s:1:8: not a server's address or name \"exa!mple\" (expected ADDRESS or NAME, then perhaps a PORT)");
  EXPECT_EQ(error_of("server 192.0.2.1 0\n"), "s:1:18: not a port \"0\" (expected ADDRESS or NAME, then perhaps a PORT)");
  EXPECT_EQ(error_of("class CH\n"), "s:1:7: a class we do not serve \"CH\" (expected IN)");
  EXPECT_EQ(error_of("key k c2VzYW1l\n"), "s:1:1: a key's secret has no place in a script \"key\" (expected --key FILE)");
}

TEST(UpdateScript, EachBrokenLineIsReported) {
  Diagnostics found;
  UpdateScript script({}, {}, found);
  script.read("zone\nadd\nfoo\n", "s");
  EXPECT_EQ(found.error_count(), 3U);
}

TEST(UpdateScript, PiecesOfACommandLineAreReadLikeLines) {
  Diagnostics found;
  UpdateScript script(ServerPlace::parse("192.0.2.1:53"), name_of("e"), found);
  script.prerequisite("nxdomain a.e", "--prereq");
  script.remove("b.e", "--delete");
  script.add("a.e 1 A 192.0.2.1", "--add");
  const auto batches = script.take();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].prerequisites.size(), 1U);
  EXPECT_EQ(batches[0].changes.size(), 2U);
  script.add("a.e 1 A nowhere", "--add");
  ASSERT_EQ(found.all().size(), 1U);
  EXPECT_EQ(found.all().front().at.file, "--add");
  EXPECT_EQ(found.all().front().at.column, 9U);
}

TEST(UpdateScript, WhatIsLongerThanAMessageIsNone) {
  Diagnostics found;
  UpdateScript script({}, name_of("e"), found);
  for (int i = 0; i < 400; ++i) script.add("a.e 1 TXT " + std::string(200, 'x'), "--add");
  const auto batches = script.take();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_FALSE(update_message(batches[0]).has_value());
}

}  // namespace
}  // namespace samara::ops
