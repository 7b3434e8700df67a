#include "zone/lookup.h"

#include "platform/base/panic.h"

namespace samara::zone {
namespace {

// The cut or DNAME that rules over what is at or below `node`.
Lookup governed(const Zone& zone, Ref ref, size_t labels, bool exists) {
  const NodeView node(zone.node(ref));
  return {node.has(node_delegation) ? Finding::delegation : Finding::dname, ref, labels, exists};
}

}  // namespace

Lookup lookup(const Zone& zone, const SearchName& name, size_t apex_labels, bool ds) {
  size_t labels = name.label_count();
  if (const Ref ref = zone.find(name, apex_labels, labels); ref != 0) {
    const NodeView node = zone.node(ref);
    if (!node.has(node_governed | node_delegation)) [[likely]] {
      return {Finding::data, ref, labels, true};
    }
    if (node.has(node_governed)) {
      const size_t cut = apex_labels + node.governing_depth();
      return governed(zone, zone.find(name, apex_labels, cut), cut, true);
    }
    return {ds ? Finding::data : Finding::delegation, ref, labels, true};
  }
  // The closest encloser (RFC 4592 section 3.3.1): all names between the apex and a name exist as nodes.
  Ref encloser_ref = 0;
  do {
    if (labels == apex_labels) panic("zone: the apex is missing");
    encloser_ref = zone.find(name, apex_labels, --labels);
  } while (encloser_ref == 0);
  const NodeView encloser = zone.node(encloser_ref);
  if (encloser.has(node_governed)) {
    const size_t cut = apex_labels + encloser.governing_depth();
    return governed(zone, zone.find(name, apex_labels, cut), cut, false);
  }
  if (encloser.has(node_delegation | node_dname)) return governed(zone, encloser_ref, labels, false);
  if (!encloser.has(node_has_wildcard)) return {Finding::nxdomain, encloser_ref, labels, false};
  SAMARA_UNINITIALIZED const auto wildcard = SearchName::wildcard_below(name, labels);
  if (!wildcard.has_value()) return {Finding::nxdomain, encloser_ref, labels, false};
  const Ref source = zone.find(*wildcard, apex_labels, labels + 1);
  if (source == 0) panic("zone: a wildcard is missing");
  // A wildcard that is a zone cut or owns a DNAME has no defined meaning (RFC 4592 section 4.2, RFC 6672 section 2.4); it is
  // treated as data, as other servers do.
  return {Finding::wildcard, source, labels, false};
}

}  // namespace samara::zone
