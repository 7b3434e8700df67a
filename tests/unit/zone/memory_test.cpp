#include "zone/memory.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace samara::zone {
namespace {

constexpr size_t page = extent_alignment;

class ZoneMemoryTest : public testing::Test {
 protected:
  std::vector<u8> region_ = std::vector<u8>(16 * page);
  ZoneMemory memory_{region_};
};

TEST_F(ZoneMemoryTest, gives_all_of_it_at_first) {
  EXPECT_EQ(memory_.in_use(), 0U);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{0, 16 * page}));
  EXPECT_EQ(memory_.in_use(), 16 * page);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), std::nullopt);
}

TEST_F(ZoneMemoryTest, leaves_out_what_is_less_than_a_page) {
  std::vector<u8> odd(2 * page + page / 2);
  EXPECT_EQ(ZoneMemory(odd).take_first(SIZE_MAX), (Extent{0, 2 * page}));
  std::vector<u8> small(page - 1);
  EXPECT_EQ(ZoneMemory(small).take_first(SIZE_MAX), std::nullopt);
  EXPECT_EQ(ZoneMemory({}).take_first(SIZE_MAX), std::nullopt);
}

TEST_F(ZoneMemoryTest, keeps_whole_pages_when_an_extent_shrinks) {
  const Extent all = *memory_.take_first(SIZE_MAX);
  const Extent kept = memory_.shrink(all, page + 1);
  EXPECT_EQ(kept, (Extent{0, 2 * page}));
  EXPECT_EQ(memory_.in_use(), 2 * page);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{2 * page, 14 * page}));
}

TEST_F(ZoneMemoryTest, keeps_an_extent_that_is_used_up_and_frees_one_that_is_not_used) {
  const Extent all = *memory_.take_first(SIZE_MAX);
  EXPECT_EQ(memory_.shrink(all, 16 * page), all);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), std::nullopt);
  EXPECT_EQ(memory_.shrink(all, 0).size, 0U);
  EXPECT_EQ(memory_.in_use(), 0U);
}

TEST_F(ZoneMemoryTest, takes_what_is_asked_for_from_the_lowest_place_where_it_fits) {
  std::vector<Extent> parts;
  for (const size_t pages : {3U, 1U, 2U, 1U, 5U}) parts.push_back(memory_.shrink(*memory_.take_first(SIZE_MAX), pages * page));
  for (const size_t i : {0U, 2U, 4U}) memory_.give_back(parts[i]);  // free: 3, 2 and, with the end, 9 pages
  EXPECT_EQ(memory_.take(page + 1), (Extent{0, 2 * page}));
  EXPECT_EQ(memory_.take(2 * page), parts[2]);
  EXPECT_EQ(memory_.take(10 * page), std::nullopt);
  EXPECT_EQ(memory_.take(9 * page), (Extent{7 * page, 9 * page}));
  EXPECT_EQ(memory_.take(0), std::nullopt);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{2 * page, page}));
  EXPECT_EQ(memory_.in_use(), 16 * page);
}

// Calls fill() with a writer that needs `used` octets, and counts its tries.
Result<Extent, BuildError> fill_with(ZoneMemory& memory, size_t expected, size_t used, int& tries) {
  return memory.fill(expected, [&](Extent extent) -> Result<Extent, BuildError> {
    ++tries;
    if (extent.size < used) return fail(BuildError::out_of_memory);
    return memory.shrink(extent, used);
  });
}

TEST_F(ZoneMemoryTest, fills_the_lowest_extent_that_has_what_is_expected) {
  const Extent low = memory_.shrink(*memory_.take_first(SIZE_MAX), 4 * page);
  const Extent middle = *memory_.take(page);
  memory_.give_back(low);
  int tries = 0;
  EXPECT_EQ(fill_with(memory_, 3 * page, 2 * page, tries).value(), (Extent{0, 2 * page}));
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(memory_.in_use(), 2 * page + middle.size);
}

TEST_F(ZoneMemoryTest, fills_a_larger_extent_when_more_is_written_than_expected) {
  const Extent low = memory_.shrink(*memory_.take_first(SIZE_MAX), 4 * page);
  ASSERT_TRUE(memory_.take(page).has_value());
  memory_.give_back(low);
  int tries = 0;
  EXPECT_EQ(fill_with(memory_, page, 6 * page, tries).value(), (Extent{5 * page, 6 * page}));
  EXPECT_EQ(tries, 2);
}

TEST_F(ZoneMemoryTest, tries_each_extent_once_and_gives_it_back_when_nothing_fits) {
  const Extent low = memory_.shrink(*memory_.take_first(SIZE_MAX), 4 * page);
  ASSERT_TRUE(memory_.take(page).has_value());
  memory_.give_back(low);
  for (const size_t expected : {size_t{0}, 11 * page, 12 * page}) {
    int tries = 0;
    const auto filled = fill_with(memory_, expected, 12 * page, tries);
    ASSERT_FALSE(filled.ok());
    EXPECT_EQ(filled.error(), BuildError::out_of_memory);
    EXPECT_EQ(tries, expected == 0 ? 2 : 1) << expected;
    EXPECT_EQ(memory_.in_use(), page);
  }
}

TEST_F(ZoneMemoryTest, does_not_try_again_what_is_wrong_with_the_records) {
  int tries = 0;
  const auto filled = memory_.fill(0, [&](Extent) -> Result<Extent, BuildError> {
    ++tries;
    return fail(BuildError::no_soa);
  });
  EXPECT_EQ(filled.error(), BuildError::no_soa);
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(memory_.in_use(), 0U);
}

TEST_F(ZoneMemoryTest, takes_nothing_behind_an_end_that_came_nearer) {
  const Extent low = *memory_.take(6 * page);
  const Extent high = *memory_.take(4 * page);
  memory_.end_at(8 * page + 1);
  EXPECT_EQ(memory_.take(page), std::nullopt);  // all that is free lay behind
  memory_.give_back(high);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{6 * page, 2 * page}));
  memory_.give_back(low);
  EXPECT_EQ(memory_.in_use(), 2 * page);
  memory_.end_at(16 * page);  // it does not go back
  EXPECT_EQ(memory_.take(7 * page), std::nullopt);
  EXPECT_EQ(memory_.take(6 * page), low);
}

TEST_F(ZoneMemoryTest, merges_with_both_neighbours) {
  std::vector<Extent> parts;
  for (int i = 0; i < 4; ++i) parts.push_back(memory_.shrink(*memory_.take_first(SIZE_MAX), 4 * page));
  ASSERT_EQ(memory_.take_first(SIZE_MAX), std::nullopt);
  memory_.give_back(parts[0]);
  memory_.give_back(parts[2]);
  memory_.give_back(parts[1]);
  EXPECT_EQ(memory_.in_use(), 4 * page);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{0, 12 * page}));
  memory_.give_back(parts[3]);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{12 * page, 4 * page}));
}

TEST_F(ZoneMemoryTest, gives_the_largest_of_several) {
  const Extent a = memory_.shrink(*memory_.take_first(SIZE_MAX), 2 * page);
  const Extent b = memory_.shrink(*memory_.take_first(SIZE_MAX), page);
  const Extent c = memory_.shrink(*memory_.take_first(SIZE_MAX), 5 * page);
  const Extent d = memory_.shrink(*memory_.take_first(SIZE_MAX), 8 * page);
  memory_.give_back(a);
  memory_.give_back(c);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), c);
  EXPECT_EQ(memory_.take_first(SIZE_MAX), a);
  EXPECT_EQ(memory_.in_use(), 16 * page);
  memory_.give_back(b);
  memory_.give_back(d);
  EXPECT_EQ(memory_.in_use(), 7 * page);
}

TEST_F(ZoneMemoryTest, is_whole_again_whatever_the_order) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Extent> held;
    for (int step = 0; step < 40; ++step) {
      if (random() % 2 == 0) {
        const auto extent = memory_.take_first(SIZE_MAX);
        if (extent.has_value()) held.push_back(memory_.shrink(*extent, 1 + random() % extent->size));
      } else if (!held.empty()) {
        const size_t i = random() % held.size();
        memory_.give_back(held[i]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
      }
      size_t sum = 0;
      for (const Extent& extent : held) sum += extent.size;
      ASSERT_EQ(memory_.in_use(), sum);
    }
    for (const Extent& extent : held) memory_.give_back(extent);
    const auto all = memory_.take_first(SIZE_MAX);
    ASSERT_EQ(all, (Extent{0, 16 * page}));
    memory_.give_back(*all);
  }
}

TEST_F(ZoneMemoryTest, ignores_an_empty_extent_given_back) {
  memory_.give_back({0, 0});
  EXPECT_EQ(memory_.take_first(SIZE_MAX), (Extent{0, 16 * page}));
}

TEST(ExtentWriter, aligns_objects_and_never_gives_reference_zero) {
  std::vector<u8> region(2 * page);
  ExtentWriter out(region, {0, page});
  EXPECT_EQ(out.take(1), 1U);
  EXPECT_EQ(out.take(5), 2U);
  EXPECT_EQ(out.take(0), 4U);
  EXPECT_EQ(out.take(4), 4U);
  EXPECT_EQ(out.used(), 20U);
  ExtentWriter second(region, {page, page});
  EXPECT_EQ(second.take(4), page / 4);
}

TEST(ExtentWriter, fills_to_the_last_octet_and_then_stays_full) {
  std::vector<u8> region(2 * page);
  ExtentWriter out(region, {page, page});
  EXPECT_TRUE(out.take(page - 4).has_value());
  EXPECT_TRUE(out.take(4).has_value());
  EXPECT_FALSE(out.full());
  EXPECT_EQ(out.used(), page);
  EXPECT_FALSE(out.take(1).has_value());
  EXPECT_TRUE(out.full());
  EXPECT_FALSE(out.take(0).has_value());
}

TEST(ExtentWriter, takes_back_what_was_written_last) {
  std::vector<u8> region(page);
  ExtentWriter out(region, {0, page});
  const Ref first = *out.take(8);
  out.set_two_words(first, 0x1122334455667788U);
  const Ref second = *out.take(8);
  out.set_word(second + 1, 7);
  EXPECT_EQ(out.view().word(second + 1), 7U);
  out.drop_from(second);
  EXPECT_EQ(out.view().two_words(first), 0x1122334455667788U);
  EXPECT_EQ(out.take(4), second);
}

}  // namespace
}  // namespace samara::zone
