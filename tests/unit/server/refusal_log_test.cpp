#include "server/refusal_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace samara::server {
namespace {

std::vector<std::string> lines;

class Refusals : public testing::Test {
 protected:
  void SetUp() override {
    lines.clear();
    set_log_sink([](Level, std::string_view line) { lines.emplace_back(line); });
  }
  void TearDown() override { set_log_sink(nullptr); }

  static Instant at(i64 seconds) { return Instant::since_boot(Duration::seconds(seconds)); }
  RefusalLog refusals_;
};

TEST_F(Refusals, AreWrittenAtOnceUpToABurst) {
  for (u32 i = 0; i < RefusalLog::burst; ++i) refusals_.line(at(100), "AXFR of 192.0.2.", i, " refused");
  ASSERT_EQ(lines.size(), RefusalLog::burst);
  EXPECT_EQ(lines.front(), "AXFR of 192.0.2.0 refused");
}

TEST_F(Refusals, OfAFloodAreOneASecondWithTheNumberOfThoseLeftOut) {
  for (i64 second = 100; second < 110; ++second) {
    for (int i = 0; i < 1000; ++i) refusals_.line(at(second), "no");
  }
  ASSERT_EQ(lines.size(), RefusalLog::burst + 9);
  EXPECT_EQ(lines[RefusalLog::burst], "no (and 980 refusals before it)");
  EXPECT_EQ(lines.back(), "no (and 999 refusals before it)");
}

TEST_F(Refusals, HaveTheirBurstAgainAfterAQuietTime) {
  for (int i = 0; i < 1000; ++i) refusals_.line(at(100), "no");
  lines.clear();
  for (int i = 0; i < 1000; ++i) refusals_.line(at(1000), "no");
  EXPECT_EQ(lines.size(), RefusalLog::burst);
}

}  // namespace
}  // namespace samara::server
