#include "zone/zone_set.h"
#include "platform/base/sort.h"

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

namespace {

// Writes the set in the order given, which is the canonical one of the apexes.
Result<ZoneSet, BuildError> write_zone_set(ZoneMemory& memory, Extent extent, std::span<const ZoneSetEntry> entries,
                                           std::span<const size_t> order) {
  ExtentWriter out(memory.region(), extent);
  const auto root = out.take(ZoneSet::fixed_words * 4);
  TrieBuilder apexes(out);
  NameIndexBuilder index;
  size_t deepest = 0;
  for (const size_t i : order) {
    const LookupKey key(entries[i].apex);
    const SearchName name(entries[i].apex);
    const Ref zone = entries[i].zone.has_value() ? entries[i].zone->header() : 0;
    const WrittenSet reference{.ref = zone, .type = 0};
    const Ref node = write_node(out, 0, 0, name.labels_between(0, name.label_count()), key.symbols(), std::span(&reference, 1));
    if (node == 0) break;
    apexes.add(key.symbols(), node);
    index.add(name.hash(name.label_count()), node);
    deepest = std::max(deepest, name.label_count());
  }
  const Twig trie = out.full() ? 0 : apexes.finish();
  const Ref table = out.full() ? 0 : index.finish(out);
  if (!root.has_value() || out.full()) return fail(BuildError::out_of_memory);
  const Extent kept = memory.shrink(extent, out.used());
  out.set_word(*root + ZoneSet::trie_at, trie);
  out.set_word(*root + ZoneSet::index_at, table);
  out.set_word(*root + ZoneSet::deepest_at, static_cast<u32>(deepest));
  out.set_word(*root + ZoneSet::extent_offset_at, static_cast<u32>(kept.offset / 4));
  out.set_word(*root + ZoneSet::extent_size_at, static_cast<u32>(kept.size / 4));
  return ZoneSet(out.view(), *root);
}

}  // namespace

Result<ZoneSet, BuildError> build_zone_set(ZoneMemory& memory, std::span<const ZoneSetEntry> entries) {
  std::vector<size_t> order(entries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  compact_sort(order, [&](size_t a, size_t b) { return dns::canonical_compare(entries[a].apex, entries[b].apex) < 0; });
  // Most apexes take less, in their node, the trie and the index.
  constexpr size_t octets_per_zone = 128;
  return memory.fill(octets_per_zone * (entries.size() + 1),
                     [&](Extent extent) { return write_zone_set(memory, extent, entries, order); });
}

}  // namespace samara::zone
