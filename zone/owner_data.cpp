#include "zone/owner_data.h"

#include <algorithm>
#include <bit>

#include "dns-core/rdata/rdata.h"
#include "dns-core/rdata/rdata_text.h"

namespace samara::zone {
namespace {

using dns::RrType;

constexpr size_t recent_set_slots = 1 << 14;
constexpr size_t least_recent_set_slots = 1 << 8;  // of a small zone, or a change
constexpr size_t max_shared_octets = 512;

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

// Whether a set may stand for others: not where its signatures are its own.
bool can_be_shared(const RrsetView& set) {
  const size_t octets = set.images().size();
  return !set.has_signatures() && set.type() != RrType::RRSIG && octets <= max_shared_octets && octets > 2 * sizeof(u64);
}

}  // namespace

std::string_view describe(BuildError error) {
  switch (error) {
    case BuildError::out_of_zone: return "owner is outside the zone";
    case BuildError::bad_rdata: return "record data is not valid for its type";
    case BuildError::record_too_long:
      return "record is too long: with its owner more than the 64887 octets that a message of a transfer has for it";
    case BuildError::meta_type: return "this type cannot be zone data";
    case BuildError::out_of_memory: return "zone memory is full";
    case BuildError::no_heap: return "memory beside zone memory is full";
    case BuildError::too_many_rrsets: return "more types at one owner than max-types-per-name";
    case BuildError::too_many_records: return "more than 65535 records in one RRset";
    case BuildError::rrset_over_limit: return "more records in one RRset than max-records-per-rrset";
    case BuildError::zone_over_records: return "more records in the zone than max-records";
    case BuildError::zone_over_octets: return "more octets in the zone than max-octets";
    case BuildError::no_soa: return "no SOA record at the apex";
    case BuildError::several_soa: return "more than one SOA record";
    case BuildError::soa_below_apex: return "SOA record below the apex";
    case BuildError::no_apex_ns: return "no NS record at the apex";
    case BuildError::cname_and_data: return "CNAME beside other data";
    case BuildError::several_dname: return "more than one DNAME";
  }
  return "unknown";
}

RrType culprit(BuildError error) {
  switch (error) {
    case BuildError::cname_and_data: return RrType::CNAME;
    case BuildError::several_dname: return RrType::DNAME;
    case BuildError::no_apex_ns: return RrType::NS;
    case BuildError::no_soa:
    case BuildError::several_soa:
    case BuildError::soa_below_apex: return RrType::SOA;
    case BuildError::out_of_zone:
    case BuildError::bad_rdata:
    case BuildError::record_too_long:
    case BuildError::meta_type:
    case BuildError::out_of_memory:
    case BuildError::no_heap:
    case BuildError::too_many_rrsets:
    case BuildError::too_many_records:
    case BuildError::rrset_over_limit:
    case BuildError::zone_over_records:
    case BuildError::zone_over_octets: break;
  }
  return RrType::ANY;
}

void warn_of(BuildError rule, const dns::Name& owner, Diagnostics& out) {
  out.add(Severity::warning, std::nullopt, owner, " ", dns::TypeText{culprit(rule)}, ": ", describe(rule));
}

bool fits_a_message(const RrsetView& set) {
  return set.images().size() + 2 * set.count() <= dns::max_message_size - message_frame_octets;
}

void LargeSet::write_text(TextWriter& out) const {
  out.put("no message can hold this set of ");
  out.put(u64{count});
  out.put(" records: who asks for it gets none of them");
}

Result<void, BuildError> check_record(const dns::Name& owner, RrType type, Bytes rdata) {
  if (dns::is_meta_type(type)) return fail(BuildError::meta_type);
  if (!fits_a_transfer(owner, rdata)) return fail(BuildError::record_too_long);
  if (type == RrType::RRSIG && rdata.size() < 2) return fail(BuildError::bad_rdata);
  return {};
}

RrType set_type(RecordView record) {
  if (record.type() != RrType::RRSIG) return record.type();
  return static_cast<RrType>(load_be16(record.rdata()));
}

bool is_wildcard_key(Bytes key) {
  const size_t size = key.size();
  return size >= 2 && key[size - 2] == wildcard_symbol() && (size == 2 || key[size - 3] == 0);
}

u8 flags_of_set(RrType type, size_t depth) {
  if (type == RrType::NS && depth != 0) return node_delegation;
  if (type == RrType::DNAME) return node_dname;
  return type == RrType::DS ? node_secure_delegation : u8{0};
}

static_assert(max_record_octets == 64887);  // as describe() says

namespace {

// Sets of one owner by type.
class Sets {
 public:
  Sets(MemoryView memory, std::span<const WrittenSet> sets) : memory_(memory), sets_(sets) {}
  bool has(RrType type) const { return find(type) != sets_.end(); }
  // Whether it has more than one record.
  bool several(RrType type) const {
    const auto set = find(type);
    return set != sets_.end() && RrsetView(memory_, set->ref).count() > 1;
  }

 private:
  std::span<const WrittenSet>::iterator find(RrType type) const {
    return std::ranges::find(sets_, dns::code(type), &WrittenSet::type);
  }

  MemoryView memory_;
  std::span<const WrittenSet> sets_;
};

}  // namespace

Result<void, BuildError> check_together(MemoryView memory, std::span<const WrittenSet> sets, size_t depth) {
  const Sets here(memory, sets);
  if (here.has(RrType::SOA) && depth != 0) return fail(BuildError::soa_below_apex);
  if (!here.has(RrType::SOA) && depth == 0) return fail(BuildError::no_soa);
  // A transfer that was saved as text has the SOA at both ends, which is one record.
  if (here.several(RrType::SOA)) return fail(BuildError::several_soa);
  return {};
}

std::optional<BuildError> broken_rule(MemoryView memory, std::span<const WrittenSet> sets, size_t depth) {
  const Sets here(memory, sets);
  if (depth == 0 && !here.has(RrType::NS)) return BuildError::no_apex_ns;
  if (here.several(RrType::DNAME)) return BuildError::several_dname;
  if (!here.has(RrType::CNAME)) return std::nullopt;
  // RFC 4034 section 3 and RFC 4035 section 2.5: NSEC, KEY and the signatures may stand beside a CNAME.
  const bool alone = std::ranges::all_of(sets, [](const WrittenSet& set) {
    return set.type == dns::code(RrType::CNAME) || set.type == dns::code(RrType::NSEC) || set.type == dns::code(RrType::KEY) ||
           set.type == dns::code(RrType::RRSIG);
  });
  return alone && !here.several(RrType::CNAME) ? std::nullopt : std::optional(BuildError::cname_and_data);
}

RrsetWriter::RrsetWriter(ExtentWriter& out, size_t expected)
    : out_(out), recent_(filled(std::clamp(std::bit_ceil(expected), least_recent_set_slots, recent_set_slots), Ref{0})) {}

Result<Ref, BuildError> RrsetWriter::write(std::span<const RecordView> records, Ref signatures, u32& duplicates) {
  const RrType type = records.front().type();
  u32 ttl = dns::Ttl::max;
  size_t octets = 0;
  for (const RecordView& record : records) {
    ttl = std::min(ttl, record.ttl().seconds());
    octets += record.image().size();
  }
  u32 flags = signatures != 0 ? rrset_has_signatures : u32{0};
  if (dns::has_compressible_names(type)) flags |= rrset_compressible;
  if (names_hosts(type)) flags |= rrset_additional;
  const size_t head = signatures != 0 ? 12 : 8;
  const auto ref = out_.take(head + octets);
  if (!ref.has_value()) return fail(BuildError::out_of_memory);
  size_t used = 0;
  size_t count = 0;
  const RecordView* previous = nullptr;
  for (const RecordView& record : records) {
    if (previous != nullptr && dns::canonical_compare_rdata(type, previous->rdata(), record.rdata()) == 0) {
      ++duplicates;
      continue;
    }
    previous = &record;
    const MutableBytes image = out_.octets(*ref, head + used, record.image().size());
    std::ranges::copy(record.image(), image.begin());
    store_be32(image, 4, ttl);
    used += image.size();
    ++count;
  }
  if (count > max_records_per_rrset) return fail(BuildError::too_many_records);
  out_.set_word(*ref, static_cast<u32>(count) | flags << 16);
  out_.set_word(*ref + 1, static_cast<u32>(used));
  if (signatures != 0) out_.set_word(*ref + 2, signatures);
  return shared(*ref);
}

Ref RrsetWriter::copy(const RrsetView& set) {
  const Ref signatures = set.has_signatures() ? copy(set.signatures()) : 0;
  const Bytes images = set.images();
  const size_t head = set.has_signatures() ? 12 : 8;
  const auto ref = out_.take(head + images.size());
  if (!ref.has_value()) return 0;
  out_.set_word(*ref, static_cast<u32>(set.count()) | u32{set.flags()} << 16);
  out_.set_word(*ref + 1, static_cast<u32>(images.size()));
  if (set.has_signatures()) out_.set_word(*ref + 2, signatures);
  std::ranges::copy(images, out_.octets(*ref, head, images.size()).begin());
  return shared(*ref);
}

Ref RrsetWriter::shared(Ref fresh) {
  const RrsetView set(out_.view(), fresh);
  if (!can_be_shared(set)) return fresh;
  Ref& slot = recent_[content_hash(set.images()) & (recent_.size() - 1)];
  if (slot != 0) {
    const RrsetView other(out_.view(), slot);
    if (other.count() == set.count() && other.flags() == set.flags() && equal_octets(other.images(), set.images())) {
      out_.drop_from(fresh);
      return slot;
    }
  }
  slot = fresh;
  return fresh;
}

}  // namespace samara::zone
