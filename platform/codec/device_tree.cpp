// UNSAFE: libfdt takes and returns raw pointers into the blob; every one of them is turned into a span here.
#include "platform/codec/device_tree.h"

extern "C" {
#include <libfdt.h>
}

#include <algorithm>
#include <array>

#include "platform/base/byte_order.h"

namespace samara::codec {
namespace {

constexpr size_t initial_size = 4096;

Bytes as_bytes(const void* data, int size) {
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const u8*>(data), static_cast<size_t>(size)};
}

// libfdt's C strings: names come with their zero.
struct CName {
  std::array<char, max_device_tree_name + 1> text{};
  const char* c_str() const { return text.data(); }
};

std::optional<CName> to_c_name(std::string_view name) {
  if (name.size() > max_device_tree_name) return std::nullopt;
  if (name.find('\0') != std::string_view::npos || name.find('/') != std::string_view::npos) return std::nullopt;
  CName result;
  std::ranges::copy(name, result.text.begin());
  return result;
}

bool has_zero(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

// The nodes and properties of a tree that libfdt found good.
DeviceTreeIndex index_of(const u8* blob) {
  DeviceTreeIndex index;
  std::vector<samara::u32> open;  // nodes that have not ended yet
  int depth = 0;
  const auto end_nodes = [&](size_t deeper_than) {
    for (; open.size() > deeper_than; open.pop_back())
      index.nodes[open.back()].after = static_cast<samara::u32>(index.nodes.size());
  };
  for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(blob, node, &depth)) {
    end_nodes(static_cast<size_t>(depth));
    open.push_back(static_cast<samara::u32>(index.nodes.size()));
    int length = 0;
    const char* name = fdt_get_name(blob, node, &length);
    index.nodes.push_back({as_text(as_bytes(name, length)), static_cast<samara::u32>(index.properties.size()), 0});
    for (int at = fdt_first_property_offset(blob, node); at >= 0; at = fdt_next_property_offset(blob, at)) {
      const char* property = nullptr;
      const void* data = fdt_getprop_by_offset(blob, at, &property, &length);
      if (data != nullptr) index.properties.push_back({std::string_view(property), as_bytes(data, length)});
    }
  }
  end_nodes(0);
  index.nodes.push_back({{}, static_cast<samara::u32>(index.properties.size()), 0});
  return index;
}

}  // namespace

std::string_view as_text(Bytes octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::string_view describe(DeviceTreeError error) {
  switch (error) {
    case DeviceTreeError::malformed: return "not a well-formed device tree";
    case DeviceTreeError::too_large: return "the device tree is larger than 1 GiB";
    case DeviceTreeError::misaligned: return "the device tree is not aligned to 8 octets";
    case DeviceTreeError::bad_name: return "a name that a device tree cannot hold";
    case DeviceTreeError::bad_value: return "a string with a zero octet in it";
    case DeviceTreeError::out_of_order: return "device tree parts written out of order";
  }
  return "unknown device tree error";
}

Result<DeviceTree, DeviceTreeError> DeviceTree::open(Bytes blob) {
  if (blob.size() < sizeof(fdt_header)) return fail(DeviceTreeError::malformed);
  if (reinterpret_cast<std::uintptr_t>(blob.data()) % 8 != 0) return fail(DeviceTreeError::misaligned);
  const size_t size = load_be32(blob, offsetof(fdt_header, totalsize));
  if (size > max_device_tree_size) return fail(DeviceTreeError::too_large);
  if (size > blob.size() || size < sizeof(fdt_header)) return fail(DeviceTreeError::malformed);
  // Older versions name nodes by full path and do not say how long the structure is.
  if (load_be32(blob, offsetof(fdt_header, version)) < 17) return fail(DeviceTreeError::malformed);
  if (fdt_check_full(blob.data(), size) != 0) return fail(DeviceTreeError::malformed);
  return DeviceTree(index_of(blob.data()), blob.first(size));
}

DeviceTree::Around DeviceTree::around(Bytes value) const {
  const auto at = static_cast<size_t>(value.data() - blob_.data());
  return {blob_.first(at), blob_.subspan(at + value.size())};
}

std::span<const DeviceTreeNode::Property> DeviceTreeNode::properties() const {
  const samara::u32 first = index_->nodes[at_].properties;
  return std::span(index_->properties).subspan(first, index_->nodes[at_ + 1].properties - first);
}

Result<Bytes, PropertyError> DeviceTreeNode::bytes(std::string_view property) const {
  for (const Property& one : properties()) {
    if (one.name == property) return one.value;
  }
  return fail(PropertyError::missing);
}

Result<samara::u32, PropertyError> DeviceTreeNode::u32(std::string_view property) const {
  const Bytes value = TRY(bytes(property));
  if (value.size() != 4) return fail(PropertyError::wrong_type);
  return load_be32(value);
}

Result<samara::u64, PropertyError> DeviceTreeNode::u64(std::string_view property) const {
  const Bytes value = TRY(bytes(property));
  if (value.size() != 8) return fail(PropertyError::wrong_type);
  return load_be64(value);
}

Result<std::string_view, PropertyError> DeviceTreeNode::string(std::string_view property) const {
  const Bytes value = TRY(bytes(property));
  if (value.empty() || value.back() != 0) return fail(PropertyError::wrong_type);
  const std::string_view text = as_text(value.first(value.size() - 1));
  if (has_zero(text)) return fail(PropertyError::wrong_type);
  return text;
}

Result<std::vector<std::string_view>, PropertyError> DeviceTreeNode::strings(std::string_view property) const {
  const Bytes value = TRY(bytes(property));
  if (value.empty() || value.back() != 0) return fail(PropertyError::wrong_type);
  std::vector<std::string_view> list;
  for (std::string_view text = as_text(value); !text.empty();) {
    const size_t end = text.find('\0');
    list.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return list;
}

std::optional<DeviceTreeNode> DeviceTreeNode::child(std::string_view name) const {
  for (const DeviceTreeNode child : children()) {
    if (child.name() == name || child.name().substr(0, child.name().find('@')) == name) return child;
  }
  return std::nullopt;
}

DeviceTreeWriter::DeviceTreeWriter() : blob_(initial_size) {
  if (fdt_create(blob_.data(), static_cast<int>(blob_.size())) != 0 || fdt_finish_reservemap(blob_.data()) != 0) {
    refuse(DeviceTreeError::misaligned);
  }
}

void DeviceTreeWriter::refuse(DeviceTreeError error) {
  if (!error_) error_ = error;
}

void DeviceTreeWriter::grow(size_t at_least) {
  const size_t wanted = std::max(blob_.size() * 2, blob_.size() + at_least);
  if (blob_.size() == max_device_tree_size || at_least > max_device_tree_size) return refuse(DeviceTreeError::too_large);
  std::vector<u8> larger(std::min(wanted, max_device_tree_size));
  if (fdt_resize(blob_.data(), larger.data(), static_cast<int>(larger.size())) != 0) return refuse(DeviceTreeError::malformed);
  blob_ = std::move(larger);
}

template <class Call>
void DeviceTreeWriter::attempt(size_t extra, Call call) {
  while (!error_) {
    const int status = call();
    if (status == 0) return;
    if (status == -FDT_ERR_NOSPACE) {
      grow(extra);
    } else {
      refuse(DeviceTreeError::out_of_order);
    }
  }
}

void DeviceTreeWriter::begin_node(std::string_view name) {
  const std::optional<CName> c_name = to_c_name(name);
  if (!c_name || name.empty() != (depth_ == 0)) return refuse(DeviceTreeError::bad_name);
  if (root_closed_) return refuse(DeviceTreeError::out_of_order);
  attempt(max_device_tree_name, [&] { return fdt_begin_node(blob_.data(), c_name->c_str()); });
  ++depth_;
  in_head_ = true;
}

void DeviceTreeWriter::end_node() {
  if (depth_ == 0) return refuse(DeviceTreeError::out_of_order);
  attempt(0, [&] { return fdt_end_node(blob_.data()); });
  in_head_ = false;
  root_closed_ = --depth_ == 0;
}

MutableBytes DeviceTreeWriter::property(std::string_view name, size_t size) {
  const std::optional<CName> c_name = to_c_name(name);
  if (!c_name || name.empty()) refuse(DeviceTreeError::bad_name);
  if (!in_head_) refuse(DeviceTreeError::out_of_order);
  if (size > max_device_tree_size) refuse(DeviceTreeError::too_large);
  if (error_) return {};
  void* value = nullptr;
  attempt(size + max_device_tree_name,
          [&] { return fdt_property_placeholder(blob_.data(), c_name->c_str(), static_cast<int>(size), &value); });
  if (error_) return {};
  return {static_cast<u8*>(value), size};
}

void DeviceTreeWriter::u32(std::string_view name, samara::u32 value) {
  if (const MutableBytes at = property(name, 4); !at.empty()) store_be32(at, 0, value);
}

void DeviceTreeWriter::u64(std::string_view name, samara::u64 value) {
  if (const MutableBytes at = property(name, 8); !at.empty()) store_be64(at, 0, value);
}

void DeviceTreeWriter::string(std::string_view name, std::string_view value) {
  strings(name, std::span(&value, 1));
}

void DeviceTreeWriter::strings(std::string_view name, std::span<const std::string_view> values) {
  size_t size = 0;
  for (const std::string_view value : values) {
    if (has_zero(value)) return refuse(DeviceTreeError::bad_value);
    size += value.size() + 1;
  }
  MutableBytes at = property(name, size);
  if (at.empty()) return;
  for (const std::string_view value : values) {
    std::ranges::copy(value, at.begin());
    at[value.size()] = 0;
    at = at.subspan(value.size() + 1);
  }
}

void DeviceTreeWriter::bytes(std::string_view name, Bytes value) {
  const MutableBytes at = property(name, value.size());
  if (!at.empty()) std::ranges::copy(value, at.begin());
}

Result<std::vector<u8>, DeviceTreeError> DeviceTreeWriter::finish() && {
  if (!root_closed_) refuse(DeviceTreeError::out_of_order);
  attempt(16, [&] { return fdt_finish(blob_.data()); });
  if (error_) return fail(*error_);
  blob_.resize(load_be32(blob_, offsetof(fdt_header, totalsize)));
  return std::move(blob_);
}

}  // namespace samara::codec
