#include "zone/retired_extents.h"

#include <gtest/gtest.h>

#include "zone_model.h"

namespace samara::zone {
namespace {

class RetiredExtentsTest : public testing::Test {
 protected:
  RetiredExtentsTest() : memory_(region_) {}
  Extent retire(const char* zone, u64 before_first, u64 last) {
    const Extent extent = memory_.take(extent_alignment).value();
    retired_.add(extent, name_of(zone), before_first, last);
    return extent;
  }
  std::vector<Extent> release(u64 generation) {
    std::vector<Extent> released;
    retired_.release_before(generation, memory_, [&](Extent extent) { released.push_back(extent); });
    return released;
  }
  static RetiredExtents::Hold hold(const char* zone, u64 generation, u32 tag = 1) {
    return {.worker = 0, .tag = tag, .zone = name_of(zone), .generation = generation};
  }

  std::vector<u8> region_ = std::vector<u8>(64 * extent_alignment);
  ZoneMemory memory_;
  RetiredExtents retired_;
};

TEST_F(RetiredExtentsTest, go_when_no_reader_of_a_generation_can_need_them) {
  const Extent old = retire("a.", 0, 3);
  EXPECT_TRUE(release(3).empty());
  EXPECT_EQ(release(4), std::vector{old});
  EXPECT_TRUE(release(9).empty()) << "once";
  EXPECT_EQ(memory_.in_use(), 0U);
}

TEST_F(RetiredExtentsTest, stay_for_who_holds_their_zone_and_no_other) {
  const Extent held = retire("a.", 0, 3);
  const Extent other = retire("b.", 0, 3);
  retired_.hold(hold("A.", 2));
  EXPECT_EQ(release(9), std::vector{other});
  retired_.let_go(1, 1);
  EXPECT_TRUE(release(9).empty()) << "another worker's";
  retired_.let_go(0, 1);
  EXPECT_EQ(release(9), std::vector{held});
}

// One version is read: neither those before it nor those after it.
TEST_F(RetiredExtentsTest, of_other_versions_of_a_held_zone_go) {
  for (const u64 generation : {4U, 5U, 6U}) {
    const Extent before = retire("a.", 0, 3);
    const Extent held = retire("a.", 3, 6);
    const Extent after = retire("a.", 6, 8);
    retired_.hold(hold("a.", generation));
    EXPECT_EQ(release(9), (std::vector{before, after})) << generation;
    retired_.let_go(0, 1);
    EXPECT_EQ(release(9), std::vector{held});
  }
}

TEST_F(RetiredExtentsTest, the_slowest_is_the_one_that_holds_memory_from_the_oldest_generation) {
  EXPECT_FALSE(retired_.take_slowest().has_value());
  retire("a.", 0, 3);
  retire("b.", 0, 8);
  retired_.hold(hold("c.", 1, 1));  // holds nothing
  retired_.hold(hold("b.", 5, 2));
  retired_.hold(hold("a.", 2, 3));
  EXPECT_FALSE(retired_.is_any_asked_to_end());
  EXPECT_EQ(retired_.take_slowest()->tag, 3U);
  EXPECT_TRUE(retired_.is_any_asked_to_end());
  EXPECT_EQ(retired_.take_slowest()->tag, 2U) << "each is asked once";
  EXPECT_FALSE(retired_.take_slowest().has_value());
  retired_.let_go(0, 2);
  retired_.let_go(0, 3);
  EXPECT_FALSE(retired_.is_any_asked_to_end());
}

}  // namespace
}  // namespace samara::zone
