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
  EXPECT_EQ(memory_.take_largest(), (Extent{0, 16 * page}));
  EXPECT_EQ(memory_.in_use(), 16 * page);
  EXPECT_EQ(memory_.take_largest(), std::nullopt);
}

TEST_F(ZoneMemoryTest, leaves_out_what_is_less_than_a_page) {
  std::vector<u8> odd(2 * page + page / 2);
  EXPECT_EQ(ZoneMemory(odd).take_largest(), (Extent{0, 2 * page}));
  std::vector<u8> small(page - 1);
  EXPECT_EQ(ZoneMemory(small).take_largest(), std::nullopt);
  EXPECT_EQ(ZoneMemory({}).take_largest(), std::nullopt);
}

TEST_F(ZoneMemoryTest, keeps_whole_pages_when_an_extent_shrinks) {
  const Extent all = *memory_.take_largest();
  const Extent kept = memory_.shrink(all, page + 1);
  EXPECT_EQ(kept, (Extent{0, 2 * page}));
  EXPECT_EQ(memory_.in_use(), 2 * page);
  EXPECT_EQ(memory_.take_largest(), (Extent{2 * page, 14 * page}));
}

TEST_F(ZoneMemoryTest, keeps_an_extent_that_is_used_up_and_frees_one_that_is_not_used) {
  const Extent all = *memory_.take_largest();
  EXPECT_EQ(memory_.shrink(all, 16 * page), all);
  EXPECT_EQ(memory_.take_largest(), std::nullopt);
  EXPECT_EQ(memory_.shrink(all, 0).size, 0U);
  EXPECT_EQ(memory_.in_use(), 0U);
}

TEST_F(ZoneMemoryTest, takes_what_is_asked_for_from_where_it_fits_best) {
  std::vector<Extent> parts;
  for (const size_t pages : {2U, 1U, 3U, 1U, 5U}) parts.push_back(memory_.shrink(*memory_.take_largest(), pages * page));
  for (const size_t i : {0U, 2U, 4U}) memory_.give_back(parts[i]);  // free: 2, 3 and, with the end, 9 pages
  EXPECT_EQ(memory_.take(2 * page + 1), parts[2]);
  EXPECT_EQ(memory_.take(1), (Extent{0, page}));
  EXPECT_EQ(memory_.take(10 * page), std::nullopt);
  EXPECT_EQ(memory_.take(9 * page), (Extent{7 * page, 9 * page}));
  EXPECT_EQ(memory_.take(0), std::nullopt);
  EXPECT_EQ(memory_.take_largest(), (Extent{page, page}));
  EXPECT_EQ(memory_.in_use(), 16 * page);
}

TEST_F(ZoneMemoryTest, merges_with_both_neighbours) {
  std::vector<Extent> parts;
  for (int i = 0; i < 4; ++i) parts.push_back(memory_.shrink(*memory_.take_largest(), 4 * page));
  ASSERT_EQ(memory_.take_largest(), std::nullopt);
  memory_.give_back(parts[0]);
  memory_.give_back(parts[2]);
  memory_.give_back(parts[1]);
  EXPECT_EQ(memory_.in_use(), 4 * page);
  EXPECT_EQ(memory_.take_largest(), (Extent{0, 12 * page}));
  memory_.give_back(parts[3]);
  EXPECT_EQ(memory_.take_largest(), (Extent{12 * page, 4 * page}));
}

TEST_F(ZoneMemoryTest, gives_the_largest_of_several) {
  const Extent a = memory_.shrink(*memory_.take_largest(), 2 * page);
  const Extent b = memory_.shrink(*memory_.take_largest(), page);
  const Extent c = memory_.shrink(*memory_.take_largest(), 5 * page);
  const Extent d = memory_.shrink(*memory_.take_largest(), 8 * page);
  memory_.give_back(a);
  memory_.give_back(c);
  EXPECT_EQ(memory_.take_largest(), c);
  EXPECT_EQ(memory_.take_largest(), a);
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
        const auto extent = memory_.take_largest();
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
    const auto all = memory_.take_largest();
    ASSERT_EQ(all, (Extent{0, 16 * page}));
    memory_.give_back(*all);
  }
}

TEST_F(ZoneMemoryTest, ignores_an_empty_extent_given_back) {
  memory_.give_back({0, 0});
  EXPECT_EQ(memory_.take_largest(), (Extent{0, 16 * page}));
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
