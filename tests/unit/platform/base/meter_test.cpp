#include "platform/base/meter.h"

#include <gtest/gtest.h>

namespace samara {
namespace {

constexpr Duration interval = Duration::milliseconds(100);
constexpr u32 burst = 5;
const Instant now = Instant::since_boot(Duration::seconds(10));

TEST(Meter, gives_a_burst_and_then_one_each_interval) {
  Meter meter;
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += meter.take(now, interval, burst) ? 1 : 0;
  EXPECT_EQ(taken, 5);
  EXPECT_EQ(meter.next(interval, burst), now + interval);
  EXPECT_FALSE(meter.take(now + (interval - Duration::nanoseconds(1)), interval, burst));
  for (int i = 1; i <= 100; ++i) taken += meter.take(now + Duration::milliseconds(20 * i), interval, burst) ? 1 : 0;
  EXPECT_EQ(taken, 25);
}

TEST(Meter, is_full_again_after_a_pause_and_no_fuller) {
  Meter meter;
  for (u32 i = 0; i < burst; ++i) EXPECT_TRUE(meter.take(now, interval, burst));
  EXPECT_EQ(meter.full_at(), now + interval * 5);
  const Instant later = now + Duration::seconds(3600);
  for (u32 i = 0; i < burst; ++i) EXPECT_TRUE(meter.take(later, interval, burst));
  EXPECT_FALSE(meter.take(later, interval, burst));
}

// As at a start, when the clock has just begun.
TEST(Meter, gives_a_burst_before_an_interval_has_passed) {
  Meter meter;
  for (u32 i = 0; i < burst; ++i) EXPECT_TRUE(meter.take(Instant(), interval, burst));
  EXPECT_FALSE(meter.take(Instant(), interval, burst));
}

}  // namespace
}  // namespace samara
