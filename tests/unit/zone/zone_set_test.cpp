#include "zone/zone_set.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "master_file_zone.h"
#include "random_names.h"

namespace samara::zone {
namespace {

class ZoneSetTest : public testing::Test {
 protected:
  // A name with "!" in front is a zone without data.
  void build(std::initializer_list<std::string_view> apexes) {
    std::vector<ZoneSetEntry> entries;
    for (std::string_view apex : apexes) {
      const bool broken = apex.starts_with('!');
      if (broken) apex.remove_prefix(1);
      entries.push_back({name_of(apex), broken ? std::nullopt : std::optional(zone_of(name_of(apex)))});
    }
    const auto set = build_zone_set(memory_, entries);
    ASSERT_TRUE(set.ok());
    set_.emplace(set.value());
  }
  Zone zone_of(const dns::Name& apex) {
    ZoneBuilder builder(memory_, apex);
    std::array<u8, 22> soa{};
    EXPECT_TRUE(builder.add(apex, dns::RrType::SOA, dns::Ttl(1), soa).ok());
    EXPECT_TRUE(builder.add(apex, dns::RrType::NS, dns::Ttl(1), std::array<u8, 1>{0}).ok());
    return builder.finish().value();
  }
  // The apex of the zone found, with "!" in front when it has no data; empty when there is none.
  std::string find(std::string_view name, bool above = false) const {
    const dns::Name wanted = name_of(name);
    const auto match = set_->find(SearchName(wanted), above);
    if (!match.has_value()) return "";
    const std::string apex = text_of(wanted.suffix(match->apex_labels));
    if (!match->zone.has_value()) return "!" + apex;
    EXPECT_EQ(text_of(match->zone->apex()), apex);
    return apex;
  }

  TestRegion region_{size_t{16} << 20};
  ZoneMemory memory_{region_.bytes()};
  std::optional<ZoneSet> set_;
};

TEST_F(ZoneSetTest, that_is_empty_has_no_zone) {
  build({});
  EXPECT_EQ(find("."), "");
  EXPECT_EQ(find("example."), "");
  EXPECT_EQ(find("example.", true), "");
  EXPECT_FALSE(set_->at(dns::Name()).has_value());
}

TEST_F(ZoneSetTest, finds_the_nearest_zone_above_a_name) {
  build({"example.", "sub.example.", "a.b.sub.example.", "test."});
  EXPECT_EQ(find("example."), "example.");
  EXPECT_EQ(find("x.example."), "example.");
  EXPECT_EQ(find("subx.example."), "example.");
  EXPECT_EQ(find("su.example."), "example.");
  EXPECT_EQ(find("sub.example."), "sub.example.");
  EXPECT_EQ(find("b.sub.example."), "sub.example.");
  EXPECT_EQ(find("x.b.sub.example."), "sub.example.");
  EXPECT_EQ(find("aa.b.sub.example."), "sub.example.");
  EXPECT_EQ(find("x.y.a.b.sub.example."), "a.b.sub.example.");
  EXPECT_EQ(find("com."), "");
  EXPECT_EQ(find("."), "");
  EXPECT_EQ(find("exampl."), "");
  EXPECT_EQ(find("examplee."), "");
}

TEST_F(ZoneSetTest, passes_over_the_apex_itself_for_ds) {
  build({"example.", "sub.example.", "x.y.sub.example."});
  EXPECT_EQ(find("sub.example.", true), "example.");
  EXPECT_EQ(find("x.y.sub.example.", true), "sub.example.");
  EXPECT_EQ(find("z.sub.example.", true), "sub.example.");
  EXPECT_EQ(find("example.", true), "");
  EXPECT_EQ(find(".", true), "");
}

TEST_F(ZoneSetTest, finds_the_root_zone_above_everything) {
  build({".", "sub.example."});
  EXPECT_EQ(find("."), ".");
  EXPECT_EQ(find("com."), ".");
  EXPECT_EQ(find("example."), ".");
  EXPECT_EQ(find("x.sub.example."), "sub.example.");
  EXPECT_EQ(find("sub.example.", true), ".");
  EXPECT_EQ(find(".", true), "");
  build({"."});
  EXPECT_EQ(find("a.b.c."), ".");
}

TEST_F(ZoneSetTest, tells_a_zone_without_data_from_none) {
  build({"example.", "!broken.example."});
  EXPECT_EQ(find("www.broken.example."), "!broken.example.");
  EXPECT_EQ(find("broken.example.", true), "example.");
  EXPECT_EQ(find("other.example."), "example.");
  ASSERT_TRUE(set_->at(name_of("broken.example.")).has_value());
  EXPECT_FALSE(set_->at(name_of("broken.example."))->zone.has_value());
  EXPECT_FALSE(set_->at(name_of("www.broken.example.")).has_value());
  EXPECT_EQ(text_of(set_->at(name_of("EXAMPLE."))->zone->apex()), "example.");
  std::string served;
  set_->for_each_zone([&](const Zone& zone) { served += text_of(zone.apex()); });
  EXPECT_EQ(served, "example.");
}

TEST_F(ZoneSetTest, agrees_with_a_search_through_all_apexes) {
  for (u32 seed = 40; seed < 44; ++seed) {
    RandomNames random(seed);
    const std::vector<dns::Name> apexes = random.sorted_names(200, dns::Name(), 4);
    std::vector<ZoneSetEntry> entries;
    for (const dns::Name& apex : apexes) entries.push_back({apex, std::nullopt});
    std::ranges::reverse(entries);
    const auto set = build_zone_set(memory_, entries);
    ASSERT_TRUE(set.ok());
    for (int i = 0; i < 5'000; ++i) {
      dns::Name name = random.name(apexes[random.below(static_cast<u32>(apexes.size()))], 3);
      if (random.below(4) == 0) name = name.parent();
      const bool above = random.below(2) == 0;
      std::optional<size_t> expected;
      for (const dns::Name& apex : apexes) {
        if (name.is_at_or_below(apex) && !(above && name == apex))
          expected = std::max(expected.value_or(0), apex.label_count());
      }
      const auto match = set.value().find(SearchName(name), above);
      ASSERT_EQ(match.has_value(), expected.has_value());
      if (expected.has_value()) {
        ASSERT_EQ(match->apex_labels, *expected);
      }
    }
    memory_.give_back(set.value().extent());
    ASSERT_EQ(memory_.in_use(), 0U);
  }
}

TEST_F(ZoneSetTest, without_memory_gives_back_what_it_took) {
  std::vector<u8> region(extent_alignment);
  ZoneMemory memory(region);
  std::vector<ZoneSetEntry> entries;
  for (const dns::Name& apex : RandomNames(50).sorted_names(500, dns::Name(), 3)) entries.push_back({apex, std::nullopt});
  const auto set = build_zone_set(memory, entries);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error(), BuildError::out_of_memory);
  EXPECT_EQ(memory.in_use(), 0U);
  ZoneMemory nothing({});
  EXPECT_FALSE(build_zone_set(nothing, {}).ok());
}

}  // namespace
}  // namespace samara::zone
