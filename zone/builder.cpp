#include "zone/builder.h"

#include <algorithm>
#include <array>
#include <bit>

#include "dns-core/rdata/rdata.h"
#include "platform/base/panic.h"
#include "zone/nsec3_chain.h"

namespace samara::zone {
namespace {

using dns::RrType;

// Zones repeat name server and mail exchanger sets thousands of times; a set's most recent equals are looked up here.
constexpr size_t recent_set_slots = 1 << 14;
constexpr size_t least_recent_set_slots = 1 << 8;  // of a small zone
constexpr size_t max_shared_octets = 512;
constexpr size_t prefix_symbols = 10;
constexpr unsigned symbol_bits = 6;
static_assert((1U << symbol_bits) >= symbol_count);

u64 key_prefix(Bytes symbols) {
  u64 prefix = 0;
  const size_t count = std::min(symbols.size(), prefix_symbols);
  for (size_t i = 0; i < count; ++i) prefix = prefix << symbol_bits | symbols[i];
  return prefix << symbol_bits * (prefix_symbols - count);
}

bool is_meta(RrType type) {
  const u16 number = dns::code(type);
  return type == RrType::OPT || number == 0 || (number >= 128 && number <= 255);  // RFC 6895 section 3.1
}

// The set a record is kept with: signatures with what they cover.
RrType set_type(RecordView record) {
  if (record.type() != RrType::RRSIG) return record.type();
  return static_cast<RrType>(load_be16(record.rdata()));
}

bool names_hosts(RrType type) {
  switch (dns::code(type)) {
    case dns::code(RrType::NS):
    case dns::code(RrType::MX):
    case dns::code(RrType::SRV):
    case dns::code(RrType::SVCB):
    case dns::code(RrType::HTTPS): return true;
    default: return false;
  }
}

// Whether a name's first label is `*` (RFC 4592 section 2.1.1).
bool is_wildcard(Bytes symbols) {
  const size_t size = symbols.size();
  return size >= 2 && symbols[size - 2] == wildcard_symbol() && (size == 2 || symbols[size - 3] == 0);
}

u32 content_hash(Bytes octets) {
  u64 h = octets.size();
  while (octets.size() >= 8) {
    h = (h ^ load_le64(octets)) * 0x9e3779b97f4a7c15ULL;
    h ^= h >> 29;
    octets = octets.subspan(8);
  }
  for (const u8 octet : octets) h = (h ^ octet) * 0x100000001b3ULL;
  return static_cast<u32>(h >> 32 ^ h);
}

}  // namespace

std::string_view describe(BuildError error) {
  switch (error) {
    case BuildError::out_of_zone: return "owner is outside the zone";
    case BuildError::bad_rdata: return "record data is not valid for its type";
    case BuildError::meta_type: return "this type cannot be zone data";
    case BuildError::out_of_memory: return "zone memory is full";
    case BuildError::too_many_rrsets: return "more than 255 types at one owner";
    case BuildError::too_many_records: return "more than 65535 records in one RRset";
    case BuildError::no_soa: return "no SOA record at the apex";
    case BuildError::several_soa: return "more than one SOA record";
    case BuildError::soa_below_apex: return "SOA record below the apex";
    case BuildError::no_apex_ns: return "no NS record at the apex";
    case BuildError::cname_and_data: return "CNAME beside other data";
    case BuildError::several_dname: return "more than one DNAME";
  }
  return "unknown";
}

struct ZoneBuilder::Ancestry {
  explicit Ancestry(ExtentWriter& out) : names(out), nsec(out), nsec3(out) {}
  TrieBuilder names;
  TrieBuilder nsec;
  TrieBuilder nsec3;
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

ZoneBuilder::ZoneBuilder(ZoneMemory& memory, const dns::Name& apex, size_t expected_octets)
    : memory_(memory),
      apex_(apex),
      apex_key_size_(LookupKey(apex).size()),
      recent_sets_(std::clamp(std::bit_ceil(expected_octets / 32), least_recent_set_slots, recent_set_slots)) {
  staged_.reserve(expected_octets + expected_octets / 2);
  entries_.reserve(expected_octets / 32);
}

ZoneBuilder::~ZoneBuilder() {
  if (extent_.has_value()) memory_.give_back(*extent_);
}

Result<void, BuildError> ZoneBuilder::add(const dns::Name& owner, RrType type, dns::Ttl ttl, Bytes rdata) {
  if (is_meta(type)) return fail(BuildError::meta_type);
  if (rdata.size() > 0xffff || (type == RrType::RRSIG && rdata.size() < 2)) return fail(BuildError::bad_rdata);
  if (staged_.size() > 0xffff'ffffU - 0x2'0000U) return fail(BuildError::out_of_memory);
  if (!any_ || !(owner == last_owner_)) {
    if (!owner.is_at_or_below(apex_)) return fail(BuildError::out_of_zone);
    last_owner_ = owner;
    any_ = true;
    owner_key_.assign(owner.wire());
    const Bytes symbols = owner_key_.symbols().subspan(apex_key_size_);
    const Bytes labels = owner.wire().first(owner.size() - apex_.size());
    last_key_at_ = static_cast<u32>(staged_.size());
    staged_.push_back(static_cast<u8>(symbols.size()));
    staged_.push_back(static_cast<u8>(symbols.size() >> 8));
    staged_.push_back(static_cast<u8>(labels.size()));
    staged_.insert(staged_.end(), symbols.begin(), symbols.end());
    staged_.resize(staged_.size() + labels.size());
    dns::copy_lowered(labels, MutableBytes(staged_).last(labels.size()));
  }
  const u32 record_at = static_cast<u32>(staged_.size());
  staged_.resize(staged_.size() + record_fixed_size);
  const MutableBytes fixed = MutableBytes(staged_).subspan(record_at, record_fixed_size);
  store_be16(fixed, 0, dns::code(type));
  store_be16(fixed, 2, dns::code(dns::RrClass::IN));
  store_be32(fixed, 4, ttl.seconds());
  store_be16(fixed, 8, static_cast<u16>(rdata.size()));
  staged_.insert(staged_.end(), rdata.begin(), rdata.end());
  entries_.push_back({0, last_key_at_, record_at});
  entries_.back().prefix = key_prefix(key_of(entries_.back()));
  return {};
}

dns::Name ZoneBuilder::error_owner() const {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  const size_t labels = key_to_wire(Bytes(last_written_key_).first(last_written_size_), wire);
  std::ranges::copy(apex_.wire(), MutableBytes(wire).subspan(labels).begin());
  ByteReader reader(Bytes(wire).first(labels + apex_.size()));
  return MUST(dns::Name::from_wire(reader));
}

Bytes ZoneBuilder::key_of(const Entry& entry) const {
  const Bytes at = Bytes(staged_).subspan(entry.key_at);
  return at.subspan(3, static_cast<size_t>(at[0] | at[1] << 8));
}

Bytes ZoneBuilder::labels_of(const Entry& entry) const {
  const Bytes at = Bytes(staged_).subspan(entry.key_at);
  return at.subspan(3 + static_cast<size_t>(at[0] | at[1] << 8), at[2]);
}

RecordView ZoneBuilder::record_of(const Entry& entry) const {
  const Bytes at = Bytes(staged_).subspan(entry.record_at);
  return RecordView(at.first(record_fixed_size + load_be16(at, 8)));
}

void ZoneBuilder::sort_entries() {
  const auto before = [this](const Entry& a, const Entry& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (a.key_at == b.key_at) return false;
    return std::ranges::lexicographical_compare(key_of(a), key_of(b));
  };
  if (!std::is_sorted(entries_.begin(), entries_.end(), before)) std::sort(entries_.begin(), entries_.end(), before);
}

Result<Zone, BuildError> ZoneBuilder::finish() {
  sort_entries();
  extent_ = memory_.take_largest();
  if (!extent_.has_value()) return fail(BuildError::out_of_memory);
  ExtentWriter out(memory_.region(), *extent_);
  Ancestry ancestry(out);
  const SearchName apex(apex_);
  ancestry.hashes[0] = apex.hash(apex.label_count());
  ancestry.index.reserve(entries_.size());
  const std::span<Entry> all(entries_);
  for (size_t start = 0; start < all.size();) {
    if (start + 16 < all.size()) __builtin_prefetch(&staged_[all[start + 16].key_at]);
    const Bytes key = key_of(all[start]);
    size_t end = start + 1;
    while (end < all.size() && all[end].prefix == all[start].prefix && std::ranges::equal(key_of(all[end]), key)) ++end;
    TRY(write_owner(out, all.subspan(start, end - start), ancestry));
    start = end;
  }
  const Zone zone = TRY(write_header(out, ancestry));
  extent_.reset();
  return zone;
}

Result<void, BuildError> ZoneBuilder::write_owner(ExtentWriter& out, std::span<Entry> records, Ancestry& ancestry) {
  const Bytes key = key_of(records.front());
  const Bytes labels = labels_of(records.front());
  const size_t depth = static_cast<size_t>(std::ranges::count(key, u8{0}));
  std::ranges::copy(key, last_written_key_.begin());
  last_written_size_ = key.size();

  // RRsets in order of type, signatures behind the set they cover, canonical order inside.
  if (records.size() > 1) {
    std::sort(records.begin(), records.end(), [this](const Entry& a, const Entry& b) {
      const RecordView x = record_of(a);
      const RecordView y = record_of(b);
      if (set_type(x) != set_type(y)) return set_type(x) < set_type(y);
      if (x.type() != y.type()) return y.type() == RrType::RRSIG;
      const auto order = dns::canonical_compare_rdata(x.type(), x.rdata(), y.rdata());
      return order != 0 ? order < 0 : a.record_at < b.record_at;
    });
  }
  written_.clear();
  u8 flags = 0;
  Written nsec3{0, 0};
  for (size_t start = 0; start < records.size();) {
    const RrType type = set_type(record_of(records[start]));
    size_t data_end = start;
    while (data_end < records.size() && record_of(records[data_end]).type() == type) ++data_end;
    size_t end = data_end;
    while (end < records.size() && set_type(record_of(records[end])) == type) ++end;
    if (type == RrType::SOA && depth != 0 && data_end > start) return fail(BuildError::soa_below_apex);
    Ref signatures = 0;
    if (end > data_end) {
      signatures = TRY(write_rrset(out, records.subspan(data_end, end - data_end), 0));
      flags |= node_has_signatures;
    }
    if (data_end == start) {  // signatures of a set that is not there: kept as a set of their own
      written_.push_back({signatures, dns::code(RrType::RRSIG)});
    } else {
      const Written set{TRY(write_rrset(out, records.subspan(start, data_end - start), signatures)), dns::code(type)};
      // A transfer that was saved as text has the SOA at both ends, which is one record.
      if (type == RrType::SOA && RrsetView(out.view(), set.ref).count() > 1) return fail(BuildError::several_soa);
      if (type == RrType::NSEC3) {
        nsec3 = set;
      } else {
        written_.push_back(set);
      }
      if (type == RrType::NS && depth != 0) flags |= node_delegation;
      if (type == RrType::DNAME) flags |= node_dname;
      if (type == RrType::DS) flags |= node_secure_delegation;
    }
    start = end;
  }
  if (written_.size() > max_rrsets_per_node) return fail(BuildError::too_many_rrsets);
  std::ranges::sort(written_, {}, &Written::type);
  TRY(check_together(out.view(), depth));

  if (nsec3.ref != 0) {
    const Ref node = write_node(out, flags, 0, labels, key, std::span(&nsec3.ref, 1), std::span(&nsec3.type, 1));
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
    if (d == 0 || !is_wildcard(name)) return;
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
        write_node(out, governed, ancestry.governing_depth * (governed != 0), labels_at_depth(d), key.first(ends_at), {}, {});
    if (node == 0) return fail(BuildError::out_of_memory);
    ancestry.names.add(key.first(ends_at), node);
    ancestry.index.add(ancestry.hashes[d], node);
    ancestry.nodes[d] = node;
    tell_parent_of_wildcard(key.first(ends_at), d);
    ++nodes_written_;
  }

  SAMARA_UNINITIALIZED std::array<Ref, max_rrsets_per_node> references;
  SAMARA_UNINITIALIZED std::array<u16, max_rrsets_per_node> types;
  for (size_t i = 0; i < written_.size(); ++i) {
    references[i] = written_[i].ref;
    types[i] = written_[i].type;
  }
  const Ref node =
      write_node(out, static_cast<u8>(flags | governed), ancestry.governing_depth * (governed != 0), labels, key,
                 std::span<const Ref>(references).first(written_.size()), std::span<const u16>(types).first(written_.size()));
  if (node == 0) return fail(BuildError::out_of_memory);
  ++nodes_written_;
  ancestry.names.add(key, node);
  ancestry.index.add(ancestry.hashes[depth], node);
  ancestry.nodes[depth] = node;
  if (depth == 0) ancestry.apex_node = node;
  // RFC 5155 section 7.2.8 and RFC 4035 section 3.1.3: only authoritative names take part in the chain.
  if (!ancestry.governed &&
      std::ranges::any_of(written_, [](const Written& set) { return set.type == dns::code(RrType::NSEC); })) {
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

// What may not stand together at one owner.
Result<void, BuildError> ZoneBuilder::check_together(MemoryView memory, size_t depth) const {
  const auto find = [this](RrType type) { return std::ranges::find(written_, dns::code(type), &Written::type); };
  const auto single = [&](auto set) { return RrsetView(memory, set->ref).count() == 1; };
  if (depth == 0 && find(RrType::SOA) == written_.end()) return fail(BuildError::no_soa);
  if (depth == 0 && find(RrType::NS) == written_.end()) return fail(BuildError::no_apex_ns);
  if (const auto dname = find(RrType::DNAME); dname != written_.end() && !single(dname)) return fail(BuildError::several_dname);
  if (const auto cname = find(RrType::CNAME); cname != written_.end()) {
    // RFC 4034 section 3 and RFC 4035 section 2.5: NSEC, KEY and the signatures may stand beside a CNAME.
    const bool alone = std::ranges::all_of(written_, [](const Written& set) {
      return set.type == dns::code(RrType::CNAME) || set.type == dns::code(RrType::NSEC) ||
             set.type == dns::code(RrType::KEY) || set.type == dns::code(RrType::RRSIG);
    });
    if (!alone || !single(cname)) return fail(BuildError::cname_and_data);
  }
  return {};
}

Result<Ref, BuildError> ZoneBuilder::write_rrset(ExtentWriter& out, std::span<const Entry> records, Ref signatures) {
  const RrType type = record_of(records.front()).type();
  // All records of a set have one TTL; where they differ the least holds (RFC 2181 section 5.2).
  u32 ttl = dns::Ttl::max;
  size_t octets = 0;
  for (const Entry& entry : records) {
    ttl = std::min(ttl, record_of(entry).ttl().seconds());
    octets += record_of(entry).image().size();
  }
  u32 flags = signatures != 0 ? rrset_has_signatures : u32{0};
  if (dns::has_compressible_names(type)) flags |= rrset_compressible;
  if (names_hosts(type)) flags |= rrset_additional;
  const size_t head = signatures != 0 ? 12 : 8;
  const auto ref = out.take(head + octets);
  if (!ref.has_value()) return fail(BuildError::out_of_memory);
  size_t used = 0;
  size_t count = 0;
  const Entry* previous = nullptr;
  for (const Entry& entry : records) {
    const RecordView record = record_of(entry);
    if (previous != nullptr && dns::canonical_compare_rdata(type, record_of(*previous).rdata(), record.rdata()) == 0) {
      ++duplicates_;
      continue;
    }
    previous = &entry;
    const MutableBytes image = out.octets(*ref, head + used, record.image().size());
    std::ranges::copy(record.image(), image.begin());
    store_be32(image, 4, ttl);
    used += image.size();
    ++count;
  }
  if (count > max_records_per_rrset) return fail(BuildError::too_many_records);
  out.set_word(*ref, static_cast<u32>(count) | flags << 16);
  out.set_word(*ref + 1, static_cast<u32>(used));
  if (signatures != 0) out.set_word(*ref + 2, signatures);
  records_written_ += static_cast<u32>(count);
  if (signatures == 0 && type != RrType::RRSIG && used <= max_shared_octets && used > 2 * sizeof(u64))
    return shared_rrset(out, *ref);
  return *ref;
}

// An equal set that was written before, or `fresh`, the last thing written.
Ref ZoneBuilder::shared_rrset(ExtentWriter& out, Ref fresh) {
  const RrsetView set(out.view(), fresh);
  Ref& slot = recent_sets_[content_hash(set.images()) & (recent_sets_.size() - 1)];
  if (slot != 0) {
    const RrsetView other(out.view(), slot);
    if (other.count() == set.count() && other.flags() == set.flags() && std::ranges::equal(other.images(), set.images())) {
      out.drop_from(fresh);
      return slot;
    }
  }
  slot = fresh;
  return fresh;
}

// 0 when it is not prepared; the extent says when it is full.
Ref ZoneBuilder::write_negative_soa(ExtentWriter& out, RecordView soa, u32 ttl) const {
  if (apex_.is_root()) return 0;  // a pointer to it would be longer
  SAMARA_UNINITIALIZED std::array<u8, record_fixed_size + 2 * dns::max_name_size + 20> octets;
  ByteWriter record(octets);
  const auto pointers = dns::prepare_record(apex_.wire(), soa.image(), record);
  if (!pointers.has_value()) return 0;
  const auto ref = out.take(12 + record.size());
  if (!ref.has_value()) return 0;
  store_be32(record.written_mutable(), 4, ttl);
  out.set_word(*ref, static_cast<u32>(record.size()));
  for (Ref i = 0; i < 2; ++i) out.set_word(*ref + 1 + i, (*pointers)[i].place | u32{(*pointers)[i].suffix} << 16);
  std::ranges::copy(record.written(), out.octets(*ref, 12, record.size()).begin());
  return *ref;
}

Result<Zone, BuildError> ZoneBuilder::write_header(ExtentWriter& out, Ancestry& ancestry) {
  if (ancestry.apex_node == 0) return fail(BuildError::no_soa);
  const auto soa = NodeView(out.view(), ancestry.apex_node).find(RrType::SOA);
  if (!soa.has_value()) return fail(BuildError::no_soa);
  const Bytes rdata = soa->first().rdata();
  if (rdata.size() < 22) return fail(BuildError::bad_rdata);
  const Twig root = ancestry.names.finish();
  const Twig nsec_root = ancestry.nsec.finish();
  const Twig nsec3_root = ancestry.nsec3.finish();
  const auto chain = choose_nsec3_chain(out, apex_, NodeView(out.view(), ancestry.apex_node), nsec3_root);
  const Ref index = ancestry.index.finish(out);
  const u32 negative_ttl = std::min(soa->ttl().seconds(), load_be32(rdata, rdata.size() - 4));
  const Ref negative_soa = write_negative_soa(out, soa->first(), negative_ttl);
  const auto ref = out.take(Zone::fixed_words * 4 + apex_.size());
  if (!ref.has_value() || out.full()) return fail(BuildError::out_of_memory);
  const Extent kept = memory_.shrink(*extent_, out.used());
  out.set_word(*ref + Zone::root_at, root);
  out.set_word(*ref + Zone::index_at, index);
  out.set_word(*ref + Zone::nsec_root_at, nsec_root);
  out.set_word(*ref + Zone::nsec3_root_at, nsec3_root);
  out.set_word(*ref + Zone::served_nsec3_root_at, chain.has_value() ? chain->root : 0);
  out.set_word(*ref + Zone::nsec3_parameters_at, chain.has_value() ? chain->parameters : 0);
  out.set_word(*ref + Zone::apex_node_at, ancestry.apex_node);
  out.set_word(*ref + Zone::soa_at, soa->ref());
  out.set_word(*ref + Zone::serial_at, load_be32(rdata, rdata.size() - 20));
  out.set_word(*ref + Zone::negative_ttl_at, negative_ttl);
  out.set_word(*ref + Zone::negative_soa_at, negative_soa);
  out.set_word(*ref + Zone::records_at, records_written_);
  out.set_word(*ref + Zone::nodes_at, nodes_written_);
  out.set_word(*ref + Zone::extent_offset_at, static_cast<u32>(kept.offset / 4));
  out.set_word(*ref + Zone::extent_size_at, static_cast<u32>(kept.size / 4));
  out.set_word(*ref + Zone::apex_size_at, static_cast<u32>(apex_.size()));
  std::ranges::copy(apex_.wire(), out.octets(*ref, Zone::fixed_words * 4, apex_.size()).begin());
  return Zone(out.view(), *ref);
}

}  // namespace samara::zone
