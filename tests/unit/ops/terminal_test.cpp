#include "ops/terminal.h"

#include <gtest/gtest.h>

namespace samara::ops {
namespace {

using std::chrono::milliseconds;

TEST(Progress, SaysRecordsRateAndShare) {
  EXPECT_EQ(Progress::line("big.zone", 3'400'000, milliseconds(2000), 34, 100),
            "big.zone: 3,400,000 records, 1,700,000/s, 34 %");
  EXPECT_EQ(Progress::line("big.zone", 1, milliseconds(1000), 0, 0), "big.zone: 1 record, 1/s");
  EXPECT_EQ(Progress::line("big.zone", 999, milliseconds(0), 5, 3), "big.zone: 999 records, 999,000/s, 100 %");
}

// What a test writes goes to a file or a pipe.
TEST(Terminal, NobodyLooksAtAPipe) {
  if (is_terminal(2)) GTEST_SKIP() << "run at a terminal";
  testing::internal::CaptureStderr();
  {
    Progress progress("big.zone");
    for (u64 i = 0; i < 100'000; ++i) progress.at(i, i, 100'000);
    progress.phase("checking");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(inked(2, Ink::red, "text"), "text");
}

}  // namespace
}  // namespace samara::ops
