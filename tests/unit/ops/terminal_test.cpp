#include "ops/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

namespace samara::ops {
namespace {

using std::chrono::milliseconds;

// The environment of a usual terminal; the one before comes back with its end.
class Variables {
 public:
  Variables() {
    for (const char* name : {"TERM", "NO_COLOR"}) {
      const char* value = ::getenv(name);
      before_.emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
    }
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
  }
  ~Variables() {
    for (const auto& [name, value] : before_) value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::vector<std::pair<const char*, std::optional<std::string>>> before_;
};

TEST(Progress, SaysRecordsRateAndShare) {
  EXPECT_EQ(Progress::line("big.zone", 3'400'000, milliseconds(2000), 34, 100),
            "big.zone: 3,400,000 records, 1,700,000/s, 34 %");
  EXPECT_EQ(Progress::line("big.zone", 1, milliseconds(1000), 0, 0), "big.zone: 1 record, 1/s");
  EXPECT_EQ(Progress::line("big.zone", 999, milliseconds(0), 5, 3), "big.zone: 999 records, 999,000/s, 100 %");
}

TEST(Terminal, NobodyLooksAtAFile) {
  const Variables usual;
  testing::internal::CaptureStderr();  // into a file
  {
    Progress progress("big.zone");
    for (u64 i = 0; i < 100'000; ++i) progress.at(i, i, 100'000);
    progress.phase("checking");
  }
  EXPECT_EQ(inked(2, Ink::red, "text"), "text");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Terminal, HasColorsUnlessTheyAreNotWanted) {
  const Variables usual;
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(::grantpt(terminal), 0);
  ASSERT_EQ(::unlockpt(terminal), 0);
  const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(screen, 0);
  const int before = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  ASSERT_EQ(::dup2(screen, STDERR_FILENO), STDERR_FILENO);
  const std::string red = inked(2, Ink::red, "text");
  const std::string plain = inked(2, Ink::plain, "text");
  ::setenv("NO_COLOR", "1", 1);
  const std::string not_wanted = inked(2, Ink::red, "text");
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  const std::string not_understood = inked(2, Ink::red, "text");
  ::dup2(before, STDERR_FILENO);
  for (const int descriptor : {before, screen, terminal}) ::close(descriptor);
  EXPECT_EQ(red, "\x1b[31mtext\x1b[0m");
  EXPECT_EQ(plain, "text");
  EXPECT_EQ(not_wanted, "text");
  EXPECT_EQ(not_understood, "text");
}

}  // namespace
}  // namespace samara::ops
