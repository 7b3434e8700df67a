// The wall clock beside a battery clock, on machines whose counters are wrong and which are stopped.
#include "platform/hal/boot/wall_clock.h"

#include <gtest/gtest.h>

namespace samara::hal {
namespace {

constexpr i64 second = 1'000'000'000;
constexpr i64 start = 1'800'000'000 * second + 437'000'000;

// The world's time, and a machine whose counter runs `ppm` too fast and stands still while the machine is stopped.
class World {
 public:
  explicit World(i64 ppm) : ppm_(ppm) {}
  void pass(i64 nanoseconds) {
    time_ += nanoseconds;
    counter_ += nanoseconds + nanoseconds / 1'000'000 * ppm_;
  }
  void stop(i64 nanoseconds) { time_ += nanoseconds; }
  void skip(i64 nanoseconds) { counter_ += nanoseconds; }
  void set_back(i64 nanoseconds) { time_ -= nanoseconds; }
  Instant now() const { return Instant::since_boot(Duration::nanoseconds(counter_)); }
  i64 time() const { return time_; }
  // The battery clock, read in 30 microseconds.
  ClockReading read() {
    const Instant before = now();
    pass(15'000);
    const i64 shown = time_ / second * second;
    pass(15'000);
    return {.before = before, .after = now(), .earliest = shown, .latest = shown + second};
  }
  // kvmclock, which tells nanoseconds.
  ClockReading read_exactly() { return {.before = now(), .after = now(), .earliest = time_, .latest = time_}; }
  // The machine sleeps until `deadline`, and wakes up a little late.
  void sleep_until(Instant deadline) {
    while (now() < deadline) pass(std::max<i64>(1'000, (deadline - now()).nanoseconds() * 9 / 10));
    pass(120'000);
  }

 private:
  i64 ppm_;
  i64 time_ = start;
  i64 counter_ = 5 * second;
};

i64 error_of(const WallClock& clock, const World& world) {
  return clock.at(world.now()).seconds - world.time() / second;
}

TEST(WallClock, is_right_to_the_second_at_once) {
  World world(0);
  const WallClock clock(world.read());
  EXPECT_LE(std::abs(error_of(clock, world)), 1);
  EXPECT_LE(clock.uncertainty(), Duration::milliseconds(501));
}

TEST(WallClock, finds_where_a_second_ends) {
  for (const i64 ppm : {0, 106, -358, 800}) {
    World world(ppm);
    WallClock clock(world.read());
    for (int look = 0; look < 12; ++look) {
      world.sleep_until(clock.next_look());
      EXPECT_EQ(clock.compare(world.read()), std::nullopt) << ppm;
    }
    EXPECT_LE(clock.uncertainty(), Duration::milliseconds(30)) << ppm;
    EXPECT_LE(std::abs(error_of(clock, world)), 1) << ppm;
  }
}

TEST(WallClock, does_not_drift_whatever_the_counter_does) {
  for (const i64 ppm : {106, 341, -15'039, 17'746}) {
    World world(ppm);
    WallClock clock(world.read());
    for (int look = 0; look < 34'560; ++look) {  // a day
      world.sleep_until(clock.next_look());
      ASSERT_EQ(clock.compare(world.read()), std::nullopt) << ppm << ", look " << look;
      ASSERT_LE(std::abs(error_of(clock, world)), 1) << ppm << ", look " << look;
    }
  }
}

TEST(WallClock, is_set_after_the_machine_was_stopped) {
  for (const i64 stopped : {3 * second, 61 * second, 335 * second, 40'000 * second}) {
    World world(20);
    WallClock clock(world.read());
    for (int look = 0; look < 20; ++look) {
      world.sleep_until(clock.next_look());
      clock.compare(world.read());
    }
    world.stop(stopped);
    EXPECT_LE(clock.next_look() - world.now(), Duration::seconds(3));
    world.sleep_until(clock.next_look());
    const auto behind = clock.compare(world.read());
    ASSERT_TRUE(behind.has_value()) << stopped;
    EXPECT_LE(std::abs(behind->nanoseconds() - stopped), second) << stopped;
    EXPECT_LE(std::abs(error_of(clock, world)), 1) << stopped;
    world.sleep_until(clock.next_look());
    EXPECT_EQ(clock.compare(world.read()), std::nullopt);
  }
}

TEST(WallClock, follows_a_clock_that_was_set_back) {
  World world(0);
  WallClock clock(world.read());
  world.set_back(3600 * second);
  world.sleep_until(clock.next_look());
  const auto behind = clock.compare(world.read());
  ASSERT_TRUE(behind.has_value());
  EXPECT_LT(*behind, Duration::seconds(-3598));
  EXPECT_LE(std::abs(error_of(clock, world)), 1);
}

TEST(WallClock, takes_an_exact_clock_as_it_is) {
  World world(341);
  WallClock clock(world.read_exactly());
  EXPECT_EQ(error_of(clock, world), 0);
  world.stop(100 * second);
  world.sleep_until(clock.next_look());
  EXPECT_TRUE(clock.compare(world.read_exactly()).has_value());
  EXPECT_EQ(error_of(clock, world), 0);
}

TEST(WallClock, shows_the_same_when_instants_go_on_by_what_the_machine_stood_still) {
  World world(20);
  WallClock clock(world.read());
  world.stop(100 * second);
  world.sleep_until(clock.next_look());
  const auto behind = clock.compare(world.read());
  ASSERT_TRUE(behind.has_value());
  const UnixTime shown = clock.at(world.now());
  const Duration until_look = clock.next_look() - world.now();
  world.skip(behind->nanoseconds());
  clock.on_skip(*behind);
  EXPECT_EQ(clock.at(world.now()), shown);
  EXPECT_EQ(clock.next_look() - world.now(), until_look);
  for (int look = 0; look < 100; ++look) {
    world.sleep_until(clock.next_look());
    EXPECT_EQ(clock.compare(world.read()), std::nullopt);
    EXPECT_LE(std::abs(error_of(clock, world)), 1);
  }
}

TEST(WallClock, without_a_clock_of_the_machine_counts_from_what_it_was_told) {
  const WallClock clock(UnixTime{1'700'000'000});
  EXPECT_EQ(clock.at(Instant::since_boot(Duration::milliseconds(2'999))).seconds, 1'700'000'002);
  EXPECT_EQ(clock.next_look(), Instant::never());
}

TEST(WallClock, looks_again_later_when_it_could_not_look) {
  World world(0);
  WallClock clock(world.read());
  world.sleep_until(clock.next_look());
  clock.skip(world.now());
  EXPECT_GE(clock.next_look(), world.now() + Duration::seconds(2));
}

}  // namespace
}  // namespace samara::hal
