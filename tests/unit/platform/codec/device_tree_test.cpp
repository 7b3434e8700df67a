#include "platform/codec/device_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

namespace samara::codec {
namespace {

std::vector<u8> sample() {
  DeviceTreeWriter w;
  w.begin_node("");
  w.string("role", "primary");
  w.u32("workers", 2);
  w.u64("seed", 0x0123456789abcdefULL);
  const std::string_view listen[] = {"127.0.0.1", "", "::1"};
  w.strings("listen", listen);
  w.flag("strict");
  w.begin_node("zones");
  w.begin_node("zone@0");
  w.string("name", "example.");
  w.bytes("text", std::array<u8, 3>{1, 0, 255});
  w.end_node();
  w.begin_node("zone@1");
  w.end_node();
  w.end_node();
  w.begin_node("keys");
  w.end_node();
  w.end_node();
  return std::move(w).finish().value();
}

// Touches everything a consumer could; returns how many nodes and properties there are.
size_t walk(const DeviceTree& tree) {
  size_t seen = 0;
  std::vector<DeviceTreeNode> open{tree.root()};
  while (!open.empty()) {
    const DeviceTreeNode node = open.back();
    open.pop_back();
    ++seen;
    EXPECT_LT(node.name().size(), tree.size());
    for (const DeviceTreeNode::Property p : node.properties()) {
      ++seen;
      unsigned sum = 0;
      for (const u8 octet : p.value) sum += octet;
      EXPECT_LE(sum, 255U * p.value.size());
      EXPECT_TRUE(node.has(p.name));
      if (const auto list = node.strings(p.name); list.ok()) {
        EXPECT_FALSE(list.value().empty());
      }
    }
    for (const DeviceTreeNode child : node.children()) open.push_back(child);
  }
  return seen;
}

TEST(DeviceTree, gives_back_what_was_written) {
  const std::vector<u8> blob = sample();
  const DeviceTree tree = DeviceTree::open(blob).value();
  EXPECT_EQ(tree.size(), blob.size());
  const DeviceTreeNode root = tree.root();
  EXPECT_EQ(root.name(), "");
  EXPECT_EQ(root.string("role").value(), "primary");
  EXPECT_EQ(root.u32("workers").value(), 2U);
  EXPECT_EQ(root.u64("seed").value(), 0x0123456789abcdefULL);
  EXPECT_EQ(root.strings("listen").value(), (std::vector<std::string_view>{"127.0.0.1", "", "::1"}));
  EXPECT_TRUE(root.has("strict"));
  EXPECT_TRUE(root.bytes("strict").value().empty());
  const DeviceTreeNode zone = root.child("zones")->child("zone@0").value();
  EXPECT_EQ(zone.string("name").value(), "example.");
  const Bytes text = zone.bytes("text").value();
  EXPECT_EQ(std::vector<u8>(text.begin(), text.end()), (std::vector<u8>{1, 0, 255}));
  EXPECT_EQ(walk(tree), 5U + 7U);
}

TEST(DeviceTree, children_and_properties_come_in_the_order_written) {
  const std::vector<u8> blob = sample();
  const DeviceTree tree = DeviceTree::open(blob).value();
  const DeviceTreeNode root = tree.root();
  std::vector<std::string> names;
  for (const DeviceTreeNode child : root.children()) names.emplace_back(child.name());
  EXPECT_EQ(names, (std::vector<std::string>{"zones", "keys"}));
  names.clear();
  for (const DeviceTreeNode::Property p : root.properties()) names.emplace_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"role", "workers", "seed", "listen", "strict"}));
  names.clear();
  for (const DeviceTreeNode zone : root.child("zones")->children()) names.emplace_back(zone.name());
  EXPECT_EQ(names, (std::vector<std::string>{"zone@0", "zone@1"}));
}

TEST(DeviceTree, says_whether_a_property_is_missing_or_of_another_type) {
  const std::vector<u8> blob = sample();
  const DeviceTree tree = DeviceTree::open(blob).value();
  const DeviceTreeNode root = tree.root();
  EXPECT_EQ(root.u32("worker").error(), PropertyError::missing);
  EXPECT_EQ(root.u32("workersx").error(), PropertyError::missing);
  EXPECT_EQ(root.u32("").error(), PropertyError::missing);
  EXPECT_EQ(root.u64("workers").error(), PropertyError::wrong_type);
  EXPECT_EQ(root.u32("seed").error(), PropertyError::wrong_type);
  EXPECT_EQ(root.string("listen").error(), PropertyError::wrong_type);
  EXPECT_EQ(root.string("strict").error(), PropertyError::wrong_type);
  EXPECT_EQ(root.strings("strict").error(), PropertyError::wrong_type);
  EXPECT_EQ(root.string("seed").error(), PropertyError::wrong_type);
  EXPECT_FALSE(root.child("zone").has_value());
  EXPECT_TRUE(root.child("zones")->child("zone").has_value());  // the first, whatever its unit address
}

TEST(DeviceTree, what_follows_the_tree_is_ignored) {
  std::vector<u8> blob = sample();
  const size_t size = blob.size();
  blob.resize(size + 4096, 0xee);
  EXPECT_EQ(DeviceTree::open(blob).value().size(), size);
}

TEST(DeviceTree, refuses_every_truncation) {
  const std::vector<u8> blob = sample();
  for (size_t size = 0; size < blob.size(); ++size) {
    EXPECT_EQ(DeviceTree::open(Bytes(blob).first(size)).error(), DeviceTreeError::malformed) << size;
  }
}

TEST(DeviceTree, refuses_a_blob_at_an_odd_address) {
  std::vector<u8> blob = sample();
  blob.insert(blob.begin(), 0);
  EXPECT_EQ(DeviceTree::open(Bytes(blob).subspan(1)).error(), DeviceTreeError::misaligned);
}

TEST(DeviceTree, refuses_a_size_beyond_the_limit_before_it_looks_further) {
  std::vector<u8> blob = sample();
  blob[4] = 0x40;
  blob[7] |= 1;
  EXPECT_EQ(DeviceTree::open(blob).error(), DeviceTreeError::too_large);
}

TEST(DeviceTree, any_single_changed_octet_is_refused_or_walks_safely) {
  const std::vector<u8> good = sample();
  size_t refused = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int value : {0x00, 0x01, 0x02, 0x03, 0x04, 0x09, 0x7f, 0x80, 0xff}) {
      std::vector<u8> blob = good;
      blob[i] = static_cast<u8>(value);
      const auto tree = DeviceTree::open(blob);
      if (!tree.ok()) {
        ++refused;
      } else {
        EXPECT_GE(walk(tree.value()), 1U);
      }
    }
  }
  EXPECT_GT(refused, good.size());
}

TEST(DeviceTree, random_damage_is_refused_or_walks_safely) {
  const std::vector<u8> good = sample();
  std::mt19937 random(7);
  size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<u8> blob = good;
    for (unsigned n = random() % 6; n > 0; --n) blob[random() % blob.size()] = static_cast<u8>(random());
    const auto tree = DeviceTree::open(blob);
    if (tree.ok()) accepted += walk(tree.value()) > 0;
  }
  EXPECT_GT(accepted, 0U);
}

TEST(DeviceTree, words_without_meaning_are_passed_over) {
  std::vector<u8> blob = sample();
  // An empty property at the end of the root's, "strict", becomes three of them.
  const std::string_view flag("\0\0\0\3\0\0\0\0", 8);
  const auto at = std::search(blob.begin(), blob.end(), flag.begin(), flag.end());
  ASSERT_NE(at, blob.end());
  for (size_t i = 0; i < 12; ++i) at[static_cast<std::ptrdiff_t>(i)] = i % 4 == 3 ? 4 : 0;
  const DeviceTree tree = DeviceTree::open(blob).value();
  const DeviceTreeNode root = tree.root();
  EXPECT_FALSE(root.has("strict"));
  EXPECT_EQ(root.u32("workers").value(), 2U);
  EXPECT_TRUE(root.child("keys").has_value());
}

TEST(DeviceTree, refuses_a_tree_without_a_root_or_with_two) {
  const std::vector<u8> good = sample();
  std::vector<u8> none = good;
  std::ranges::fill(std::span(none).subspan(56, 8), u8{0});
  none[59] = none[63] = 4;
  EXPECT_EQ(DeviceTree::open(none).error(), DeviceTreeError::malformed);
  DeviceTreeWriter w;
  w.begin_node("");
  w.flag("a");
  w.end_node();
  std::vector<u8> two = std::move(w).finish().value();
  // begin, "", property, 0, "a", end_node, end
  EXPECT_TRUE(DeviceTree::open(two).ok());
  const std::array<u8, 5> closed_early{2, 1, 0, 2, 9};
  for (size_t i = 0; i < closed_early.size(); ++i) two[56 + 8 + 4 * i + 3] = closed_early[i];
  EXPECT_EQ(DeviceTree::open(two).error(), DeviceTreeError::malformed);
}

TEST(DeviceTree, garbage_is_refused) {
  const std::vector<u8> zeros(4096);
  EXPECT_EQ(DeviceTree::open(zeros).error(), DeviceTreeError::malformed);
  EXPECT_EQ(DeviceTree::open({}).error(), DeviceTreeError::malformed);
}

TEST(DeviceTreeWriter, grows_for_a_large_value) {
  std::vector<u8> text(5'000'000);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<u8>(i * 7);
  DeviceTreeWriter w;
  w.begin_node("");
  w.bytes("zone", text);
  w.u32("after", 9);
  w.end_node();
  const std::vector<u8> blob = std::move(w).finish().value();
  const DeviceTree tree = DeviceTree::open(blob).value();
  const DeviceTreeNode root = tree.root();
  const Bytes got = root.bytes("zone").value();
  EXPECT_TRUE(std::ranges::equal(got, text));
  EXPECT_EQ(root.u32("after").value(), 9U);
}

TEST(DeviceTreeWriter, grows_over_many_nodes) {
  DeviceTreeWriter w;
  w.begin_node("");
  for (samara::u32 i = 0; i < 5'000; ++i) {
    w.begin_node("zone@" + std::to_string(i));
    w.u32("index", i);
    w.end_node();
  }
  w.end_node();
  const std::vector<u8> blob = std::move(w).finish().value();
  samara::u32 expected = 0;
  const DeviceTree tree = DeviceTree::open(blob).value();
  for (const DeviceTreeNode zone : tree.root().children()) EXPECT_EQ(zone.u32("index").value(), expected++);
  EXPECT_EQ(expected, 5'000U);
}

template <class Steps>
DeviceTreeError error_of(Steps steps) {
  DeviceTreeWriter w;
  steps(w);
  const auto result = std::move(w).finish();
  EXPECT_FALSE(result.ok());
  return result.ok() ? DeviceTreeError{} : result.error();
}

TEST(DeviceTreeWriter, refuses_parts_out_of_order) {
  EXPECT_EQ(error_of([](auto&) {}), DeviceTreeError::out_of_order);
  EXPECT_EQ(error_of([](auto& w) { w.begin_node(""); }), DeviceTreeError::out_of_order);
  EXPECT_EQ(error_of([](auto& w) { w.u32("a", 1); }), DeviceTreeError::out_of_order);
  EXPECT_EQ(error_of([](auto& w) { w.end_node(); }), DeviceTreeError::out_of_order);
  EXPECT_EQ(error_of([](auto& w) {
              w.begin_node("");
              w.end_node();
              w.begin_node("");
              w.end_node();
            }),
            DeviceTreeError::out_of_order);
  EXPECT_EQ(error_of([](auto& w) {
              w.begin_node("");
              w.begin_node("child");
              w.end_node();
              w.u32("late", 1);  // readers would not find it
              w.end_node();
            }),
            DeviceTreeError::out_of_order);
}

TEST(DeviceTreeWriter, refuses_names_and_strings_that_would_not_come_back) {
  const auto node = [](std::string_view name) {
    return error_of([name](auto& w) {
      w.begin_node("");
      w.begin_node(name);
      w.end_node();
      w.end_node();
    });
  };
  EXPECT_EQ(node(""), DeviceTreeError::bad_name);
  EXPECT_EQ(node("a/b"), DeviceTreeError::bad_name);
  EXPECT_EQ(node(std::string_view("a\0b", 3)), DeviceTreeError::bad_name);
  EXPECT_EQ(node(std::string(max_device_tree_name + 1, 'n')), DeviceTreeError::bad_name);
  EXPECT_EQ(error_of([](auto& w) { w.begin_node("root"); }), DeviceTreeError::bad_name);
  EXPECT_EQ(error_of([](auto& w) {
              w.begin_node("");
              w.string("s", std::string_view("a\0b", 3));
              w.end_node();
            }),
            DeviceTreeError::bad_value);
}

TEST(DeviceTreeWriter, the_longest_name_is_kept) {
  const std::string name(max_device_tree_name, 'n');
  DeviceTreeWriter w;
  w.begin_node("");
  w.begin_node(name);
  w.u32(name, 4);
  w.end_node();
  w.end_node();
  const std::vector<u8> blob = std::move(w).finish().value();
  const DeviceTree tree = DeviceTree::open(blob).value();
  EXPECT_EQ(tree.root().child(name)->u32(name).value(), 4U);
}

}  // namespace
}  // namespace samara::codec
