#include "zone/zone_set.h"

#include <algorithm>

namespace samara::zone {

std::optional<ZoneMatch> ZoneSet::find(const SearchName& name, bool above) const {
  size_t labels = name.label_count();
  if (above) {
    if (labels == 0) return std::nullopt;
    --labels;
  }
  labels = std::min<size_t>(labels, memory_.word(root_ + deepest_at));
  Ref node = exactly(name, labels);
  while (node == 0 && labels != 0) node = exactly(name, --labels);
  return match_of(node, labels);
}

std::optional<ZoneMatch> ZoneSet::at(const dns::Name& apex) const {
  const SearchName name(apex);
  return match_of(exactly(name, name.label_count()), name.label_count());
}

std::optional<ZoneMatch> ZoneSet::match_of(Ref node, size_t labels) const {
  if (node == 0) return std::nullopt;
  const Ref zone = NodeView(memory_, node).reference(0);
  return ZoneMatch{labels, zone == 0 ? std::nullopt : std::optional(Zone(memory_, zone))};
}

Ref ZoneSet::exactly(const SearchName& name, size_t labels) const {
  const Bytes wanted = name.labels_between(0, labels);
  const NameIndex index(memory_, memory_.word(root_ + index_at));
  const auto same = [&](Ref ref) { return equal_octets(NodeView(memory_, ref).labels(), wanted); };
  if (const auto found = index.find(name.hash(labels), same); found.has_value()) [[likely]] {
    return *found;
  }
  const TrieMatch match = Trie(memory_, memory_.word(root_ + trie_at)).find(LookupKey::of_labels(wanted).symbols());
  return match.exact ? match.node : 0;
}

}  // namespace samara::zone
