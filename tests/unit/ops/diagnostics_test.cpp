#include "ops/diagnostics.h"

#include <gtest/gtest.h>

#include "ops/json.h"

namespace samara::ops {
namespace {

std::string json_of(std::string_view text) {
  JsonWriter json;
  json.value(text);
  return json.take();
}

TEST(Diagnostic, SaysWhereWhatAndWhatWasExpected) {
  Diagnostic d{Diagnostic::Severity::error, {"a.yaml", 3, 7}, "unknown key \"wrokers\"", "one of workers", "workers"};
  EXPECT_EQ(d.to_text(), "a.yaml:3:7: unknown key \"wrokers\" (did you mean workers? Expected one of workers)");
  d.suggestion.clear();
  EXPECT_EQ(d.to_text(), "a.yaml:3:7: unknown key \"wrokers\" (expected one of workers)");
  d.expected.clear();
  EXPECT_EQ(d.to_text(), "a.yaml:3:7: unknown key \"wrokers\"");
  d.severity = Diagnostic::Severity::warning;
  d.at = {"a.yaml"};
  EXPECT_EQ(d.to_text(), "a.yaml: warning: unknown key \"wrokers\"");
}

TEST(Diagnostic, ControlCharactersDoNotReachTheTerminal) {
  const Diagnostic d{Diagnostic::Severity::error, {"a\x1b[2J"}, "x\n\x7f", {}, {}};
  EXPECT_EQ(d.to_text(), "a\\x1b[2J: x\\x0a\\x7f");
  EXPECT_EQ(in_quotes("\a"), "\"\\x07\"");
}

TEST(Diagnostic, LongQuotationsAreCut) {
  EXPECT_EQ(in_quotes(std::string(60, 'a')).size(), 62U);
  EXPECT_EQ(in_quotes(std::string(61, 'a')), '"' + std::string(60, 'a') + "…\"");
}

TEST(Diagnostics, AreSortedByPlaceWithinTheirFile) {
  Diagnostics found;
  found.error({"b", 2, 1}, "2");
  found.warning({"a", 1, 1}, "4");
  found.error({"b", 1, 9}, "1");
  found.error({"b", 2, 1}, "3");
  std::string order;
  for (const Diagnostic& d : found.sorted()) order += d.problem;
  EXPECT_EQ(order, "1234");
  EXPECT_EQ(found.error_count(), 3U);
  EXPECT_EQ(found.warning_count(), 1U);
  EXPECT_FALSE(found.good());
}

TEST(Diagnostics, WarningsAloneAreGood) {
  Diagnostics found;
  found.warning({"a", 1, 1}, "hm");
  EXPECT_TRUE(found.good());
}

TEST(Diagnostics, AreAvailableToScripts) {
  Diagnostics found;
  EXPECT_EQ(found.to_json(), "[]");
  found.error({"a", 1, 2}, "p\"q", "e", "s");
  found.warning({"a"}, "w");
  EXPECT_EQ(found.to_json(),
            "[{\"severity\":\"warning\",\"file\":\"a\",\"line\":0,\"column\":0,\"message\":\"w\",\"expected\":\"\","
            "\"suggestion\":\"\"},"
            "{\"severity\":\"error\",\"file\":\"a\",\"line\":1,\"column\":2,\"message\":\"p\\\"q\",\"expected\":\"e\","
            "\"suggestion\":\"s\"}]");
}

TEST(JsonWriter, IsAlwaysWellFormedUtf8) {
  EXPECT_EQ(json_of("a\\b\n\t\x01"), "\"a\\\\b\\n\\u0009\\u0001\"");
  EXPECT_EQ(json_of("é€😀"), "\"é€😀\"");
  const std::string replaced = "\"\xef\xbf\xbd\"";
  EXPECT_EQ(json_of("\xff"), replaced);
  EXPECT_EQ(json_of("\xc3"), replaced);                                        // cut short
  EXPECT_EQ(json_of("\xc0\xaf").substr(0, 4), replaced.substr(0, 4));          // overlong
  EXPECT_EQ(json_of("\xed\xa0\x80").substr(0, 4), replaced.substr(0, 4));      // a surrogate
  EXPECT_EQ(json_of("\xf4\x90\x80\x80").substr(0, 4), replaced.substr(0, 4));  // beyond U+10FFFF
}

TEST(JsonWriter, CommasStandBetweenOnly) {
  JsonWriter json;
  json.begin_object();
  json.member("a", u64{18'446'744'073'709'551'615ULL});
  json.key("b");
  json.begin_array();
  json.value(true);
  json.begin_object();
  json.end_object();
  json.value("c");
  json.end_array();
  json.member("d", false);
  json.end_object();
  EXPECT_EQ(json.take(), "{\"a\":18446744073709551615,\"b\":[true,{},\"c\"],\"d\":false}");
}

}  // namespace
}  // namespace samara::ops
