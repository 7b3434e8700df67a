#include "server/update_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/base/log.h"
#include "worker_update_fixture.h"

namespace samara::server {
namespace {

std::vector<std::string> update_lines;

void keep_update_line(Level, std::string_view line) {
  update_lines.emplace_back(line);
}

class UpdateLogTest : public testing::Test {
 protected:
  void SetUp() override {
    update_lines.clear();
    set_log_sink(keep_update_line);
  }
  void TearDown() override { set_log_sink(nullptr); }

  static dns::Name named(std::string_view text) { return MUST(dns::Name::parse(text, dns::Name())); }
  static Instant at(i64 milliseconds) { return Instant::since_boot(Duration::milliseconds(milliseconds)); }
  static Requester with_key(u16 key) {
    return {.address = IpAddress::v4({192, 0, 2, 1}), .key = key, .key_name = named("k" + std::to_string(key) + ".")};
  }
  UpdateLog log_;
};

TEST_F(UpdateLogTest, has_a_line_for_each_as_long_as_they_are_few) {
  for (u32 i = 0; i < UpdateLog::burst; ++i) log_.made(at(100'000), named("z."), dns::Serial(i), with_key(1));
  ASSERT_EQ(update_lines.size(), UpdateLog::burst);
  EXPECT_EQ(update_lines.back(), "zone z.: serial 19 by update of k1. at 192.0.2.1");
  EXPECT_EQ(log_.next_deadline(), Instant::never());
}

TEST_F(UpdateLogTest, sums_up_by_zone_and_key_what_is_more) {
  for (i64 ms = 100'000; ms < 103'000; ++ms) {
    log_.made(at(ms), named("z."), dns::Serial(static_cast<u32>(ms)), with_key(1));
    if (ms % 2 == 0) log_.made(at(ms), named("y."), dns::Serial(static_cast<u32>(ms)), with_key(2));
    if (at(ms) >= log_.next_deadline()) log_.sum_up(at(ms));
  }
  EXPECT_LE(update_lines.size(), UpdateLog::burst + 6);
  ASSERT_GE(update_lines.size(), UpdateLog::burst + 2);
  EXPECT_TRUE(update_lines[UpdateLog::burst].starts_with(
      "zone z.: serial 101013 by 1001 updates of k1. at 192.0.2.1 in the last second"))
      << update_lines[UpdateLog::burst];
}

TEST_F(UpdateLogTest, is_as_short_for_any_number_of_keys) {
  for (u16 key = 0; key < 1'000; ++key) log_.made(at(100'000), named("z."), dns::Serial(key), with_key(key));
  log_.sum_up(log_.next_deadline());
  ASSERT_EQ(update_lines.size(), UpdateLog::burst + UpdateLog::max_summed + 1);
  EXPECT_EQ(update_lines.back(), "updates: 964 more in the last second, of other zones or keys");
}

TEST_F(UpdateLogTest, has_a_line_for_each_again_after_a_quiet_time) {
  for (u32 i = 0; i < 1'000; ++i) log_.made(at(100'000), named("z."), dns::Serial(i), with_key(1));
  log_.sum_up(log_.next_deadline());
  update_lines.clear();
  log_.made(at(200'000), named("z."), dns::Serial(7), with_key(1));
  ASSERT_EQ(update_lines.size(), 1U);
  EXPECT_EQ(update_lines[0], "zone z.: serial 7 by update of k1. at 192.0.2.1");
}

// From a key with no right for it, or without one.
class FloodOfUpdates : public WorkerUpdate {
 protected:
  void TearDown() override { set_log_sink(nullptr); }
  // 250 updates that add an address each.
  void flood() {
    update_lines.clear();
    set_log_sink(keep_update_line);
    for (u32 i = 0; i < 250; ++i) {
      const Octets message = text.message({"! new 60 IN A 192.0.2." + std::to_string(i)});
      UpdateRelay relay;
      relay.tag = i;
      relay.peer = endpoint("192.0.2.1");
      relay.address_shown = true;
      relay.message = message;
      batch_->on_update(0, relay, {.now = now_, .wall = {epoch_}});
    }
    batch_->settle();
  }
};

TEST_F(FloodOfUpdates, takes_no_line_for_each_that_is_refused) {
  begin();
  flood();
  EXPECT_EQ(update_lines.size(), RefusalLog::burst);
  EXPECT_NE(update_lines.front().find("update of 192.0.2.1 refused"), std::string::npos) << update_lines.front();
}

TEST_F(FloodOfUpdates, takes_no_line_for_each_that_is_made) {
  admit_all();
  begin();
  flood();
  EXPECT_EQ(update_lines.size(), UpdateLog::burst);
  batch_->write_lines(batch_->next_line_at());
  EXPECT_EQ(update_lines.size(), UpdateLog::burst + 1);
  EXPECT_NE(update_lines.back().find(" by 230 updates of 192.0.2.1 in the last second"), std::string::npos)
      << update_lines.back();
}

}  // namespace
}  // namespace samara::server
