#include "zone/trie_edit.h"

#include <gtest/gtest.h>

#include <map>

#include "master_file_zone.h"
#include "random_names.h"

namespace samara::zone {
namespace {

using Names = std::map<std::vector<u8>, Ref>;  // by key, which is canonical order

class TrieEditTest : public testing::Test {
 protected:
  Ref node_of(const LookupKey& key) { return write_node(growth_.writer(), 0, 0, {}, key.symbols(), {}); }
  void expect_is(Twig root, const Names& names) const {
    TrieCursor cursor(memory_.view(), root);
    for (const auto& [key, node] : names) {
      ASSERT_EQ(cursor.next(), node);
      const TrieMatch match = Trie(memory_.view(), root).find(key);
      ASSERT_TRUE(match.exact);
      ASSERT_EQ(match.node, node);
    }
    ASSERT_EQ(cursor.next(), 0U);
  }

  TestRegion region_{size_t{1} << 28};
  ZoneMemory memory_{region_.bytes()};
  Growth growth_{memory_, 0};
};

TEST_F(TrieEditTest, is_in_every_version_what_the_names_are) {
  RandomNames random(11);
  Names names;
  Twig root = 0;
  std::vector<std::pair<Twig, Names>> versions;
  for (int version = 0; version < 1'500; ++version) {
    growth_.begin();
    TrieEditor editor(growth_, root);
    for (u32 changes = 1 + random.below(6); changes > 0; --changes) {
      LookupKey key(random.name(dns::Name(), 4));
      if (!names.empty() && random.below(3) == 0) {
        auto at = names.begin();
        std::advance(at, random.below(static_cast<u32>(names.size())));
        if (random.below(3) != 0) {
          ASSERT_TRUE(editor.remove(at->first));
          names.erase(at);
          continue;
        }
      }
      const std::vector<u8> symbols(key.symbols().begin(), key.symbols().end());
      const Ref node = node_of(key);
      ASSERT_TRUE(editor.set(key.symbols(), node));
      names[symbols] = node;
    }
    root = editor.root();
    growth_.commit();
    if (version % 100 == 0) versions.emplace_back(root, names);
    if (version % 20 == 0) ASSERT_NO_FATAL_FAILURE(expect_is(root, names));
  }
  for (const auto& [old_root, old_names] : versions) ASSERT_NO_FATAL_FAILURE(expect_is(old_root, old_names));
}

TEST_F(TrieEditTest, becomes_empty_and_is_filled_again) {
  growth_.begin();
  TrieEditor editor(growth_, 0);
  const LookupKey a(name_of("a."));
  const LookupKey b(name_of("b."));
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(editor.set(a.symbols(), node_of(a)) && editor.set(b.symbols(), node_of(b)));
    ASSERT_TRUE(editor.remove(LookupKey(name_of("c.")).symbols())) << "one that is not there";
    ASSERT_TRUE(editor.remove(a.symbols()) && editor.remove(b.symbols()));
    EXPECT_EQ(editor.root(), 0U);
  }
}

TEST_F(TrieEditTest, finds_all_that_is_below_a_name) {
  growth_.begin();
  TrieEditor editor(growth_, 0);
  std::map<std::string, Ref> nodes;
  for (const char* name : {"a.", "x.a.", "y.a.", "ab.", "b."}) {
    const LookupKey key(name_of(name));
    nodes[name] = node_of(key);
    ASSERT_TRUE(editor.set(key.symbols(), nodes[name]));
  }
  const auto below = [&](const char* name) {
    std::vector<Ref> found;
    TrieCursor cursor(memory_.view(), editor.trie().below(LookupKey(name_of(name)).symbols()));
    for (Ref ref = cursor.next(); ref != 0; ref = cursor.next()) found.push_back(ref);
    return found;
  };
  EXPECT_EQ(below("a."), (std::vector<Ref>{nodes["a."], nodes["x.a."], nodes["y.a."]}));
  EXPECT_EQ(below("ab."), std::vector<Ref>{nodes["ab."]});
  EXPECT_EQ(below("c."), std::vector<Ref>{});
  EXPECT_EQ(below("z.x.a."), std::vector<Ref>{});
  EXPECT_EQ(below(".").size(), 5U);
}

TEST_F(TrieEditTest, says_when_memory_is_full) {
  std::vector<u8> little(extent_alignment);
  ZoneMemory memory(little);
  Growth growth(memory, 0);
  growth.begin();
  TrieEditor editor(growth, 0);
  RandomNames random(2);
  const auto fill = [&] {
    for (int i = 0; i < 1'000; ++i) {
      const LookupKey key(random.name(dns::Name(), 4));
      const Ref node = write_node(growth.writer(), 0, 0, {}, key.symbols(), {});
      if (node == 0 || !editor.set(key.symbols(), node)) return false;
    }
    return true;
  };
  EXPECT_FALSE(fill());
  growth.roll_back();
  EXPECT_EQ(memory.in_use(), 0U);
}

}  // namespace
}  // namespace samara::zone
