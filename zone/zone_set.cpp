#include "zone/zone_set.h"

#include <algorithm>

namespace samara::zone {

std::optional<ZoneMatch> ZoneSet::find(const LookupKey& key, bool above) const {
  const Trie apexes(memory_, memory_.word(root_));
  size_t labels = key.label_count();
  if (above) {
    if (labels == 0) return std::nullopt;
    --labels;
  }
  const TrieMatch match = apexes.find(key.symbols());
  if (match.node == 0) return std::nullopt;
  // The nearest apex above is found from the deepest name that any apex shares with this one, upwards: one more step for each
  // label that is no apex.
  const NodeView node(memory_, match.node);
  if (node.key().size() == match.common && match.common <= key.prefix_size(labels)) {
    return ZoneMatch{key.labels_within(match.common),
                     node.reference(0) == 0 ? std::nullopt : std::optional(Zone(memory_, node.reference(0)))};
  }
  labels = std::min(labels, key.labels_within(match.common));
  for (;; --labels) {
    const TrieMatch nearer = apexes.find(key.symbols().first(key.prefix_size(labels)));
    if (nearer.exact) {
      const Ref zone = NodeView(memory_, nearer.node).reference(0);
      return ZoneMatch{labels, zone == 0 ? std::nullopt : std::optional(Zone(memory_, zone))};
    }
    if (labels == 0) return std::nullopt;
  }
}

std::optional<ZoneMatch> ZoneSet::at(const dns::Name& apex) const {
  const LookupKey key(apex);
  const TrieMatch match = Trie(memory_, memory_.word(root_)).find(key.symbols());
  if (!match.exact) return std::nullopt;
  const Ref zone = NodeView(memory_, match.node).reference(0);
  return ZoneMatch{key.label_count(), zone == 0 ? std::nullopt : std::optional(Zone(memory_, zone))};
}

Result<ZoneSet, BuildError> build_zone_set(ZoneMemory& memory, std::span<const ZoneSetEntry> entries) {
  const auto extent = memory.take_largest();
  if (!extent.has_value()) return fail(BuildError::out_of_memory);
  ExtentWriter out(memory.region(), *extent);
  const auto root = out.take(12);
  TrieBuilder apexes(out);
  std::vector<size_t> order(entries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](size_t a, size_t b) { return dns::canonical_compare(entries[a].apex, entries[b].apex) < 0; });
  for (const size_t i : order) {
    const LookupKey key(entries[i].apex);
    const Ref zone = entries[i].zone.has_value() ? entries[i].zone->header() : 0;
    const u16 no_type = 0;
    const Ref node = write_node(out, 0, 0, key.symbols(), std::span(&zone, 1), std::span(&no_type, 1));
    if (node == 0) break;
    apexes.add(key.symbols(), node);
  }
  const Twig trie = out.full() ? 0 : apexes.finish();
  if (!root.has_value() || out.full()) {
    memory.give_back(*extent);
    return fail(BuildError::out_of_memory);
  }
  const Extent kept = memory.shrink(*extent, out.used());
  out.set_word(*root, trie);
  out.set_word(*root + 1, static_cast<u32>(kept.offset / 4));
  out.set_word(*root + 2, static_cast<u32>(kept.size / 4));
  return ZoneSet(out.view(), *root);
}

}  // namespace samara::zone
