#include "server/seen_updates.h"

#include <gtest/gtest.h>

#include "dns-core/tsig/record.h"

namespace samara::server {
namespace {

constexpr i64 start = 1'800'000'000;
constexpr UnixTime now{start};

SeenUpdates::Mark mark(u64 number, u16 key = 0, u64 signed_at = start) {
  return {.key = key, .signed_at = signed_at, .mac_start = number * 0x9e3779b97f4a7c15ULL};
}

TEST(SeenUpdatesTest, each_is_new_once) {
  SeenUpdates seen(2);
  for (u64 i = 0; i < 1000; ++i) EXPECT_TRUE(seen.is_new(mark(i), now));
  for (u64 i = 0; i < 1000; ++i) EXPECT_FALSE(seen.is_new(mark(i), now));
  EXPECT_TRUE(seen.is_new(mark(1, 1), now)) << "another key";
  EXPECT_TRUE(seen.is_new(mark(1, 0, start + 1), now)) << "another time";
}

TEST(SeenUpdatesTest, different_ones_in_one_slot_are_told_apart) {
  SeenUpdates seen(1);
  for (u64 i = 0; i < 50; ++i) EXPECT_TRUE(seen.is_new({0, start, 7 + i * max_seen_updates}, now));
  for (u64 i = 0; i < 50; ++i) EXPECT_FALSE(seen.is_new({0, start, 7 + i * max_seen_updates}, now));
}

// Whatever is asked, nothing that could still be good is new a second time.
TEST(SeenUpdatesTest, when_it_is_full_what_may_have_been_seen_is_refused) {
  SeenUpdates seen(2);
  for (u64 i = 0; i < max_seen_updates; ++i) ASSERT_TRUE(seen.is_new(mark(i, 0, start + i / 8192), now));
  ASSERT_TRUE(seen.is_new(mark(1, 1), now)) << "the oldest goes";
  EXPECT_FALSE(seen.is_new(mark(0), now));
  EXPECT_FALSE(seen.is_new(mark(max_seen_updates + 1), now)) << "nothing that old is known any more";
  EXPECT_TRUE(seen.is_new(mark(max_seen_updates + 1, 0, start + 2), now)) << "a fresher one is";
  EXPECT_TRUE(seen.is_new(mark(2, 1), now)) << "other keys go on";
  for (u64 i = 0; i < max_seen_updates; ++i) EXPECT_FALSE(seen.is_new(mark(i, 0, start + i / 8192), now)) << i;
}

TEST(SeenUpdatesTest, what_is_past_its_time_makes_room_without_a_trace) {
  SeenUpdates seen(1);
  for (u64 i = 0; i < max_seen_updates; ++i) ASSERT_TRUE(seen.is_new(mark(i), now));
  const UnixTime later{start + dns::tsig_fudge + 1};
  for (u64 i = 0; i < 3 * max_seen_updates; ++i) {
    const u64 signed_at = static_cast<u64>(later.seconds) + i / max_seen_updates * 2 * dns::tsig_fudge;
    ASSERT_TRUE(seen.is_new(mark(i % max_seen_updates, 0, signed_at), UnixTime{static_cast<i64>(signed_at) + 300})) << i;
  }
}

// Others of its slot are known on, and the ring goes round.
TEST(SeenUpdatesTest, what_is_forgotten_is_new_again_and_nothing_else) {
  SeenUpdates seen(1);
  const auto in_slot = [](u64 i) { return SeenUpdates::Mark{0, start, 7 + i * max_seen_updates}; };
  for (u64 i = 0; i < 50; ++i) ASSERT_TRUE(seen.is_new(in_slot(i), now));
  seen.forget(in_slot(20));
  seen.forget(in_slot(1'000));
  for (u64 i = 0; i < 50; ++i) EXPECT_EQ(seen.is_new(in_slot(i), now), i == 20) << i;
  for (u64 i = 0; i < 2 * max_seen_updates; ++i) {
    const u64 signed_at = start + dns::tsig_fudge + 1 + i / max_seen_updates * 2 * dns::tsig_fudge;
    ASSERT_TRUE(seen.is_new(mark(i % max_seen_updates, 0, signed_at), UnixTime{static_cast<i64>(signed_at)})) << i;
  }
}

}  // namespace
}  // namespace samara::server
