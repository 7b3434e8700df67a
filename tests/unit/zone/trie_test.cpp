#include "zone/trie.h"

#include <gtest/gtest.h>

#include <vector>

#include "master_file_zone.h"
#include "random_names.h"
#include "zone/node.h"

namespace samara::zone {
namespace {

// A trie of the names given in canonical order; nodes_[i] is that of the i-th.
class TestTrie {
 public:
  explicit TestTrie(std::span<const dns::Name> names) : region_(size_t{4} << 20), out_(region_, {0, region_.size()}) {
    TrieBuilder builder(out_);
    for (const dns::Name& name : names) {
      const LookupKey key(name);
      nodes_.push_back(write_node(out_, 0, 0, {}, key.symbols(), {}));
      builder.add(key.symbols(), nodes_.back());
    }
    root_ = builder.finish();
    EXPECT_FALSE(out_.full());
  }
  Trie trie() const { return Trie(out_.view(), root_); }
  MemoryView memory() const { return out_.view(); }
  Twig root() const { return root_; }
  Ref node(size_t i) const { return nodes_[i]; }

 private:
  std::vector<u8> region_;
  ExtentWriter out_;
  std::vector<Ref> nodes_;
  Twig root_ = 0;
};

bool before(const dns::Name& a, const dns::Name& b) {
  return dns::canonical_compare(a, b) < 0;
}

size_t shared_symbols(Bytes a, Bytes b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// What a sorted list says about a name must be what the trie says.
void expect_same(const TestTrie& built, std::span<const dns::Name> names, const dns::Name& wanted) {
  const LookupKey key(wanted);
  const auto after = std::ranges::upper_bound(names, wanted, before);
  const size_t count_at_or_before = static_cast<size_t>(after - names.begin());
  ASSERT_EQ(built.trie().at_or_before(key.symbols()), count_at_or_before == 0 ? 0 : built.node(count_at_or_before - 1));

  const TrieMatch match = built.trie().find(key.symbols());
  const bool exists = count_at_or_before != 0 && names[count_at_or_before - 1] == wanted;
  ASSERT_EQ(match.exact, exists);
  // The neighbours in order share the most symbols with a key.
  size_t most = 0;
  if (count_at_or_before > 0) most = shared_symbols(LookupKey(names[count_at_or_before - 1]).symbols(), key.symbols());
  if (count_at_or_before < names.size())
    most = std::max(most, shared_symbols(LookupKey(names[count_at_or_before]).symbols(), key.symbols()));
  ASSERT_EQ(match.common, most);
  ASSERT_EQ(shared_symbols(NodeView(built.memory(), match.node).key(), key.symbols()), most);
  if (exists) {
    ASSERT_EQ(match.node, built.node(count_at_or_before - 1));
  }
}

TEST(Trie, that_is_empty_finds_nothing) {
  const TestTrie built({});
  EXPECT_TRUE(built.trie().empty());
  const LookupKey key(name_of("a."));
  EXPECT_EQ(built.trie().find(key.symbols()).node, 0U);
  EXPECT_FALSE(built.trie().find(key.symbols()).exact);
  EXPECT_FALSE(built.trie().find({}).exact);
  EXPECT_EQ(built.trie().at_or_before(key.symbols()), 0U);
  EXPECT_EQ(built.trie().last(), 0U);
  EXPECT_EQ(TrieCursor(built.memory(), built.root()).next(), 0U);
}

TEST(Trie, of_one_node_needs_no_branch) {
  for (const char* only : {".", "m.", "x.m."}) {
    const std::vector<dns::Name> names{name_of(only)};
    const TestTrie built(names);
    EXPECT_FALSE(is_branch(built.root()));
    EXPECT_EQ(built.trie().last(), built.node(0));
    for (const char* wanted : {".", "a.", "m.", "x.m.", "z.m.", "a.x.m.", "z."}) expect_same(built, names, name_of(wanted));
    TrieCursor cursor(built.memory(), built.root());
    EXPECT_EQ(cursor.next(), built.node(0));
    EXPECT_EQ(cursor.next(), 0U);
  }
}

TEST(Trie, agrees_with_a_sorted_list_of_random_names) {
  for (u32 seed = 1; seed <= 12; ++seed) {
    RandomNames random(seed);
    const std::vector<dns::Name> names = random.sorted_names(seed <= 8 ? 5 * seed : 4'000, dns::Name(), 4);
    const TestTrie built(names);
    for (const dns::Name& name : names) expect_same(built, names, name);
    for (int i = 0; i < 3'000; ++i) expect_same(built, names, random.name(dns::Name(), 5));
    for (int i = 0; i < 1'000; ++i) {
      const dns::Name& near = names[random.below(static_cast<u32>(names.size()))];
      expect_same(built, names, near.parent());
      expect_same(built, names, random.name(near, 2));
      expect_same(built, names, random.name(near.parent(), 1, 2));
    }
    ASSERT_EQ(built.trie().last(), built.node(names.size() - 1));
  }
}

TEST(Trie, holds_siblings_under_every_symbol) {
  std::vector<dns::Name> names{dns::Name()};
  for (unsigned octet = 0; octet < 256; ++octet) {
    if (octet >= 'A' && octet <= 'Z') continue;
    const std::array<u8, 1> label{static_cast<u8>(octet)};
    names.push_back(dns::Name().child(label).value());
  }
  std::ranges::sort(names, before);
  const TestTrie built(names);
  for (const dns::Name& name : names) expect_same(built, names, name);
  RandomNames random(20);
  for (int i = 0; i < 2'000; ++i) expect_same(built, names, random.name(dns::Name(), 2, 2));
}

TEST(TrieCursor, visits_nodes_in_canonical_order) {
  RandomNames random(21);
  const std::vector<dns::Name> names = random.sorted_names(3'000, dns::Name(), 5);
  const TestTrie built(names);
  TrieCursor cursor(built.memory(), built.root());
  for (size_t i = 0; i < names.size(); ++i) ASSERT_EQ(cursor.next(), built.node(i));
  EXPECT_EQ(cursor.next(), 0U);
  EXPECT_EQ(cursor.next(), 0U);
}

TEST(TrieBuilder, in_an_extent_that_is_full_says_so_through_the_writer) {
  std::vector<u8> region(extent_alignment);
  ExtentWriter out(region, {0, region.size()});
  TrieBuilder builder(out);
  RandomNames random(22);
  for (const dns::Name& name : random.sorted_names(1'000, dns::Name(), 3)) builder.add(LookupKey(name).symbols(), 1);
  static_cast<void>(builder.finish());
  EXPECT_TRUE(out.full());
}

TEST(TrieBuilderDeathTest, takes_names_out_of_order_for_our_bug) {
  std::vector<u8> region(extent_alignment);
  ExtentWriter out(region, {0, region.size()});
  TrieBuilder builder(out);
  builder.add(LookupKey(name_of("b.")).symbols(), 1);
  EXPECT_DEATH(builder.add(LookupKey(name_of("a.")).symbols(), 2), "");
  EXPECT_DEATH(builder.add(LookupKey(name_of("b.")).symbols(), 2), "");
}

}  // namespace
}  // namespace samara::zone
