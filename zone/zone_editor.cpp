#include "zone/zone_editor.h"

#include <algorithm>

#include "dns-core/dnssec/nsec3.h"
#include "platform/base/heap_room.h"
#include "platform/base/panic.h"

namespace samara::zone {
namespace {

// RFC 5155 section 7.2.8 and RFC 4035 section 3.1.3: only authoritative names take part in the chain.
bool in_nsec(const NodeView& node) {
  return !node.has(node_governed) && node.find(dns::RrType::NSEC).has_value();
}

}  // namespace

OwnerName::OwnerName(Bytes symbols) : key(symbols) {  // NOLINT: of the arrays what is used is written
  wire_size = key_to_wire(key, wire);
  ends[0] = 0;
  for (size_t i = 0; i < key.size(); ++i) {
    if (key[i] == 0) ends[++depth] = static_cast<u16>(i + 1);
  }
  starts[0] = static_cast<u8>(wire_size);
  size_t at = 0;
  for (size_t labels = depth; labels > 0; --labels) {
    starts[labels] = static_cast<u8>(at);
    at += size_t{1} + wire[at];
  }
}

dns::Name OwnerName::absolute(const dns::Name& apex) const {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> whole;
  std::copy_n(wire.begin(), wire_size, whole.begin());
  std::ranges::copy(apex.wire(), MutableBytes(whole).subspan(wire_size, apex.size()).begin());
  ByteReader reader(Bytes(whole).first(wire_size + apex.size()));
  return MUST(dns::Name::from_wire(reader));
}

ZoneEditor::ZoneEditor(Growth& growth, const Zone& base)
    : growth_(growth),
      out_(growth.writer()),
      base_(base),
      apex_(base.apex()),
      words_(header_words(base)),
      names_(growth, words_[Zone::root_at]),
      nsec_(growth, words_[Zone::nsec_root_at]),
      nsec3_(growth, words_[Zone::nsec3_root_at]),
      index_(growth, words_[Zone::index_at]) {}

Ref ZoneEditor::exact(const TrieEditor& trie, Bytes key) {
  const TrieMatch match = trie.trie().find(key);
  return match.exact ? match.node : 0;
}

ZoneEditor::Governor ZoneEditor::governor_below(const NodeView& node, size_t depth) {
  if (node.has(node_governed)) return governor_of(node);
  if (node.has(node_delegation | node_dname)) return {true, depth};
  return {};
}

std::pair<Ref, size_t> ZoneEditor::encloser_of(const OwnerName& owner) const {
  size_t depth = owner.depth;
  while (depth > 0) {
    const Ref found = node(owner.prefix(--depth));
    if (found != 0) return {found, depth};
  }
  return {0, 0};
}

bool ZoneEditor::has_names_below(Bytes key) const {
  const Twig twig = names_.trie().below(key);
  return is_branch(twig);  // the name's own node and another
}

bool ZoneEditor::put(const OwnerName& owner, std::span<const WrittenSet> sets, Ref nsec3, u8 flags) {
  return put_nsec3_node(owner, nsec3, flags) && put_names_node(owner, sets, flags);
}

bool ZoneEditor::put_nsec3_node(const OwnerName& owner, Ref nsec3, u8 flags) {
  const Ref before = nsec3_node(owner.key);
  if (before == 0 && nsec3 == 0) return true;
  if (before != 0 && nsec3 == view(before).reference(0) && flags == view(before).flags()) return true;
  if (nsec3 == 0) {
    if (!make_room(changed_nsec3_, 1)) return false;
    changed_nsec3_.push_back({before, 0});
    --words_[Zone::nodes_at];
    return nsec3_.remove(owner.key);
  }
  const WrittenSet set{nsec3, dns::code(dns::RrType::NSEC3)};
  const Ref now = write(owner, owner.depth, flags, {}, std::span(&set, 1));
  if (now == 0) return false;
  if (before == 0) ++words_[Zone::nodes_at];
  if (!make_room(changed_nsec3_, 1)) return false;
  changed_nsec3_.push_back({before, now});
  return nsec3_.set(owner.key, now);
}

bool ZoneEditor::put_names_node(const OwnerName& owner, std::span<const WrittenSet> sets, u8 flags) {
  const Ref before = node(owner.key);
  if (before == 0) {
    if (sets.empty()) return true;
    const auto [encloser, depth] = encloser_of(owner);
    const Governor governor = governor_below(view(encloser), depth);
    const Ref now = write(owner, owner.depth, flags, governor, sets);
    return now != 0 && insert(owner, now, governor, encloser, depth);
  }
  const NodeView old = view(before);
  if (sets.empty() && old.empty()) return true;
  if (sets.empty() && owner.depth != 0 && !has_names_below(owner.key)) return remove(owner, before);
  const Governor governor = governor_of(old);
  const u8 kept = old.flags() & node_has_wildcard;
  const Governor below = governor_below(old, owner.depth);
  const Ref now = write(owner, owner.depth, sets.empty() ? kept : flags | kept, governor, sets);
  if (now == 0 || !link(owner.key, owner.depth, before, in_nsec(old), now)) return false;
  return governor_below(view(now), owner.depth) == below || govern_below(owner, view(now));
}

Ref ZoneEditor::write(const OwnerName& owner, size_t depth, u8 flags, Governor governor, std::span<const WrittenSet> sets) {
  return write_node(out_, flags | (governor.governed ? node_governed : u8{0}), governor.depth, owner.labels_at(depth),
                    owner.prefix(depth), sets);
}

// The names between a new one and its encloser exist from now on, without data.
bool ZoneEditor::insert(const OwnerName& owner, Ref node, Governor governor, Ref encloser, size_t encloser_depth) {
  for (size_t depth = owner.depth;; --depth) {
    if (!link(owner.prefix(depth), depth, 0, false, node)) return false;
    ++words_[Zone::nodes_at];
    // A wildcard may be an empty non-terminal too: it still makes its parent answer for what is not there.
    const u8 wildcard = is_wildcard_key(owner.prefix(depth)) ? node_has_wildcard : u8{0};
    if (depth == encloser_depth + 1) {
      const NodeView above = view(encloser);
      if (wildcard == 0 || above.has(wildcard)) return true;
      return set_flags(owner.prefix(encloser_depth), encloser_depth, encloser, above.flags() | wildcard, governor_of(above));
    }
    node = write(owner, depth - 1, wildcard, governor, {});
    if (node == 0) return false;
  }
}

// Empty non-terminals that have nothing below any more cease to exist with the name.
bool ZoneEditor::remove(const OwnerName& owner, Ref gone) {
  for (size_t depth = owner.depth;; --depth) {
    const Bytes key = owner.prefix(depth);
    if (!names_.remove(key) || !index_.remove(hash_of(view(gone)), gone)) return false;
    if (in_nsec(view(gone)) && !nsec_.remove(key)) return false;
    --words_[Zone::nodes_at];
    const Bytes above_key = owner.prefix(depth - 1);
    const Ref above_ref = node(above_key);
    const NodeView above = view(above_ref);
    if (depth == 1 || !above.empty() || has_names_below(above_key)) {
      if (!is_wildcard_key(key)) return true;
      return set_flags(above_key, depth - 1, above_ref, above.flags() & static_cast<u8>(~node_has_wildcard),
                       governor_of(above));
    }
    gone = above_ref;
  }
}

bool ZoneEditor::govern_below(const OwnerName& owner, const NodeView& node) {
  struct Other {
    Ref node;
    size_t depth;
    Governor governor;
  };
  std::vector<Other> others;
  Governor governor = governor_below(node, owner.depth);
  // With nothing at the owner, there may be cuts and DNAMEs below it that govern for themselves now: each what has its key in
  // front.
  const bool from_above = governor.governed;
  Bytes governing_key;
  TrieCursor cursor(out_.view(), names_.trie().below(owner.key));
  for (Ref ref = cursor.next(); ref != 0; ref = cursor.next()) {
    const NodeView name = view(ref);
    const Bytes key = name.key();
    if (key.size() == owner.key.size()) continue;
    if (!from_above && governor.governed) {
      const size_t size = governing_key.size();
      if (key.size() <= size || !equal_octets(key.first(size), governing_key)) governor = {};
    }
    const size_t depth = static_cast<size_t>(std::ranges::count(key, u8{0}));
    if (governor_of(name) != governor) {
      if (!make_room(others, 1)) return false;
      others.push_back({ref, depth, governor});
    }
    if (!governor.governed && name.has(node_delegation | node_dname)) {
      governor = {true, depth};
      governing_key = key;
    }
  }
  return std::ranges::all_of(others, [this](const Other& other) {
    const NodeView name = view(other.node);
    return set_flags(name.key(), other.depth, other.node, name.flags(), other.governor);
  });
}

bool ZoneEditor::set_flags(Bytes key, size_t depth, Ref node, u8 flags, Governor governor) {
  const bool was_in_nsec = in_nsec(view(node));
  Ref now = node;
  if (!growth_.fresh(node)) {
    const size_t size = view(node).size();
    const auto copy = out_.take(size);
    if (!copy.has_value()) return false;
    std::ranges::copy(out_.view().octets(node, 0, size), out_.octets(*copy, 0, size).begin());
    now = *copy;
  }
  const u8 placed = (flags & static_cast<u8>(~node_governed)) | (governor.governed ? node_governed : u8{0});
  set_node_flags(out_, now, placed, governor.depth);
  return link(key, depth, node, was_in_nsec, now);
}

// Puts `node` where `before` (0: nothing) was.
bool ZoneEditor::link(Bytes key, size_t depth, Ref before, bool was_in_nsec, Ref node) {
  if (in_nsec(view(node))) {
    if (!nsec_.set(key, node)) return false;
  } else if (was_in_nsec && !nsec_.remove(key)) {
    return false;
  }
  if (node == before) return true;
  if (!names_.set(key, node)) return false;
  if (depth == 0) {
    words_[Zone::apex_node_at] = node;  // which is not in the index
    return true;
  }
  const u64 hash = hash_of(view(node));
  return before == 0 ? index_.add(hash, node) : index_.replace(hash, before, node);
}

u64 ZoneEditor::hash_of(const NodeView& node) const {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  const Bytes labels = node.labels();
  std::ranges::copy(labels, wire.begin());
  std::ranges::copy(apex_.wire(), MutableBytes(wire).subspan(labels.size(), apex_.size()).begin());
  const SearchName name(Bytes(wire).first(labels.size() + apex_.size()));
  return name.hash(name.label_count());
}

Result<void, BuildError> ZoneEditor::finish(bool soa_changed, bool parameters_changed) {
  words_[Zone::root_at] = names_.root();
  words_[Zone::nsec_root_at] = nsec_.root();
  words_[Zone::nsec3_root_at] = nsec3_.root();
  words_[Zone::index_at] = index_.index();
  if (soa_changed) TRY(set_soa(out_, apex_, view(words_[Zone::apex_node_at]), words_));
  if (!finish_nsec3(parameters_changed) || out_.full()) return fail(BuildError::out_of_memory);
  return {};
}

bool ZoneEditor::finish_nsec3(bool parameters_changed) {
  if (changed_nsec3_.empty() && !parameters_changed) return true;
  const MemoryView memory = out_.view();
  const Twig all_before = base_.memory().word(base_.header() + Zone::nsec3_root_at);
  const NodeView apex_node = view(words_[Zone::apex_node_at]);
  const auto before = choose_nsec3_parameters(memory, apex_, base_.apex_node(), all_before);
  const auto now = choose_nsec3_parameters(memory, apex_, apex_node, nsec3_.root());
  Twig& served = words_[Zone::served_nsec3_root_at];
  words_[Zone::nsec3_parameters_at] = 0;
  if (!now.has_value()) {
    served = 0;
    return true;
  }
  const auto in_chain = [&](Ref ref) { return ref != 0 && in_nsec3_chain(view(ref), now->parameters); };
  if (!before.has_value() || !dns::same_chain(before->parameters, now->parameters)) {
    Pace pace;
    const auto chain = choose_nsec3_chain(out_, apex_, apex_node, nsec3_.root(), pace);
    served = chain.has_value() ? chain->root : 0;
  } else if (served == all_before && std::ranges::all_of(changed_nsec3_, [&](const ChangedNsec3& changed) {
               return changed.now == 0 || in_chain(changed.now);
             })) {
    served = nsec3_.root();
  } else {
    TrieEditor editor(growth_, served);
    for (const auto& [old, changed] : changed_nsec3_) {
      const Bytes key = view(old != 0 ? old : changed).key();
      if (!(in_chain(changed) ? editor.set(key, changed) : editor.remove(key))) return false;
    }
    served = editor.root();
  }
  if (served != 0) words_[Zone::nsec3_parameters_at] = now->place;
  return true;
}

}  // namespace samara::zone
