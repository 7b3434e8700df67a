#include "zone/name_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "master_file_zone.h"
#include "random_names.h"
#include "zone/growth.h"
#include "zone/search_name.h"

namespace samara::zone {
namespace {

class NameIndexTest : public testing::Test {
 protected:
  NameIndex build() {
    const Ref ref = builder_.finish(out_);
    EXPECT_NE(ref, 0U);
    return NameIndex(out_.view(), ref);
  }
  static auto is(Ref wanted) {
    return [wanted](Ref ref) { return ref == wanted; };
  }

  std::vector<u8> region_ = std::vector<u8>(size_t{4} << 20, 0xff);  // memory that was used before
  ExtentWriter out_{region_, {0, region_.size()}};
  NameIndexBuilder builder_;
};

TEST_F(NameIndexTest, that_is_empty_finds_nothing) {
  const NameIndex index = build();
  for (const u64 hash : {u64{0}, ~u64{0}, u64{1} << 63}) EXPECT_EQ(index.find(hash, is(1)), Ref{0});
}

TEST_F(NameIndexTest, finds_what_was_added_and_nothing_else) {
  const u64 step = 0x9e3779b97f4a7c15;
  for (u32 i = 1; i <= 10'000; ++i) ASSERT_TRUE(builder_.add(i * step, i));
  const NameIndex index = build();
  for (u32 i = 1; i <= 10'000; ++i) ASSERT_EQ(index.find(i * step, is(i)), i);
  for (u32 i = 10'001; i <= 20'000; ++i) ASSERT_EQ(index.find(i * step, [](Ref) { return false; }), Ref{0});
}

TEST_F(NameIndexTest, asks_which_of_two_with_one_hash_is_meant) {
  ASSERT_TRUE(builder_.add(7, 100));
  ASSERT_TRUE(builder_.add(7, 200));
  const NameIndex index = build();
  EXPECT_EQ(index.find(7, is(100)), Ref{100});
  EXPECT_EQ(index.find(7, is(200)), Ref{200});
  EXPECT_EQ(index.find(7, is(300)), Ref{0});
}

TEST_F(NameIndexTest, leaves_out_names_made_to_collide_and_says_that_it_does_not_know) {
  constexpr u64 last_slot = ~u64{0};
  for (u32 i = 1; i <= 1'000; ++i) ASSERT_TRUE(builder_.add(last_slot, i));
  const NameIndex index = build();
  unsigned compared = 0;
  EXPECT_EQ(index.find(last_slot,
                       [&](Ref) {
                         ++compared;
                         return false;
                       }),
            std::nullopt);
  EXPECT_EQ(compared, NameIndex::reach);
  EXPECT_EQ(index.find(last_slot, is(1)), Ref{1});
  EXPECT_EQ(index.find(last_slot, is(1'000)), std::nullopt);
}

TEST_F(NameIndexTest, says_when_there_is_no_room_for_it) {
  std::vector<u8> little(64);
  ExtentWriter out(little, {0, little.size()});
  ASSERT_TRUE(builder_.add(1, 1));
  EXPECT_EQ(builder_.finish(out), 0U);
}

// Names with hashes that collide in their slots, so that neighbourhoods are full and names are left out.
class NameIndexEditorTest : public testing::Test {
 protected:
  static auto is(Ref wanted) {
    return [wanted](Ref ref) { return ref == wanted; };
  }
  NameIndexEditorTest() {
    growth_.begin();
    index_ = NameIndexBuilder().finish(growth_.writer());
    growth_.commit();
  }
  // One version of the index to the next.
  template <class F>
  void edit(F&& change) {
    growth_.begin();
    NameIndexEditor editor(growth_, index_);
    change(editor);
    index_ = editor.index();
    growth_.commit();
  }
  void expect_finds(Ref index, const std::map<u64, Ref>& names, bool all_in_table) const {
    const NameIndex now(memory_.view(), index);
    for (const auto& [hash, node] : names) {
      const auto found = now.find(hash, [node](Ref ref) { return ref == node; });
      if (all_in_table || found.has_value()) ASSERT_EQ(found, node) << "a name that is there";
    }
  }

  std::vector<u8> region_ = std::vector<u8>(size_t{1} << 24, 0xff);
  ZoneMemory memory_{region_};
  Growth growth_{memory_, 0};
  Ref index_ = 0;
};

TEST_F(NameIndexEditorTest, adds_replaces_and_removes_and_leaves_the_version_before_as_it_was) {
  const u64 step = 0x9e3779b97f4a7c15;
  std::map<u64, Ref> before;
  for (u32 i = 1; i <= 40; ++i) before[i * step] = i;
  edit([&](NameIndexEditor& editor) {
    for (const auto& [hash, node] : before) ASSERT_TRUE(editor.add(hash, node));
  });
  const Ref first = index_;
  std::map<u64, Ref> after = before;
  edit([&](NameIndexEditor& editor) {
    for (u32 i = 1; i <= 40; i += 2) {
      ASSERT_TRUE(editor.replace(i * step, i, 1'000 + i));
      after[i * step] = 1'000 + i;
    }
    for (u32 i = 2; i <= 40; i += 4) {
      ASSERT_TRUE(editor.remove(i * step, i));
      after.erase(i * step);
    }
  });
  expect_finds(first, before, true);
  expect_finds(index_, after, true);
  const NameIndex now(memory_.view(), index_);
  for (u32 i = 2; i <= 40; i += 4) EXPECT_EQ(now.find(i * step, is(i)), Ref{0});
  EXPECT_GE(now.taken(), after.size());
}

TEST_F(NameIndexEditorTest, never_says_no_to_a_name_that_is_there_whatever_comes_and_goes) {
  std::mt19937 engine(4);
  std::map<u64, Ref> names;
  Ref next = 0;
  unsigned undecided = 0;
  for (int round = 0; round < 20'000; ++round) {
    // 256 hashes in each of few slots; the last of a page among them.
    const u64 slot = std::array<u64, 4>{0, 5, 120, 127}[engine() % 4];
    const u64 hash = slot << 57 | engine() % 256;
    edit([&](NameIndexEditor& editor) {
      const auto known = names.find(hash);
      if (known == names.end()) {
        names[hash] = ++next;
        ASSERT_TRUE(editor.add(hash, next));
      } else if (engine() % 4 == 0) {
        ASSERT_TRUE(editor.replace(hash, known->second, ++next));
        known->second = next;
      } else {
        ASSERT_TRUE(editor.remove(hash, known->second));
        names.erase(known);
      }
    });
    const NameIndex now(memory_.view(), index_);
    const auto known = names.find(hash);
    const auto found = now.find(hash, [&](Ref ref) { return known != names.end() && ref == known->second; });
    if (!found.has_value()) {
      ++undecided;
    } else {
      ASSERT_EQ(*found, known == names.end() ? 0 : known->second);
    }
    if (round % 100 == 0) expect_finds(index_, names, false);
    if (growth_.used() > region_.size() / 2) {  // begin anew
      for (const Extent& extent : growth_.take_extents(0)) memory_.give_back(extent);
      NameIndexBuilder builder;
      for (const auto& [name, node] : names) ASSERT_TRUE(builder.add(name, node));
      growth_.begin();
      index_ = builder.finish(growth_.writer());
      growth_.commit();
    }
  }
  EXPECT_GT(undecided, 100U);
}

TEST_F(NameIndexEditorTest, frees_the_slots_of_names_that_nobody_depends_on) {
  edit([&](NameIndexEditor& editor) { ASSERT_TRUE(editor.add(7, 1) && editor.add(7, 2)); });
  edit([&](NameIndexEditor& editor) { ASSERT_TRUE(editor.remove(7, 1)); });
  EXPECT_EQ(NameIndex(memory_.view(), index_).taken(), 2U) << "the other name is found over it";
  edit([&](NameIndexEditor& editor) { ASSERT_TRUE(editor.add(7, 3)); });
  EXPECT_EQ(NameIndex(memory_.view(), index_).taken(), 3U);
  edit([&](NameIndexEditor& editor) { ASSERT_TRUE(editor.remove(7, 3)); });
  EXPECT_EQ(NameIndex(memory_.view(), index_).taken(), 2U) << "nothing is behind it";
  EXPECT_EQ(NameIndex(memory_.view(), index_).find(7, is(2)), Ref{2});
}

TEST_F(NameIndexEditorTest, copies_little_of_a_large_index) {
  NameIndexBuilder builder;
  for (u64 i = 1; i <= 500'000; ++i) ASSERT_TRUE(builder.add(i * 0x9e3779b97f4a7c15, static_cast<Ref>(i)));
  growth_.begin();
  index_ = builder.finish(growth_.writer());
  growth_.commit();
  ASSERT_NE(index_, 0U);
  const size_t before = growth_.used();
  edit([&](NameIndexEditor& editor) { ASSERT_TRUE(editor.replace(0x9e3779b97f4a7c15, 1, 2)); });
  EXPECT_LT(growth_.used() - before, size_t{3} << 10);
}

TEST(SearchName, knows_where_each_suffix_begins_and_ignores_case) {
  const SearchName name(name_of("wWw.ExAmPlE.Com."));
  ASSERT_EQ(name.label_count(), 3U);
  EXPECT_EQ(name.suffix_at(3), 0U);
  EXPECT_EQ(name.suffix_at(2), 4U);
  EXPECT_EQ(name.suffix_at(1), 12U);
  EXPECT_EQ(name.suffix_at(0), 16U);
  const dns::Name lower = name_of("www.example.com.");
  EXPECT_TRUE(equal_octets(name.labels_between(0, 3), lower.wire().first(16)));
  EXPECT_TRUE(equal_octets(name.labels_between(1, 2), lower.wire().subspan(4, 8)));
  EXPECT_TRUE(name.labels_between(2, 2).empty());
}

TEST(SearchName, hashes_a_suffix_as_the_name_it_is) {
  RandomNames random(20);
  for (int i = 0; i < 2'000; ++i) {
    const dns::Name name = random.name(dns::Name(), 6);
    const SearchName whole(name);
    ASSERT_EQ(whole.hash(0), root_hash);
    for (size_t labels = 0; labels <= whole.label_count(); ++labels) {
      const dns::Name suffix = name.suffix(labels);
      ASSERT_EQ(whole.hash(labels), SearchName(suffix).hash(labels));
      if (labels == 0) continue;
      const dns::Name lower = suffix.lowercased();
      ASSERT_EQ(child_hash(whole.hash(labels - 1), lower.wire().first(size_t{1} + lower.wire()[0])), whole.hash(labels));
    }
  }
}

TEST(SearchName, tells_labels_of_different_length_apart) {
  EXPECT_NE(SearchName(name_of("ab.c.")).hash(2), SearchName(name_of("a.bc.")).hash(2));
  EXPECT_NE(SearchName(name_of("a\\000.")).hash(1), SearchName(name_of("a.")).hash(1));
}

TEST(SearchName, holds_the_longest_names) {
  std::vector<u8> wire;
  for (const size_t length : {63U, 63U, 63U, 61U}) {
    wire.push_back(static_cast<u8>(length));
    wire.insert(wire.end(), length, 'X');
  }
  wire.push_back(0);
  ASSERT_EQ(wire.size(), dns::max_name_size);
  const SearchName longest(wire);
  EXPECT_EQ(longest.label_count(), 4U);
  EXPECT_EQ(longest.suffix_at(0), 254U);
  EXPECT_FALSE(SearchName::wildcard_below(longest, 4).has_value());
  std::vector<u8> deepest;
  for (size_t i = 0; i < dns::max_labels; ++i) deepest.insert(deepest.end(), {1, 'a'});
  deepest.push_back(0);
  EXPECT_EQ(SearchName(deepest).label_count(), dns::max_labels);
}

TEST(SearchName, of_a_wildcard_below_a_suffix) {
  const SearchName name(name_of("www.Example.com."));
  const auto wildcard = SearchName::wildcard_below(name, 2);
  ASSERT_TRUE(wildcard.has_value());
  const SearchName written(name_of("*.example.com."));
  EXPECT_EQ(wildcard->hash(3), written.hash(3));
  EXPECT_TRUE(equal_octets(wildcard->labels_between(0, 3), written.labels_between(0, 3)));
}

}  // namespace
}  // namespace samara::zone
