// RFC 1982 section 3.2, case by case.
#include <gtest/gtest.h>

#include "dns-core/types.h"

namespace samara::dns {
namespace {

TEST(Serial, compares_on_a_circle) {
  using enum Serial::Order;
  struct Case {
    u32 ahead;
    Serial::Order order;
  };
  constexpr Case cases[] = {
      {0, equal},          {1, greater},        {2, greater},       {0x7fff'ffff, greater}, {0x8000'0000, undefined},
      {0x8000'0001, less}, {0xffff'fffe, less}, {0xffff'ffff, less}};
  for (const u32 from : {0U, 1U, 0x7fff'ffffU, 0x8000'0000U, 0x8000'0001U, 0xffff'ffffU}) {
    for (const auto& [ahead, order] : cases) {
      EXPECT_EQ(Serial(from + ahead).compare(Serial(from)), order) << from << " and " << ahead << " more";
    }
  }
}

TEST(Serial, the_next_one_is_greater_all_around) {
  for (const u32 from : {0U, 0x7fff'ffffU, 0x8000'0000U, 0xffff'ffffU}) {
    EXPECT_EQ(Serial(from).next().compare(Serial(from)), Serial::Order::greater);
    EXPECT_EQ(Serial(from).next().value(), from + 1);
  }
}

}  // namespace
}  // namespace samara::dns
