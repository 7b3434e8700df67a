#include "zone/zone.h"

#include <algorithm>

#include "platform/base/panic.h"

namespace samara::zone {

dns::Name Zone::apex() const {
  ByteReader reader(apex_wire());
  return MUST(dns::Name::from_wire(reader));
}

std::optional<RecordView> Zone::nsec3_parameters() const {
  if (memory_.word(header_ + served_nsec3_root_at) == 0) return std::nullopt;
  std::optional<RecordView> found;
  u32 place = memory_.word(header_ + nsec3_parameters_at);
  const auto set = apex_node().find(dns::RrType::NSEC3PARAM);
  if (!set.has_value()) return std::nullopt;
  if (place == 0) return set->first();
  set->for_each_record([&](RecordView record) {
    if (place-- == 0) found = record;
  });
  return found;
}

std::optional<NodeView> Zone::find(const dns::Name& name) const {
  const dns::Name top = apex();
  if (!name.is_at_or_below(top)) return std::nullopt;
  const SearchName wanted(name);
  const Ref found = find(wanted, top.label_count(), wanted.label_count());
  if (found == 0) return std::nullopt;
  return node(found);
}

Ref Zone::find(const SearchName& name, size_t apex_labels, size_t labels) const {
  if (labels == apex_labels) return memory_.word(header_ + apex_node_at);  // which is not in the index
  const Bytes wanted = name.labels_between(apex_labels, labels);
  const auto found = index().find(name.hash(labels), [&](Ref ref) { return equal_octets(node(ref).labels(), wanted); });
  if (found.has_value()) [[likely]]
    return *found;
  const TrieMatch match = names().find(LookupKey::of_labels(wanted).symbols());
  return match.exact ? match.node : 0;
}

Ref Zone::find_nsec3(const SearchName& name, size_t apex_labels) const {
  const Trie hashes(memory_, memory_.word(header_ + nsec3_root_at));
  if (hashes.empty()) return 0;
  const Bytes labels = name.labels_between(apex_labels, name.label_count());
  const TrieMatch match = hashes.find(LookupKey::of_labels(labels).symbols());
  return match.exact ? match.node : 0;
}

std::optional<RrsetView> Zone::find(const dns::Name& name, dns::RrType type) const {
  const auto node = find(name);
  if (!node.has_value()) return std::nullopt;
  return node->find(type);
}

dns::Name Zone::owner(const NodeView& node) const {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  const Bytes labels = node.labels();
  const Bytes top = apex_wire();
  std::ranges::copy(labels, wire.begin());
  std::ranges::copy(top, MutableBytes(wire).subspan(labels.size(), top.size()).begin());
  ByteReader reader(Bytes(wire).first(labels.size() + top.size()));
  return MUST(dns::Name::from_wire(reader));
}

bool Zone::key_less(Ref a, Ref b) const {
  return std::ranges::lexicographical_compare(NodeView(memory_, a).key(), NodeView(memory_, b).key());
}

std::optional<RrsetView> NodeView::find_among_many(dns::RrType type) const {
  size_t first = 0;
  size_t last = rrset_count();
  while (first < last) {
    const size_t middle = first + (last - first) / 2;
    if (rrset_type(middle) < type) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first < rrset_count() && rrset_type(first) == type ? std::optional(rrset(first)) : std::nullopt;
}

Ref write_node(ExtentWriter& out, u8 flags, size_t governing_depth, Bytes labels, Bytes key, std::span<const WrittenSet> sets) {
  const bool fits = key.size() >= labels.size() && key.size() - labels.size() <= 0xff && labels.size() <= 0xff;
  if (!fits || sets.size() > max_rrsets_per_node || governing_depth > 0x7f) panic("node: out of range");
  const auto ref = out.take(6 + 6 * sets.size() + labels.size() + key.size());
  if (!ref.has_value()) return 0;
  out.set_word(*ref, u32{flags} | static_cast<u32>(governing_depth) << 8 | static_cast<u32>(sets.size()) << 15);
  const MutableBytes type_octets = out.octets(*ref, 4 + 4 * sets.size(), 2 * sets.size());
  for (size_t i = 0; i < sets.size(); ++i) {
    out.set_word(*ref + 1 + static_cast<Ref>(i), sets[i].ref);
    type_octets[2 * i] = static_cast<u8>(sets[i].type);
    type_octets[2 * i + 1] = static_cast<u8>(sets[i].type >> 8);
  }
  const size_t labels_at = 6 + 6 * sets.size();
  const MutableBytes sizes = out.octets(*ref, labels_at - 2, 2);
  sizes[0] = static_cast<u8>(labels.size());
  sizes[1] = static_cast<u8>(key.size() - labels.size());
  std::ranges::copy(labels, out.octets(*ref, labels_at, labels.size()).begin());
  std::ranges::copy(key, out.octets(*ref, labels_at + labels.size(), key.size()).begin());
  return *ref;
}

void set_node_flags(ExtentWriter& out, Ref node, u8 flags, size_t governing_depth) {
  constexpr u32 others = ~u32{0x7fff};
  out.set_word(node, (out.word(node) & others) | flags | static_cast<u32>(governing_depth) << 8);
}

}  // namespace samara::zone
