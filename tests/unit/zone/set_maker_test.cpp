#include "zone/set_maker.h"

#include <gtest/gtest.h>

#include <map>

#include "master_file_zone.h"
#include "random_names.h"

namespace samara::zone {
namespace {

class ZoneSetMakerTest : public testing::Test {
 protected:
  ZoneSetMakerTest() : zones_("example.") {
    for (u32 serial = 1; serial <= 3; ++serial) {
      versions_.push_back(zones_.build("@ 60 SOA a b. " + std::to_string(serial) + " 2 3 4 5\n@ 60 NS n\n"));
    }
  }
  // What is at each apex: a version's number, or 0, a zone without data.
  using Wanted = std::map<std::string, u32>;
  struct Published {
    ZoneSet set;
    Wanted wanted;
  };

  ZoneSetEntry entry(const std::string& apex, u32 version) const {
    return {name_of(apex), version == 0 ? std::nullopt : std::optional(versions_[version - 1])};
  }
  void put(const std::string& apex, u32 version) {
    now_[apex] = version;
    maker_.touch(name_of(apex));
  }
  void take_away(const std::string& apex) {
    now_.erase(apex);
    maker_.touch(name_of(apex));
  }
  std::optional<ZoneSet> next() {
    const auto set = maker_.next(
        generation_,
        [&](const dns::Name& apex) {
          const auto found = now_.find(text_of(apex));
          return found == now_.end() ? std::nullopt : std::optional(entry(found->first, found->second));
        },
        [&] {
          std::vector<ZoneSetEntry> all;
          for (const auto& [apex, version] : now_) all.push_back(entry(apex, version));
          return all;
        });
    if (set.has_value()) ++generation_;
    return set;
  }
  void release_before(u64 generation) {
    retired_.release_before(generation, zones_.memory(), [&](Extent extent) {
      // Whoever still reads it is caught.
      for (u8& octet : zones_.memory().region().subspan(extent.offset, extent.size)) octet = 0xff;
    });
    maker_.refill();
  }
  static void expect_is(const ZoneSet& set, const Wanted& wanted) {
    for (const auto& [apex, version] : wanted) {
      const dns::Name name = name_of(apex);
      const auto at = set.at(name);
      ASSERT_TRUE(at.has_value()) << apex;
      ASSERT_EQ(at->zone.has_value() ? at->zone->serial().value() : 0, version) << apex;
      const auto found = set.find(SearchName(name), false);
      ASSERT_TRUE(found.has_value());
      ASSERT_EQ(found->apex_labels, name.label_count());
      // No name of the test has so long a label.
      if (const auto child = name.child(std::array<u8, 8>{}); child.ok()) {
        ASSERT_EQ(set.find(SearchName(child.value()), false)->apex_labels, name.label_count());
        ASSERT_FALSE(set.at(child.value()).has_value());
      }
    }
    size_t with_data = 0;
    set.for_each_zone([&](const Zone&) { ++with_data; });
    const auto none = static_cast<size_t>(std::ranges::count_if(wanted, [](const auto& one) { return one.second == 0; }));
    ASSERT_EQ(with_data, wanted.size() - none);
  }

  TestZones zones_;
  std::vector<Zone> versions_;
  RetiredExtents retired_;
  ZoneSetMaker maker_{zones_.memory(), retired_};
  Wanted now_;
  u64 generation_ = 0;
};

TEST_F(ZoneSetMakerTest, makes_sets_that_have_what_there_is_and_leaves_those_before_as_they_were) {
  RandomNames random(5);
  std::vector<std::string> names;
  for (const dns::Name& name : random.sorted_names(1'500, dns::Name(), 4)) names.push_back(text_of(name));
  const auto any = [&] { return names[random.below(static_cast<u32>(names.size()))]; };
  for (int i = 0; i < 600; ++i) put(any(), random.below(4));
  std::vector<Published> read;
  for (int round = 0; round < 800; ++round) {
    for (u32 changes = 1 + random.below(6); changes > 0; --changes) {
      random.below(3) == 0 ? take_away(any()) : put(any(), random.below(4));
    }
    if (round % 200 == 150) {
      for (int i = 0; i < 300; ++i) random.below(2) == 0 ? take_away(any()) : put(any(), random.below(4));
    }
    const auto set = next();
    ASSERT_TRUE(set.has_value());
    read.push_back({*set, now_});
    if (read.size() > 5) read.erase(read.begin());
    release_before(generation_ - read.size());
    if (round % 10 != 0) continue;
    for (const Published& published : read) ASSERT_NO_FATAL_FAILURE(expect_is(published.set, published.wanted)) << round;
  }
  EXPECT_LT(maker_.written().whole, 400U);
}

TEST_F(ZoneSetMakerTest, writes_for_a_change_as_much_among_a_hundred_times_the_zones) {
  std::vector<u64> costs;
  for (const int zones : {500, 50'000}) {
    TestZones memory("example.");
    RetiredExtents retired;
    ZoneSetMaker maker(memory.memory(), retired);
    std::vector<ZoneSetEntry> all;
    for (int i = 0; i < zones; ++i) all.push_back({name_of("n" + std::to_string(i) + ".example."), std::nullopt});
    u64 generation = 0;
    const auto publish = [&] {
      const auto set = maker.next(
          generation++, [&](const dns::Name& apex) { return std::optional(ZoneSetEntry{apex, std::nullopt}); },
          [&]() -> const std::vector<ZoneSetEntry>& { return all; });
      ASSERT_TRUE(set.has_value());
      retired.release_before(generation - 1, memory.memory(), [](Extent) {});
    };
    publish();
    const u64 before = maker.written().octets;
    // Through several sets that are written whole.
    constexpr int rounds = 8'000;
    for (int i = 0; i < rounds; ++i) {
      maker.touch(all[static_cast<size_t>(i) * 7'919 % all.size()].apex);
      publish();
    }
    EXPECT_GT(maker.written().whole, 2U) << zones;
    costs.push_back((maker.written().octets - before) / rounds);
  }
  // A page of the index and what lies above it, and its share of the sets that are written whole.
  EXPECT_LT(costs[0], 8'000U);
  EXPECT_LT(costs[1], 8'000U);
  EXPECT_LT(costs[1], 3 * costs[0]);
}

TEST_F(ZoneSetMakerTest, takes_zones_that_come_one_by_one_at_the_same_cost_however_many_there_are) {
  std::vector<ZoneSetEntry> all;
  std::vector<u64> costs;
  const auto publish = [&] {
    const auto set = maker_.next(
        generation_++, [&](const dns::Name& apex) { return std::optional(ZoneSetEntry{apex, versions_[0]}); },
        [&]() -> const std::vector<ZoneSetEntry>& { return all; });
    ASSERT_TRUE(set.has_value());
    release_before(generation_ - 1);
  };
  constexpr int step = 3'000;
  for (int i = 0; i < 4 * step; ++i) {
    if (i % step == 0) costs.push_back(maker_.written().octets);
    all.push_back({name_of("n" + std::to_string(i) + ".example."), versions_[0]});
    maker_.touch(all.back().apex);
    publish();
  }
  costs.push_back(maker_.written().octets);
  for (size_t i = 0; i + 1 < costs.size(); ++i) {
    EXPECT_LT((costs[i + 1] - costs[i]) / step, 8'000U) << i;
  }
}

TEST_F(ZoneSetMakerTest, writes_a_set_whole_into_what_it_kept_aside_when_all_else_is_taken) {
  for (int i = 0; i < 2'000; ++i) put("n" + std::to_string(i) + ".", 1);
  ASSERT_TRUE(next().has_value());
  std::vector<Extent> taken;
  while (const auto extent = zones_.memory().take(extent_alignment)) taken.push_back(*extent);
  const u64 whole = maker_.written().whole;
  put("another.", 2);
  const auto set = next();
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(maker_.written().whole, whole + 1);
  expect_is(*set, now_);
  // Until somebody gives memory back there is none for another one, and what was to change is in the one after that.
  put("third.", 3);
  ASSERT_FALSE(next().has_value());
  for (const Extent& extent : taken) zones_.memory().give_back(extent);
  const auto later = next();
  ASSERT_TRUE(later.has_value());
  expect_is(*later, now_);
}

}  // namespace
}  // namespace samara::zone
