// Updates where storage or zone memory are full: what grows is refused with the reason, and who deletes gets out of it.
#include <gtest/gtest.h>

#include <string>

#include "image_life.h"

namespace samara::server {
namespace {

using zone::store::CrashingStorage;

constexpr std::string_view storage_is_full = "the storage is full: only deletions are possible";
constexpr std::string_view memory_is_full = "zone memory is full: only deletions are possible";

class FullStorage : public testing::Test {
 protected:
  // Served, and read by nobody before long.
  static bool publish(Life& life) {
    const bool durable = life.publish();
    life.release();
    return durable;
  }
  // Adds `step` names with each update until one is refused; the first name that is not there.
  static int fill(Life& life, std::string_view zone, int step, std::string& why) {
    for (int next = 0;; next += step) {
      why = life.change_long(zone, next, next + step - 1, true);
      EXPECT_TRUE(publish(life));
      if (!why.empty()) return next;
    }
  }
  u32 serial_after_restart() {
    Life life(storage_);
    life.configure("example.", 10);
    EXPECT_TRUE(life.load()) << life.log;
    return life.serial();
  }

  CrashingStorage storage_{u64{1} << 20};
};

// A third of the room was free when steps and a second copy of the zone found none (1 MiB, 150 records of 300 octets each).
TEST_F(FullStorage, holds_zones_up_to_what_is_usable) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  std::string why;
  const int count = fill(life, "example.", 150, why);
  EXPECT_EQ(why, storage_is_full);
  EXPECT_GE(count * 230, 457'000 / 8 * 7);
  EXPECT_EQ(serial_after_restart(), life.serial());
}

TEST_F(FullStorage, lets_its_owner_delete_the_way_out) {
  for (const int step : {1, 20, 150}) {
    CrashingStorage storage(u64{1} << 20);
    Life life(storage);
    life.configure("example.", 10);
    ASSERT_TRUE(life.load());
    std::string why;
    const int count = fill(life, "example.", step, why);
    ASSERT_EQ(why, storage_is_full);
    for (int gone = 0; gone < count; gone += step) {
      ASSERT_EQ(life.change_long("example.", gone, gone + step - 1, false), "") << step << " at a time, " << gone;
      ASSERT_TRUE(publish(life));
    }
    EXPECT_EQ(life.serving("example.")->record_count(), 2U);
    EXPECT_GE(fill(life, "example.", step, why), count / 100 * 99) << "all of it is there again";
    Life next(storage);
    next.configure("example.", 10);
    ASSERT_TRUE(next.load()) << next.log;
    EXPECT_EQ(next.serial(), life.serial());
    EXPECT_EQ(next.serving("example.")->record_count(), life.serving("example.")->record_count());
  }
}

TEST_F(FullStorage, of_one_zone_lets_another_be_made_smaller) {
  Life life(storage_);
  life.configure("example.", 10);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("other.", 0, 199, true), "");
  ASSERT_TRUE(publish(life));
  std::string why;
  fill(life, "example.", 1, why);
  ASSERT_EQ(why, storage_is_full);
  for (int gone = 0; gone < 200; ++gone) {
    ASSERT_EQ(life.change_long("other.", gone, gone, false), "") << gone;
    ASSERT_TRUE(publish(life));
  }
  EXPECT_EQ(life.change_long("example.", 100'000, 100'100, true), "") << "what others have given back is there";
}

// Steps count against nobody's limits; they go before anybody is refused.
TEST_F(FullStorage, is_not_made_of_steps) {
  Life life(storage_);
  life.configure("example.", 10);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("example.", 0, 799, true), "");
  ASSERT_EQ(life.change_long("other.", 0, 1, true), "");
  ASSERT_TRUE(publish(life));
  for (int round = 0; round < 200; ++round) {
    ASSERT_EQ(life.change_long("example.", 1'000, 1'039, true), "") << round;
    ASSERT_TRUE(publish(life));
    ASSERT_EQ(life.change_long("example.", 1'000, 1'039, false), "") << round;
    ASSERT_TRUE(publish(life));
    ASSERT_FALSE(life.loader().is_room_scarce()) << round;
  }
  EXPECT_EQ(life.change_long("other.", 100, 500, true), "");
}

class FullMemory : public FullStorage {};

TEST_F(FullMemory, refuses_what_grows_and_takes_deletions) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{2} << 20);
  life.configure("example.", 10);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("other.", 0, 99, true), "");
  ASSERT_TRUE(publish(life));
  std::string why;
  fill(life, "example.", 20, why);
  EXPECT_EQ(why, memory_is_full);
  for (int gone = 0; gone < 20; ++gone) {
    EXPECT_EQ(life.change_long("other.", gone, gone, false), "") << gone;
    EXPECT_TRUE(publish(life));
  }
}

// An update that is taken can be served, also while readers keep every set that was served before.
TEST_F(FullMemory, takes_nothing_that_no_set_could_publish) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{1} << 20);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("example.", 0, 9, true), "");
  int taken = 0;
  while (life.change_long("example.", 0, 9, taken % 2 != 0).empty()) {
    ASSERT_TRUE(life.publish()) << taken;
    ASSERT_FALSE(testing::Test::HasFailure()) << taken;
    ++taken;
  }
  EXPECT_GT(taken, 20);
  life.release();
  EXPECT_EQ(life.change_long("example.", 0, 9, taken % 2 != 0), "");
}

// History is bounded for each zone, and gives way where all of them together leave no room.
TEST_F(FullMemory, is_not_made_of_history) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{2} << 20);
  for (const std::string_view zone : {"a.", "b.", "c.", "d."}) life.configure(zone, 10);
  ASSERT_TRUE(life.load());
  for (const std::string_view zone : {"a.", "b.", "c.", "d."}) {
    for (int round = 0; round < 200; ++round) {
      ASSERT_EQ(life.change_long(zone, 0, 39, true), "") << zone << round;
      ASSERT_TRUE(publish(life));
      ASSERT_EQ(life.change_long(zone, 0, 39, false), "") << zone << round;
      ASSERT_TRUE(publish(life));
    }
  }
  EXPECT_FALSE(life.loader().is_room_scarce());
}

}  // namespace
}  // namespace samara::server
