// Pool and Arena: who owns what, and for how long; PlainVector.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <vector>

#include "platform/base/arena.h"
#include "platform/base/plain_vector.h"
#include "platform/base/pool.h"

namespace samara {
namespace {

TEST(Pool, GivesOutItsCapacityAndNoMore) {
  Pool<int> pool(3);
  std::set<u32> indexes;
  for (int i = 0; i < 3; ++i) {
    const auto handle = pool.acquire(i);
    ASSERT_TRUE(handle.has_value());
    EXPECT_EQ(*pool.get(*handle), i);
    indexes.insert(handle->index);
  }
  EXPECT_EQ(indexes.size(), 3u);
  EXPECT_EQ(pool.in_use(), 3u);
  EXPECT_EQ(pool.capacity(), 3u);
  EXPECT_FALSE(pool.acquire(9).has_value());
}

TEST(Pool, OfNothingIsAlwaysFull) {
  Pool<int> pool(0);
  EXPECT_FALSE(pool.acquire(1).has_value());
  EXPECT_EQ(pool.get({}), nullptr);
}

TEST(Pool, FindsNothingBehindAStaleHandle) {
  Pool<int> pool(1);
  const auto first = *pool.acquire(1);
  EXPECT_TRUE(pool.release(first));
  EXPECT_EQ(pool.get(first), nullptr);
  EXPECT_FALSE(pool.release(first)) << "released twice";
  const auto second = *pool.acquire(2);
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second, first);
  EXPECT_EQ(pool.get(first), nullptr) << "must not see the slot's next object";
  EXPECT_FALSE(pool.release(first));
  EXPECT_EQ(*pool.get(second), 2);
  EXPECT_EQ(pool.in_use(), 1u);
}

TEST(Pool, RefusesHandlesItNeverGave) {
  Pool<int> pool(2);
  EXPECT_EQ(pool.get({}), nullptr);
  EXPECT_EQ(pool.get({0, 0}), nullptr) << "a free slot of the right generation";
  EXPECT_EQ(pool.get({2, 0}), nullptr);
  EXPECT_FALSE(pool.release({1, 0}));
}

TEST(Pool, EndsTheObjectOnRelease) {
  const auto watched = std::make_shared<int>(1);
  Pool<std::shared_ptr<int>> pool(1);
  const auto handle = *pool.acquire(watched);
  EXPECT_EQ(watched.use_count(), 2);
  pool.release(handle);
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(Pool, VisitsWhatIsInUseAndAllowsReleaseMeanwhile) {
  Pool<int> pool(4);
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 4; ++i) handles.push_back(*pool.acquire(i));
  pool.release(handles[1]);
  int sum = 0;
  pool.for_each([&](Handle<int> handle, int& value) {
    sum += value;
    pool.release(handle);
  });
  EXPECT_EQ(sum, 0 + 2 + 3);
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(Arena, HandsOutFrontToBackUntilFull) {
  std::array<u8, 32> memory{};
  Arena arena(memory);
  const auto a = arena.take(5, 1);
  const auto b = arena.take(4, 8);
  ASSERT_TRUE(a.has_value() && b.has_value());
  EXPECT_EQ(a->data(), memory.data());
  EXPECT_EQ(b->data(), memory.data() + 8);
  EXPECT_EQ(arena.used(), 12u);
  EXPECT_FALSE(arena.take(17, 8).has_value()) << "16 octets are left after alignment";
  EXPECT_TRUE(arena.take(16, 8).has_value());
  EXPECT_TRUE(arena.take(0, 1).has_value());
  EXPECT_FALSE(arena.take(1, 1).has_value());
  arena.reset();
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_TRUE(arena.take(32).has_value());
}

TEST(Arena, IsNotFooledByHugeCounts) {
  std::array<u8, 16> memory{};
  Arena arena(memory);
  ASSERT_TRUE(arena.take(3, 1).has_value());
  EXPECT_FALSE(arena.take(SIZE_MAX).has_value());
  EXPECT_FALSE(arena.take(SIZE_MAX - 7).has_value());
  EXPECT_EQ(arena.used(), 3u);
}

TEST(PlainVector, ElementsHaveTheValueTheyWereMadeFrom) {
  PlainVector<u32> numbers = filled(1000, 7U);
  numbers.resize(2000, 8);
  numbers.push_back(9);
  EXPECT_EQ(std::ranges::count(numbers, 7u), 1000);
  EXPECT_EQ(std::ranges::count(numbers, 8u), 1000);
  EXPECT_EQ(numbers.back(), 9u);
}

TEST(PlainVector, InitialisersOfATypeAreRun) {
  struct Entry {
    u32 next = 5;
    u32 open;
  };
  PlainVector<Entry> entries(100);
  EXPECT_TRUE(std::ranges::all_of(entries, [](const Entry& entry) { return entry.next == 5; }));
}

TEST(PlainVector, WritesNothingToElementsWithoutAValue) {
  struct Page {
    alignas(4096) std::array<u8, 4096> octets;
  };
  constexpr size_t pages = 16384;
  PlainVector<Page> table(pages);
  table.front().octets[0] = 1;
  unsigned char resident = 0xff;
  ASSERT_EQ(mincore(&table[pages / 2], 1, &resident), 0);
  EXPECT_EQ(resident & 1, 0);
  table[pages / 2].octets[0] = 1;
  ASSERT_EQ(mincore(&table[pages / 2], 1, &resident), 0);
  EXPECT_EQ(resident & 1, 1);
}

}  // namespace
}  // namespace samara
