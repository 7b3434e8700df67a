// This part writes sets of zones (zone_set.h): whole ones, and those that differ in a few zones from the one before.
#include <algorithm>

#include "platform/base/heap_room.h"
#include "platform/base/sort.h"
#include "zone/zone_set.h"

namespace samara::zone {

bool ZoneSet::is_index_full() const {
  const NameIndex index(memory_, memory_.word(root_ + index_at));
  return 4 * index.taken() > 3 * index.slots();
}

namespace {

Ref write_apex(ExtentWriter& out, const ZoneSetEntry& entry, const SearchName& name, Bytes symbols) {
  const WrittenSet zone{.ref = entry.zone.has_value() ? entry.zone->header() : 0, .type = 0};
  return write_node(out, 0, 0, name.labels_between(0, name.label_count()), symbols, std::span(&zone, 1));
}

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
    const Ref node = write_apex(out, entries[i], name, key.symbols());
    if (node == 0) break;
    apexes.add(key.symbols(), node);
    if (!index.add(name.hash(name.label_count()), node)) return fail(BuildError::no_heap);
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

ZoneSetEditor::ZoneSetEditor(Growth& growth, const ZoneSet& base)
    : out_(growth.writer()),
      base_(base),
      apexes_(growth, base.memory_.word(base.root_ + ZoneSet::trie_at)),
      index_(growth, base.memory_.word(base.root_ + ZoneSet::index_at)),
      deepest_(base.memory_.word(base.root_ + ZoneSet::deepest_at)) {}

bool ZoneSetEditor::set(const ZoneSetEntry& entry) {
  const LookupKey key(entry.apex);
  const SearchName name(entry.apex);
  const u64 hash = name.hash(name.label_count());
  const TrieMatch before = apexes_.trie().find(key.symbols());
  const Ref node = write_apex(out_, entry, name, key.symbols());
  if (node == 0) return false;
  deepest_ = std::max(deepest_, static_cast<u32>(name.label_count()));
  const bool is_listed = before.exact ? index_.replace(hash, before.node, node) : index_.add(hash, node);
  return is_listed && apexes_.set(key.symbols(), node);
}

bool ZoneSetEditor::remove(const dns::Name& apex) {
  const LookupKey key(apex);
  const SearchName name(apex);
  const TrieMatch before = apexes_.trie().find(key.symbols());
  if (!before.exact) return true;
  return index_.remove(name.hash(name.label_count()), before.node) && apexes_.remove(key.symbols());
}

std::optional<ZoneSet> ZoneSetEditor::finish() {
  const auto root = out_.take(ZoneSet::fixed_words * 4);
  if (!root.has_value()) return std::nullopt;
  out_.set_word(*root + ZoneSet::trie_at, apexes_.root());
  out_.set_word(*root + ZoneSet::index_at, index_.index());
  out_.set_word(*root + ZoneSet::deepest_at, deepest_);
  for (const Ref word : {ZoneSet::extent_offset_at, ZoneSet::extent_size_at}) {
    out_.set_word(*root + word, base_.memory_.word(base_.root_ + word));
  }
  return ZoneSet(out_.view(), *root);
}

Result<ZoneSet, BuildError> build_zone_set(ZoneMemory& memory, std::span<const ZoneSetEntry> entries) {
  std::vector<size_t> order;
  if (!make_room(order, entries.size())) return fail(BuildError::no_heap);
  order.resize(entries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  compact_sort(order, [&](size_t a, size_t b) { return dns::canonical_compare(entries[a].apex, entries[b].apex) < 0; });
  return memory.fill(octets_per_zone_in_set * (entries.size() + 1),
                     [&](Extent extent) { return write_zone_set(memory, extent, entries, order); });
}

}  // namespace samara::zone
