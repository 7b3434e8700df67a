#include "zone/lookup.h"

#include "platform/base/panic.h"

namespace samara::zone {
namespace {

// The node of the first `labels` labels of `key`, which exists.
Ref ancestor(const Zone& zone, const LookupKey& key, size_t apex_labels, size_t labels) {
  if (labels == apex_labels) return zone.apex_node().ref();
  const size_t base = key.prefix_size(apex_labels);
  const TrieMatch match = zone.names().find(key.symbols().subspan(base, key.prefix_size(labels) - base));
  if (!match.exact) panic("zone: an ancestor is missing");
  return match.node;
}

// The cut or DNAME that rules over what is at or below `node`.
Lookup governed(const Zone& zone, Ref ref, size_t labels, bool exists) {
  const NodeView node(zone.node(ref));
  return {node.has(node_delegation) ? Finding::delegation : Finding::dname, ref, labels, exists};
}

}  // namespace

Lookup lookup(const Zone& zone, const LookupKey& key, size_t apex_labels, bool ds) {
  const size_t base = key.prefix_size(apex_labels);
  const TrieMatch match = zone.names().find(key.symbols().subspan(base));
  if (match.exact) {
    const NodeView node = zone.node(match.node);
    const size_t labels = key.label_count();
    if (!node.has(node_governed | node_delegation)) [[likely]] {
      return {Finding::data, match.node, labels, true};
    }
    if (node.has(node_governed)) {
      const size_t cut = apex_labels + node.governing_depth();
      return governed(zone, ancestor(zone, key, apex_labels, cut), cut, true);
    }
    return {ds ? Finding::data : Finding::delegation, match.node, labels, true};
  }
  // The closest encloser (RFC 4592 section 3.3.1): all names between the apex and a name exist as nodes.
  const size_t labels = key.labels_within(base + match.common);
  const Ref encloser_ref = ancestor(zone, key, apex_labels, labels);
  const NodeView encloser = zone.node(encloser_ref);
  if (encloser.has(node_governed)) {
    const size_t cut = apex_labels + encloser.governing_depth();
    return governed(zone, ancestor(zone, key, apex_labels, cut), cut, false);
  }
  if (encloser.has(node_delegation | node_dname)) return governed(zone, encloser_ref, labels, false);
  if (!encloser.has(node_has_wildcard)) return {Finding::nxdomain, encloser_ref, labels, false};
  constexpr std::array<u8, 1> star{'*'};
  SAMARA_UNINITIALIZED LookupKey wildcard;
  wildcard.assign_prefix(key, labels);
  if (!wildcard.append_label(star)) return {Finding::nxdomain, encloser_ref, labels, false};
  const TrieMatch source = zone.names().find(wildcard.symbols().subspan(base));
  if (!source.exact) panic("zone: a wildcard is missing");
  // A wildcard that is a zone cut or owns a DNAME has no defined meaning (RFC 4592 section 4.2, RFC 6672 section 2.4); it is
  // treated as data, as other servers do.
  return {Finding::wildcard, source.node, labels, false};
}

}  // namespace samara::zone
