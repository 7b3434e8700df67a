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
  const LookupKey key(name);
  const TrieMatch match = names().find(key.symbols().subspan(key.prefix_size(top.label_count())));
  if (!match.exact) return std::nullopt;
  return NodeView(memory_, match.node);
}

std::optional<RrsetView> Zone::find(const dns::Name& name, dns::RrType type) const {
  const auto node = find(name);
  if (!node.has_value()) return std::nullopt;
  return node->find(type);
}

dns::Name Zone::owner(const NodeView& node) const {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  const size_t labels = key_to_wire(node.key(), wire);
  const Bytes top = apex_wire();
  std::ranges::copy(top, MutableBytes(wire).subspan(labels, top.size()).begin());
  ByteReader reader(Bytes(wire).first(labels + top.size()));
  return MUST(dns::Name::from_wire(reader));
}

bool Zone::key_less(Ref a, Ref b) const {
  return std::ranges::lexicographical_compare(NodeView(memory_, a).key(), NodeView(memory_, b).key());
}

Ref write_node(ExtentWriter& out, u8 flags, size_t governing_depth, Bytes key, std::span<const Ref> references,
               std::span<const u16> types) {
  if (key.size() > 0x1ff || references.size() > max_rrsets_per_node || governing_depth > 0x7f) panic("node: out of range");
  const auto ref = out.take(4 + 6 * references.size() + key.size());
  if (!ref.has_value()) return 0;
  out.set_word(*ref, u32{flags} | static_cast<u32>(governing_depth) << 8 | static_cast<u32>(key.size()) << 15 |
                         static_cast<u32>(references.size()) << 24);
  const MutableBytes type_octets = out.octets(*ref, 4 + 4 * references.size(), 2 * types.size());
  for (size_t i = 0; i < references.size(); ++i) {
    out.set_word(*ref + 1 + static_cast<Ref>(i), references[i]);
    type_octets[2 * i] = static_cast<u8>(types[i]);
    type_octets[2 * i + 1] = static_cast<u8>(types[i] >> 8);
  }
  std::ranges::copy(key, out.octets(*ref, 4 + 6 * references.size(), key.size()).begin());
  return *ref;
}

}  // namespace samara::zone
