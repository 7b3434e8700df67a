#include "zone/growth.h"

#include <gtest/gtest.h>

namespace samara::zone {
namespace {

constexpr size_t page = extent_alignment;

class GrowthTest : public testing::Test {
 protected:
  std::vector<u8> region_ = std::vector<u8>(64 * page);
  ZoneMemory memory_{region_};
  Growth growth_{memory_, 0};
};

TEST_F(GrowthTest, takes_nothing_before_something_is_written) {
  EXPECT_EQ(memory_.in_use(), 0U);
  EXPECT_EQ(growth_.used(), 0U);
  EXPECT_TRUE(growth_.extents().empty());
}

// Up to a 64th of memory.
TEST_F(GrowthTest, doubles_and_counts_what_was_written) {
  std::vector<u8> region(512 * page);
  ZoneMemory memory(region);
  Growth growth(memory, 0);
  growth.begin();
  for (int i = 0; i < 110; ++i) ASSERT_TRUE(growth.writer().take(1'000).has_value());
  growth.commit();
  size_t at = 0;
  for (const size_t pages : {1, 2, 4, 8, 8, 8}) {
    ASSERT_LT(at, growth.extents().size());
    EXPECT_EQ(growth.extents()[at++].size, pages * page);
  }
  EXPECT_EQ(growth.extents().size(), at);
  EXPECT_GE(growth.used(), 110'000U);
  EXPECT_LE(growth.used(), 110'000U + 8 * at) << "the word that reference 0 would be";
}

TEST_F(GrowthTest, begins_with_more_beside_a_large_zone) {
  Growth large(memory_, 640 * page);
  large.begin();
  ASSERT_TRUE(large.writer().take(4).has_value());
  EXPECT_EQ(large.extents().at(0).size, 10 * page);
}

TEST_F(GrowthTest, makes_room_for_what_is_larger_than_a_step_and_takes_less_where_there_is_less) {
  growth_.begin();
  ASSERT_TRUE(growth_.writer().take(40 * page).has_value());
  ASSERT_TRUE(growth_.writer().take(page).has_value()) << "twice as much is not free";
  ASSERT_FALSE(growth_.writer().take(30 * page).has_value());
  EXPECT_TRUE(growth_.writer().full());
  growth_.roll_back();
  EXPECT_FALSE(growth_.writer().full());
  EXPECT_EQ(memory_.in_use(), 0U);
}

TEST_F(GrowthTest, knows_what_is_fresh) {
  growth_.begin();
  const Ref first = *growth_.writer().take(100);
  EXPECT_TRUE(growth_.fresh(first));
  growth_.commit();
  growth_.begin();
  EXPECT_FALSE(growth_.fresh(first));
  const Ref same_extent = *growth_.writer().take(100);
  const Ref other_extent = *growth_.writer().take(page);
  EXPECT_EQ(growth_.extents().size(), 2U);
  EXPECT_TRUE(growth_.fresh(same_extent));
  EXPECT_TRUE(growth_.fresh(other_extent));
  EXPECT_FALSE(growth_.fresh(first));
}

TEST_F(GrowthTest, writes_again_over_what_was_rolled_back) {
  growth_.begin();
  ASSERT_TRUE(growth_.writer().take(100).has_value());
  growth_.commit();
  const size_t used = growth_.used();
  growth_.begin();
  const Ref second = *growth_.writer().take(100);
  ASSERT_TRUE(growth_.writer().take(3 * page).has_value());
  growth_.roll_back();
  EXPECT_EQ(growth_.used(), used);
  EXPECT_EQ(memory_.in_use(), page);
  growth_.begin();
  EXPECT_EQ(growth_.writer().take(100), second);
}

}  // namespace
}  // namespace samara::zone
