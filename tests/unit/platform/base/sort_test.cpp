#include "platform/base/sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace samara {
namespace {

TEST(CompactSort, OrdersEveryLengthAsTheStandardLibraryDoes) {
  std::minstd_rand random(1);
  for (size_t length = 0; length < 200; ++length) {
    for (const u32 values : {2U, 10U, 1'000'000U}) {
      std::vector<u32> numbers(length);
      for (u32& number : numbers) number = static_cast<u32>(random()) % values;
      std::vector<u32> expected = numbers;
      std::ranges::sort(expected);
      compact_sort(numbers, std::less<>());
      ASSERT_EQ(numbers, expected) << length << " numbers below " << values;
    }
  }
}

TEST(CompactSort, MovesItemsInAnOrderOfTheirOwn) {
  struct Item {
    u32 key;
    std::unique_ptr<u32> payload;  // moves, and is never copied
  };
  for (const u32 length : {5U, 12U, 13U, 100U}) {
    std::vector<Item> items;
    for (u32 i = 0; i < length; ++i) items.push_back({i * 7 % length, std::make_unique<u32>(i * 7 % length)});
    std::span<Item> view(items);
    compact_sort(view, [](const Item& a, const Item& b) { return a.key > b.key; });
    for (size_t i = 0; i < items.size(); ++i) {
      EXPECT_TRUE(i == 0 || items[i - 1].key >= items[i].key);
      ASSERT_NE(items[i].payload, nullptr);
      EXPECT_EQ(*items[i].payload, items[i].key);
    }
  }
}

}  // namespace
}  // namespace samara
