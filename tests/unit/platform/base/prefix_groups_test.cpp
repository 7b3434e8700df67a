#include "platform/base/prefix_groups.h"

#include <gtest/gtest.h>

#include <map>

namespace samara {
namespace {

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(PrefixNumber, IsTheSameForThePrefixAndNothingElse) {
  const PrefixLengths lengths{.v4 = 24, .v6 = 56};
  EXPECT_EQ(prefix_number(address("192.0.2.1"), lengths), prefix_number(address("192.0.2.254"), lengths));
  EXPECT_NE(prefix_number(address("192.0.2.1"), lengths), prefix_number(address("192.0.3.1"), lengths));
  EXPECT_EQ(prefix_number(address("2001:db8:0:ff::1"), lengths), prefix_number(address("2001:db8::2"), lengths));
  EXPECT_NE(prefix_number(address("2001:db8:0:100::1"), lengths), prefix_number(address("2001:db8::1"), lengths));
  EXPECT_NE(prefix_number(address("0.0.0.0"), lengths), 0U);
  EXPECT_NE(prefix_number(address("::"), lengths), 0U);
  EXPECT_NE(prefix_number(address("::"), lengths), prefix_number(address("0.0.0.0"), lengths));
}

TEST(PrefixGroups, CountAsAModelDoes) {
  constexpr u32 members = 16;
  PrefixGroups groups(members, 7);
  std::map<u64, u32> model;
  std::vector<std::pair<u64, u32>> all;  // prefix and group of each member
  u64 random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 6'364'136'223'846'793'005ULL + 1;
    const u64 prefix = 1 + (random >> 33) % 24;
    if (all.size() < members && (random >> 60) % 2 == 0) {
      const u32 group = groups.join(prefix);
      ASSERT_LT(group, members);
      all.emplace_back(prefix, group);
      ++model[prefix];
    } else if (!all.empty()) {
      const auto [leaving, group] = all[prefix % all.size()];
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(prefix % all.size()));
      groups.leave(group);
      if (--model[leaving] == 0) model.erase(leaving);
    }
    for (u64 p = 1; p <= 24; ++p) {
      const u32 group = groups.find(p);
      ASSERT_EQ(group != PrefixGroups::none, model.contains(p));
      if (group != PrefixGroups::none) {
        ASSERT_EQ(groups.members(group), model[p]);
      }
    }
  }
}

}  // namespace
}  // namespace samara
