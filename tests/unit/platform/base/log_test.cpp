#include "platform/base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/base/ip_address.h"

namespace samara {
namespace {

std::vector<std::string> lines;

class Log : public testing::Test {
 protected:
  void SetUp() override {
    lines.clear();
    set_log_sink(
        [](Level level, std::string_view line) { lines.push_back(std::string(level_name(level)) + ": " + std::string(line)); });
    set_log_level(Level::info);
  }
  void TearDown() override {
    set_log_sink(nullptr);
    set_log_level(Level::info);
  }
};

TEST_F(Log, BuildsALineFromPieces) {
  log(Level::warning, "peer ", *IpAddress::parse("192.0.2.1"), " sent ", 3, ' ', std::string_view("octets"));
  EXPECT_EQ(lines, std::vector<std::string>{"warning: peer 192.0.2.1 sent 3 octets"});
}

TEST_F(Log, DropsWhatIsLessImportantThanTheLevel) {
  log(Level::debug, "unseen");
  EXPECT_TRUE(lines.empty());
  EXPECT_FALSE(log_enabled(Level::debug));
  set_log_level(Level::debug);
  log(Level::debug, "seen");
  EXPECT_EQ(lines.size(), 1u);
  set_log_level(Level::error);
  log(Level::warning, "unseen");
  log_line(Level::warning, "unseen");
  log(Level::error, "seen");
  EXPECT_EQ(lines.size(), 2u);
}

TEST_F(Log, IsSilentWithoutASink) {
  set_log_sink(nullptr);
  EXPECT_FALSE(log_enabled(Level::error));
  log(Level::error, "nowhere");
  log_line(Level::error, "nowhere");
}

TEST_F(Log, CutsALineThatIsTooLongAtAPieceAndMarksIt) {
  const std::string full(max_log_line - 3, 'x');
  log(Level::info, full);
  EXPECT_EQ(lines.back(), "info: " + full) << "just fits";
  log(Level::info, "start ", full, " end");
  EXPECT_EQ(lines.back(), "info: start \xe2\x80\xa6") << "nothing after the piece that did not fit";
  log(Level::info, full, 'y');
  EXPECT_EQ(lines.back(), "info: " + full + "\xe2\x80\xa6");
}

}  // namespace
}  // namespace samara
