#include "zone/builder.h"

#include <algorithm>
#include <array>

#include "dns-core/rdata/rdata.h"
#include "dns-core/rdata/rdata_text.h"
#include "platform/base/heap_room.h"
#include "platform/base/panic.h"
#include "platform/base/sort.h"
#include "zone/header.h"
#include "zone/nsec3_chain.h"

namespace samara::zone {
namespace {

using dns::RrType;

constexpr size_t prefix_symbols = 10;
constexpr unsigned symbol_bits = 6;
static_assert((1U << symbol_bits) >= symbol_count);

u64 key_prefix(Bytes symbols) {
  u64 prefix = 0;
  const size_t count = std::min(symbols.size(), prefix_symbols);
  for (size_t i = 0; i < count; ++i) prefix = prefix << symbol_bits | symbols[i];
  return prefix << symbol_bits * (prefix_symbols - count);
}

}  // namespace

struct ZoneBuilder::Ancestry {
  Ancestry(ExtentWriter& out, size_t expected_sets) : names(out), nsec(out), nsec3(out), sets(out, expected_sets) {}
  TrieBuilder names;
  TrieBuilder nsec;
  TrieBuilder nsec3;
  RrsetWriter sets;
  // The nodes on the way from the apex to the last name, by depth below the apex.
  std::array<Ref, dns::max_labels + 1> nodes{};
  std::array<u64, dns::max_labels + 1> hashes{};  // of the same (search_name.h)
  NameIndexBuilder index;
  std::array<u8, max_key_size> last_key{};
  size_t last_size = 0;
  size_t last_depth = 0;
  // The zone cut or DNAME whose subtree we are in, if any.
  bool governed = false;
  std::array<u8, max_key_size> governing_key{};
  size_t governing_size = 0;
  size_t governing_depth = 0;
  Ref apex_node = 0;
};

ZoneBuilder::ZoneBuilder(ZoneMemory& memory, const dns::Name& apex, size_t expected_octets, Diagnostics* copied,
                         const SizeLimits& limits)
    : memory_(memory),
      apex_(apex),
      copied_(copied),
      limits_(limits),
      apex_key_size_(LookupKey(apex).size()),
      staged_(expected_octets + expected_octets / 2),
      expected_sets_(expected_octets / 32) {
  entries_.reserve(expected_octets / 32);
}

ZoneBuilder::ZoneBuilder(ZoneMemory& memory, const dns::Name& apex, Diagnostics& copied, const SizeLimits& limits)
    : memory_(memory),
      apex_(apex),
      copied_(&copied),
      limits_(limits),
      apex_key_size_(LookupKey(apex).size()),
      staged_(memory),
      expected_sets_(0) {}

Result<void, BuildError> ZoneBuilder::stage_key(const dns::Name& owner) {
  owner_key_.assign(owner.wire());
  const Bytes symbols = owner_key_.symbols().subspan(apex_key_size_);
  const Bytes labels = owner.wire().first(owner.size() - apex_.size());
  const auto place = staged_.take(3 + symbols.size() + labels.size());
  if (!place.has_value()) return fail(BuildError::out_of_memory);
  const MutableBytes key = staged_.at(*place);
  key[0] = static_cast<u8>(symbols.size());
  key[1] = static_cast<u8>(symbols.size() >> 8);
  key[2] = static_cast<u8>(labels.size());
  std::ranges::copy(symbols, key.subspan(3).begin());
  dns::copy_lowered(labels, key.subspan(3 + symbols.size(), labels.size()));
  last_owner_ = owner;
  last_key_at_ = *place;
  any_ = true;
  return {};
}

Result<void, BuildError> ZoneBuilder::add(const dns::Name& owner, RrType type, dns::Ttl ttl, Bytes rdata) {
  TRY(check_record(owner, type, rdata));
  if (!any_ || !(owner == last_owner_)) {
    if (!owner.is_at_or_below(apex_)) return fail(BuildError::out_of_zone);
    TRY(stage_key(owner));
  }
  const size_t link = staged_.in_zone_memory() ? link_size : 0;
  const auto place = staged_.take(link + dns::record_fixed_size + rdata.size());
  if (!place.has_value()) return fail(BuildError::out_of_memory);
  const MutableBytes piece = staged_.at(*place);
  ByteWriter image(piece, link);
  dns::write_record_fields(type, ttl, rdata.size(), image);
  image.bytes(rdata);
  ++records_staged_;
  if (link != 0) {
    store_le32(piece, 0, last_record_at_);
    store_le32(piece, 4, last_key_at_);
    last_record_at_ = *place;
    return {};
  }
  entries_.push_back({0, last_key_at_, *place});
  entries_.back().prefix = key_prefix(key_of(entries_.back()));
  return {};
}

// Of records in zone memory, from the last one back. False: the heap has no room for them.
bool ZoneBuilder::make_entries() {
  if (!staged_.in_zone_memory()) return true;
  entries_.clear();
  if (!make_room(entries_, records_staged_)) return false;
  entries_.resize(records_staged_);
  u32 at = last_record_at_;
  for (size_t left = records_staged_; left > 0; --left) {
    const Bytes piece = staged_.at(at);
    Entry& entry = entries_[left - 1];
    entry = {0, load_le32(piece, 4), at + static_cast<u32>(link_size / 4)};
    entry.prefix = key_prefix(key_of(entry));
    at = load_le32(piece, 0);
  }
  return true;
}

dns::Name ZoneBuilder::error_owner() const {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  const size_t labels = key_to_wire(Bytes(last_written_key_).first(last_written_size_), wire);
  std::ranges::copy(apex_.wire(), MutableBytes(wire).subspan(labels).begin());
  ByteReader reader(Bytes(wire).first(labels + apex_.size()));
  return MUST(dns::Name::from_wire(reader));
}

Bytes ZoneBuilder::key_of(const Entry& entry) const {
  const Bytes at = staged_.at(entry.key_at);
  return at.subspan(3, static_cast<size_t>(at[0] | at[1] << 8));
}

Bytes ZoneBuilder::labels_of(const Entry& entry) const {
  const Bytes at = staged_.at(entry.key_at);
  return at.subspan(3 + static_cast<size_t>(at[0] | at[1] << 8), at[2]);
}

bool ZoneBuilder::key_before(const Entry& a, const Entry& b) const {
  return a.key_at != b.key_at && std::ranges::lexicographical_compare(key_of(a), key_of(b));
}

RecordView ZoneBuilder::record_of(const Entry& entry) const {
  const Bytes at = staged_.at(entry.record_at);
  return RecordView(at.first(dns::ownerless_image_size(at)));
}

void ZoneBuilder::sort_entries(Pace& pace) {
  const auto before = [this, &pace](const Entry& a, const Entry& b) {
    pace.step();
    return a.prefix != b.prefix ? a.prefix < b.prefix : key_before(a, b);
  };
  if (!std::ranges::is_sorted(entries_, before)) std::ranges::sort(entries_, before);
}

Result<Zone, BuildError> ZoneBuilder::finish(const Pause& pause) {
  Pace pace(pause);
  if (!make_entries()) return fail(BuildError::no_heap);
  sort_entries(pace);
  // Most zones take less: the staged names come twice, in tries, nodes and an index.
  constexpr size_t octets_per_record = 64;
  const size_t expected = 2 * staged_.used() + octets_per_record * entries_.size();
  const auto write = [this, &pace](Extent extent) { return write_into(extent, pace); };
  return pause.call == nullptr ? memory_.fill(expected, write) : memory_.fill_beside_others(expected, write);
}

Result<Zone, BuildError> ZoneBuilder::write_into(Extent extent, Pace& pace) {
  records_written_ = nodes_written_ = duplicates_ = 0;
  octets_written_ = 0;
  large_sets_ = {};
  ExtentWriter out(memory_.region(), extent);
  Ancestry ancestry(out, expected_sets_);
  const SearchName apex(apex_);
  ancestry.hashes[0] = apex.hash(apex.label_count());
  if (!ancestry.index.reserve(entries_.size())) return fail(BuildError::no_heap);
  const std::span<Entry> all(entries_);
  for (size_t start = 0; start < all.size();) {
    if (start + 16 < all.size()) __builtin_prefetch(&staged_.at(all[start + 16].key_at).front());
    const Bytes key = key_of(all[start]);
    size_t end = start + 1;
    while (end < all.size() && all[end].prefix == all[start].prefix && equal_octets(key_of(all[end]), key)) ++end;
    TRY(write_owner(out, all.subspan(start, end - start), ancestry));
    pace.step(static_cast<u32>(end - start));
    start = end;
  }
  return write_zone(out, ancestry, extent, pace);
}

Result<void, BuildError> ZoneBuilder::write_owner(ExtentWriter& out, std::span<Entry> records, Ancestry& ancestry) {
  const Bytes key = key_of(records.front());
  const Bytes labels = labels_of(records.front());
  const size_t depth = static_cast<size_t>(std::ranges::count(key, u8{0}));
  std::ranges::copy(key, last_written_key_.begin());
  last_written_size_ = key.size();
  const size_t owner_size = labels.size() + apex_.size();

  // RRsets in order of type, signatures behind the set they cover, canonical order inside.
  if (records.size() > 1) {
    compact_sort(records, [this](const Entry& a, const Entry& b) {
      const RecordView x = record_of(a);
      const RecordView y = record_of(b);
      if (set_type(x) != set_type(y)) return set_type(x) < set_type(y);
      if (x.type() != y.type()) return y.type() == RrType::RRSIG;
      const auto order = dns::canonical_compare_rdata(x.type(), x.rdata(), y.rdata());
      return order != 0 ? order < 0 : a.record_at < b.record_at;
    });
  }
  owner_records_.clear();
  if (!make_room(owner_records_, records.size())) return fail(BuildError::no_heap);
  for (const Entry& entry : records) owner_records_.push_back(record_of(entry));
  const std::span<const RecordView> ordered(owner_records_);
  written_.clear();
  u8 flags = 0;
  WrittenSet nsec3{0, 0};
  for (size_t start = 0; start < ordered.size();) {
    const RrType type = set_type(ordered[start]);
    size_t data_end = start;
    // Signatures are never data, not even those that claim to cover signatures (RFC 4035 section 2.2 forbids them).
    while (data_end < ordered.size() && ordered[data_end].type() == type && type != RrType::RRSIG) ++data_end;
    size_t end = data_end;
    while (end < ordered.size() && set_type(ordered[end]) == type) ++end;
    Ref signatures = 0;
    if (end > data_end) {
      signatures = TRY(write_rrset(ancestry, ordered.subspan(data_end, end - data_end), owner_size, 0));
      flags |= node_has_signatures;
    }
    if (data_end == start) {  // signatures of a set that is not there: kept as a set of their own
      written_.push_back({signatures, dns::code(RrType::RRSIG)});
    } else {
      const WrittenSet set{TRY(write_rrset(ancestry, ordered.subspan(start, data_end - start), owner_size, signatures)),
                           dns::code(type)};
      if (type == RrType::NSEC3) {
        nsec3 = set;
      } else {
        written_.push_back(set);
      }
      flags |= flags_of_set(type, depth);
    }
    start = end;
  }
  if (records_written_ > limits_.records) return fail(BuildError::zone_over_records);
  if (octets_written_ > limits_.octets) return fail(BuildError::zone_over_octets);
  if (written_.size() > limits_.name_types) return fail(BuildError::too_many_rrsets);
  compact_sort(written_, [](const WrittenSet& a, const WrittenSet& b) { return a.type < b.type; });
  TRY(check_together(out.view(), written_, depth));
  if (const auto broken = broken_rule(out.view(), written_, depth); broken.has_value()) {
    if (copied_ == nullptr) return fail(*broken);
    warn_of(*broken, error_owner(), *copied_);
  }

  if (nsec3.ref != 0) {
    const Ref node = write_node(out, flags, 0, labels, key, std::span(&nsec3, 1));
    if (node == 0) return fail(BuildError::out_of_memory);
    ancestry.nsec3.add(key, node);
    ++nodes_written_;
    if (written_.empty()) return {};
  }

  // Are we still below the last cut or DNAME?
  if (ancestry.governed) {
    const Bytes above = Bytes(ancestry.governing_key).first(ancestry.governing_size);
    ancestry.governed = key.size() > above.size() && std::ranges::equal(key.first(above.size()), above);
  }
  // RFC 4592 section 2.2.2: names between this one and those before it exist, without data.
  const Bytes last = Bytes(ancestry.last_key).first(ancestry.last_size);
  size_t shared_depth = 0;
  size_t ends_at = 0;  // symbols of the ancestor at shared_depth
  for (size_t i = 0; i < std::min(last.size(), key.size()) && last[i] == key[i]; ++i) {
    if (key[i] != 0) continue;
    ++shared_depth;
    ends_at = i + 1;
  }
  const u8 governed = ancestry.governed ? node_governed : u8{0};
  const bool apex_missing = ancestry.apex_node == 0 && depth != 0;
  if (apex_missing) return fail(BuildError::no_soa);
  // A wildcard may be an empty non-terminal too: it still makes its parent answer for what is not there.
  const auto tell_parent_of_wildcard = [&](Bytes name, size_t d) {
    if (d == 0 || !is_wildcard_key(name)) return;
    const Ref parent = ancestry.nodes[d - 1];
    out.set_word(parent, out.word(parent) | node_has_wildcard);
  };
  SAMARA_UNINITIALIZED std::array<u8, dns::max_labels + 1> starts;  // of each label, from the left
  size_t count = 0;
  for (size_t at = 0; at < labels.size(); at += size_t{1} + labels[at]) starts[count++] = static_cast<u8>(at);
  const auto labels_at_depth = [&](size_t d) { return labels.subspan(starts[depth - d]); };
  for (size_t d = shared_depth + 1; d <= depth; ++d) {
    const Bytes name = labels_at_depth(d);
    ancestry.hashes[d] = child_hash(ancestry.hashes[d - 1], name.first(size_t{1} + name[0]));
  }
  for (size_t d = shared_depth + 1; d < depth; ++d) {
    while (key[ends_at] != 0) ++ends_at;
    ++ends_at;
    const Ref node =
        write_node(out, governed, ancestry.governing_depth * (governed != 0), labels_at_depth(d), key.first(ends_at), {});
    if (node == 0) return fail(BuildError::out_of_memory);
    ancestry.names.add(key.first(ends_at), node);
    if (!ancestry.index.add(ancestry.hashes[d], node)) return fail(BuildError::no_heap);
    ancestry.nodes[d] = node;
    tell_parent_of_wildcard(key.first(ends_at), d);
    ++nodes_written_;
  }

  const Ref node =
      write_node(out, static_cast<u8>(flags | governed), ancestry.governing_depth * (governed != 0), labels, key, written_);
  if (node == 0) return fail(BuildError::out_of_memory);
  ++nodes_written_;
  ancestry.names.add(key, node);
  ancestry.nodes[depth] = node;
  if (depth == 0) {
    ancestry.apex_node = node;  // which every change touches, and which is found without the index
  } else if (!ancestry.index.add(ancestry.hashes[depth], node)) {
    return fail(BuildError::no_heap);
  }
  // RFC 5155 section 7.2.8 and RFC 4035 section 3.1.3: only authoritative names take part in the chain.
  if (!ancestry.governed &&
      std::ranges::any_of(written_, [](const WrittenSet& set) { return set.type == dns::code(RrType::NSEC); })) {
    ancestry.nsec.add(key, node);
  }
  tell_parent_of_wildcard(key, depth);
  if (!ancestry.governed && (flags & (node_delegation | node_dname)) != 0) {
    ancestry.governed = true;
    std::ranges::copy(key, ancestry.governing_key.begin());
    ancestry.governing_size = key.size();
    ancestry.governing_depth = depth;
  }
  std::ranges::copy(key, ancestry.last_key.begin());
  ancestry.last_size = key.size();
  ancestry.last_depth = depth;
  return {};
}

Result<Ref, BuildError> ZoneBuilder::write_rrset(Ancestry& ancestry, std::span<const RecordView> records, size_t owner_size,
                                                 Ref signatures) {
  u32 duplicates = 0;
  error_type_ = records.front().type();
  const Ref ref = TRY(ancestry.sets.write(records, signatures, duplicates));
  const RrsetView set(memory_.view(), ref);
  if (set.count() > limits_.rrset_records) return fail(BuildError::rrset_over_limit);
  error_type_.reset();
  octets_written_ += set.images().size() + set.count() * owner_size;
  if (!fits_a_message(set)) {
    large_sets_.add(Severity::warning, std::nullopt, error_owner(), " ", dns::TypeText{set.type()}, ": ",
                    LargeSet{set.count()});
  }
  records_written_ += static_cast<u32>(records.size()) - duplicates;
  duplicates_ += duplicates;
  return ref;
}

Result<Zone, BuildError> ZoneBuilder::write_zone(ExtentWriter& out, Ancestry& ancestry, Extent extent, Pace& pace) {
  if (ancestry.apex_node == 0) return fail(BuildError::no_soa);
  const NodeView apex_node(out.view(), ancestry.apex_node);
  HeaderWords words{};
  TRY(set_soa(out, apex_, apex_node, words));
  words[Zone::apex_node_at] = ancestry.apex_node;
  words[Zone::root_at] = ancestry.names.finish();
  words[Zone::nsec_root_at] = ancestry.nsec.finish();
  words[Zone::nsec3_root_at] = ancestry.nsec3.finish();
  if (const auto chain = choose_nsec3_chain(out, apex_, apex_node, words[Zone::nsec3_root_at], pace); chain.has_value()) {
    words[Zone::served_nsec3_root_at] = chain->root;
    words[Zone::nsec3_parameters_at] = chain->parameters;
  }
  words[Zone::index_at] = ancestry.index.finish(out, pace);
  words[Zone::records_at] = records_written_;
  words[Zone::nodes_at] = nodes_written_;
  words[Zone::apex_size_at] = static_cast<u32>(apex_.size());
  const Ref header = write_header(out, words, apex_);
  if (header == 0) return fail(BuildError::out_of_memory);
  set_extent(out, header, memory_.shrink(extent, out.used()));
  return Zone(out.view(), header);
}

}  // namespace samara::zone
