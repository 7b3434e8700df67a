// Flattened device trees (Devicetree Specification 0.4, chapter 5; version 17): the format of the boot configuration on every
// target, and of the machine's own description on some. DeviceTree reads a blob from outside, DeviceTreeWriter makes one;
// both stand on libfdt. Left out on purpose: overlays, phandles, changing a tree in place.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::codec {

// Offsets inside a tree are 31-bit numbers; half of that leaves room for libfdt's sums and for any real configuration.
constexpr size_t max_device_tree_size = size_t{1} << 30;
// The specification allows 31 characters; real trees have longer names.
constexpr size_t max_device_tree_name = 63;

enum class DeviceTreeError : u8 {
  malformed,     // not a device tree, or one whose structure is broken
  too_large,     // above max_device_tree_size
  misaligned,    // the blob does not start at a multiple of 8 octets
  bad_name,      // for the writer: a name that is empty, too long or has a zero or a slash in it
  bad_value,     // for the writer: a string with a zero in it
  out_of_order,  // for the writer: a property outside a node or after a child, or nodes not closed
};
std::string_view describe(DeviceTreeError error);

// A property's octets as characters, whatever they are.
std::string_view as_text(Bytes octets);

enum class PropertyError : u8 {
  missing,     // the node has no property of that name
  wrong_type,  // its length or content is not that of the type asked for
};

// What DeviceTree::open() found where, in the order of the blob: a tree is walked once, and each later step is one in here.
struct DeviceTreeIndex {
  struct Property {
    std::string_view name;
    Bytes value;
  };
  // The properties of a node are those from its own first to the next node's first.
  struct Node {
    std::string_view name;
    samara::u32 properties;  // the first
    samara::u32 after;       // the node behind this one and all that is in it
  };
  std::vector<Node> nodes;  // with one more at the end
  std::vector<Property> properties;
};

// A view of one node. It is valid as long as the tree and the blob are.
class DeviceTreeNode {
 public:
  using Property = DeviceTreeIndex::Property;
  class Children;

  std::string_view name() const { return index_->nodes[at_].name; }
  bool has(std::string_view property) const { return bytes(property).ok(); }
  Result<Bytes, PropertyError> bytes(std::string_view property) const;
  Result<samara::u32, PropertyError> u32(std::string_view property) const;
  Result<samara::u64, PropertyError> u64(std::string_view property) const;
  // One string, without the zero that ends it.
  Result<std::string_view, PropertyError> string(std::string_view property) const;
  // One or more strings.
  Result<std::vector<std::string_view>, PropertyError> strings(std::string_view property) const;

  // In the order they stand in the blob.
  Children children() const;
  std::span<const Property> properties() const;
  // The first child of that name; "memory" also finds "memory@80000000".
  std::optional<DeviceTreeNode> child(std::string_view name) const;

 private:
  friend class DeviceTree;
  DeviceTreeNode(const DeviceTreeIndex& index, size_t at) : index_(&index), at_(at) {}
  size_t after() const { return index_->nodes[at_].after; }

  const DeviceTreeIndex* index_;
  size_t at_;
};

class DeviceTreeNode::Children {
 public:
  class Iterator {
   public:
    using value_type = DeviceTreeNode;
    using difference_type = std::ptrdiff_t;
    DeviceTreeNode operator*() const { return node_; }
    Iterator& operator++() {
      node_.at_ = node_.after();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return node_.at_ == end_; }

   private:
    friend class Children;
    Iterator(DeviceTreeNode node, size_t end) : node_(node), end_(end) {}
    DeviceTreeNode node_;
    size_t end_;
  };
  Iterator begin() const { return {DeviceTreeNode(*parent_.index_, parent_.at_ + 1), parent_.after()}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class DeviceTreeNode;
  explicit Children(DeviceTreeNode parent) : parent_(parent) {}
  DeviceTreeNode parent_;
};

inline DeviceTreeNode::Children DeviceTreeNode::children() const {
  return Children(*this);
}

// A checked blob. What is behind the tree in `blob` is ignored.
class DeviceTree {
 public:
  // Walks the whole blob; afterwards no access can leave it. The blob stays where it is, unchanged, and so does the tree,
  // while anything got from it is in use.
  static Result<DeviceTree, DeviceTreeError> open(Bytes blob);
  DeviceTreeNode root() const& { return {index_, 0}; }
  DeviceTreeNode root() const&& = delete;
  // Octets of the blob that the tree takes.
  size_t size() const { return blob_.size(); }
  // The tree's octets in front of a property's value and behind it. `value` was got from this tree.
  struct Around {
    Bytes before;
    Bytes behind;
  };
  Around around(Bytes value) const;

 private:
  DeviceTree(DeviceTreeIndex index, Bytes blob) : index_(std::move(index)), blob_(blob) {}
  DeviceTreeIndex index_;
  Bytes blob_;
};

// Writes a tree from front to back: begin_node(""), its properties, its children, end_node(), finish(). The first thing that
// is wrong sticks and is what finish() returns.
class DeviceTreeWriter {
 public:
  DeviceTreeWriter();
  void begin_node(std::string_view name);  // the root's name is empty
  void end_node();
  void flag(std::string_view name) { bytes(name, {}); }  // true by being there
  void u32(std::string_view name, samara::u32 value);
  void u64(std::string_view name, samara::u64 value);
  void string(std::string_view name, std::string_view value);
  void strings(std::string_view name, std::span<const std::string_view> values);
  void bytes(std::string_view name, Bytes value);
  Result<std::vector<u8>, DeviceTreeError> finish() &&;

 private:
  // Memory for a property's value inside the tree; empty after an error.
  MutableBytes property(std::string_view name, size_t size);
  void grow(size_t at_least);
  // Calls libfdt until it has room enough.
  template <class Call>
  void attempt(size_t extra, Call call);
  void refuse(DeviceTreeError error);

  std::vector<u8> blob_;
  size_t depth_ = 0;
  bool in_head_ = false;  // between a node's begin and its first child or end: where properties go
  bool root_closed_ = false;
  std::optional<DeviceTreeError> error_;
};

}  // namespace samara::codec
