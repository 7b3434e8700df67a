// This part of a boot blob is read for all roles alike. Nothing in it is trusted: every value is checked against its range,
// what is not known is refused (an older image must not overlook a newer access list), and what must be unique is.
//
// ServiceReader(root, role, config), begin(), then take() for each child of the root: those it does not take are the role's
// own; end().
#pragma once

#include <algorithm>
#include <compare>
#include <optional>
#include <vector>

#include "platform/base/sort.h"
#include "server/config/node_reader.h"
#include "server/config/service_config.h"

namespace samara::server {

class ServiceReader {
 public:
  ServiceReader(NodeReader root, ServiceConfig& config) : root_(root), config_(config) {}

  // The root's properties and the keys, which everything else may name, wherever they stand.
  Read<void> begin(std::string_view role, std::span<const std::string_view> properties,
                   std::span<const std::string_view> children);
  // False: not one of those that roles share.
  Read<bool> take(const NodeReader& node, std::string_view name);
  Read<void> end() const;

 private:
  Read<void> take_section(const NodeReader& node, std::string_view name);

  NodeReader root_;
  ServiceConfig& config_;
  u32 seen_ = 0;  // sections, by their place in the list of them
};

Read<Peer> read_peer(const NodeReader& node, const std::vector<TsigKey>& keys);
Read<ZoneLimits> read_zone_limits(const NodeReader& node, const ZoneLimits& defaults);
// Adds the peer in `node` to `list`.
Read<void> add_peer(const NodeReader& node, const std::vector<TsigKey>& keys, PeerList& list);
// These read a zone's or a catalog's own settings, from its properties (begin_overrides) and one of its children; false: not
// one of those.
Read<void> begin_overrides(const NodeReader& node, ZoneOverrides& overrides);
Read<bool> take_override(const NodeReader& child, std::string_view name, const std::vector<TsigKey>& keys,
                         ZoneOverrides& overrides);

// The places of `items` in the order of their names, those of one name one behind the other as they stand.
template <class Named>
std::vector<u32> order_by_name(const std::vector<Named>& items) {
  std::vector<u32> order(items.size());
  for (u32 i = 0; i < order.size(); ++i) order[i] = i;
  compact_sort(order, [&](u32 a, u32 b) {
    const std::strong_ordering names = dns::canonical_compare(items[a].name, items[b].name);
    return names == 0 ? a < b : names < 0;
  });
  return order;
}
// True when two have one name, given their order.
template <class Named>
bool any_twice(const std::vector<Named>& items, const std::vector<u32>& order) {
  for (size_t i = 1; i < order.size(); ++i) {
    if (items[order[i - 1]].name == items[order[i]].name) return true;
  }
  return false;
}
template <class Named>
bool has_name(const std::vector<Named>& items, const std::vector<u32>& order, const dns::Name& name) {
  const auto at = std::ranges::lower_bound(
      order, name, [](const dns::Name& a, const dns::Name& b) { return dns::canonical_compare(a, b) < 0; },
      [&](u32 i) -> const dns::Name& { return items[i].name; });
  return at != order.end() && items[*at].name == name;
}

}  // namespace samara::server
