#include "zone/catalog.h"

#include <algorithm>

#include "platform/base/heap_room.h"
#include "platform/base/sort.h"
#include "platform/codec/hex.h"
#include "platform/crypto/hash.h"

namespace samara::zone {
namespace {

using dns::RrType;

bool equal_text(Bytes octets, std::string_view text) {
  return std::ranges::equal(octets, text, {}, {}, [](char c) { return static_cast<u8>(c); });
}

// The only character string of a TXT record; nothing when it has more.
std::optional<Bytes> only_string(Bytes rdata) {
  if (rdata.empty() || rdata.size() != size_t{rdata[0]} + 1) return std::nullopt;
  return rdata.subspan(1);
}

// A name below the apex, from the right: label 0 is next to the apex. Deeper ones than a property's are no business of ours.
struct LabelsBelow {
  static constexpr size_t most = 3;
  std::array<Bytes, most> from_left;
  size_t count = 0;

  explicit LabelsBelow(Bytes labels) {
    while (!labels.empty()) {
      const size_t size = labels[0];
      if (count < most) from_left[count] = labels.subspan(1, size);
      ++count;
      labels = labels.subspan(1 + size);
    }
  }
  Bytes operator[](size_t from_right) const { return from_left[count - 1 - from_right]; }
};

}  // namespace

std::string_view describe(CatalogError error) {
  switch (error) {
    case CatalogError::no_version: return "it has no version property";
    case CatalogError::several_versions: return "its version property has more than one record";
    case CatalogError::unknown_version: return "its version is neither 1 nor 2";
    case CatalogError::several_members: return "a member has more than one PTR record";
    case CatalogError::duplicate_member: return "a zone is a member twice";
    case CatalogError::several_owners: return "a coo property has more than one record";
    case CatalogError::bad_group: return "a group property has several strings in a record, or too many records";
    case CatalogError::too_many_members: return "it has too many members";
    case CatalogError::no_memory: return "there is no memory to read it; give the machine more";
  }
  return "unknown error";
}

std::string_view describe(CatalogChange::Kind kind) {
  switch (kind) {
    case CatalogChange::Kind::added: return "added";
    case CatalogChange::Kind::removed: return "removed";
    case CatalogChange::Kind::reset: return "added anew";
    case CatalogChange::Kind::moved: return "moved to this catalog";
    case CatalogChange::Kind::changed: return "changed its groups";
    case CatalogChange::Kind::ignored_configured: return "the zone is configured otherwise";
    case CatalogChange::Kind::ignored_claimed: return "the zone is a member of another catalog";
  }
  return "unknown change";
}

// ---- reading --------------------------------------------------------------------------------------------------------

class CatalogReader {
 public:
  Result<void, CatalogError> take(const NodeView& node) {
    const LabelsBelow labels(node.labels());
    if (labels.count == 1 && equal_text(labels[0], "version")) return take_version(node);
    if (labels.count < 2 || labels.count > 3 || !equal_text(labels[0], "zones")) return {};
    if (labels.count == 2) return take_member(node, labels[1]);
    // Version 1 (the drafts of RFC 9432, BIND 9.11) has other properties, which no longer mean anything. `version` comes first.
    if (version_one_) return {};
    if (equal_text(labels[2], "coo")) return take_owner(node, labels[1]);
    if (equal_text(labels[2], "group")) return take_groups(node, labels[1]);
    return {};
  }

  Result<Catalog, CatalogError> finish() {
    if (!room_) return fail(CatalogError::no_memory);
    if (!version_) return fail(CatalogError::no_version);
    join_properties();
    catalog_.sort();
    const auto same = [this](const Catalog::Entry& a, const Catalog::Entry& b) {
      return std::ranges::equal(catalog_.name_at(a.zone), catalog_.name_at(b.zone));
    };
    if (std::ranges::adjacent_find(catalog_.members_, same) != catalog_.members_.end()) {
      return fail(CatalogError::duplicate_member);
    }
    return std::move(catalog_);
  }

 private:
  static constexpr size_t max_groups_octets = 2 + max_member_groups * 256 + 2 + dns::max_label_size;

  // The label a property belongs to; members and properties come in the order of names, not beside each other.
  struct Property {
    u32 unique;
    u32 value;
  };

  Result<void, CatalogError> take_version(const NodeView& node) {
    const auto set = node.find(RrType::TXT);
    if (!set.has_value()) return {};
    if (set->count() != 1) return fail(CatalogError::several_versions);
    const auto text = only_string(set->first().rdata());
    if (!text.has_value() || (!equal_text(*text, "2") && !equal_text(*text, "1"))) return fail(CatalogError::unknown_version);
    version_ = true;
    version_one_ = equal_text(*text, "1");
    return {};
  }
  Result<void, CatalogError> take_member(const NodeView& node, Bytes unique) {
    const auto set = node.find(RrType::PTR);
    if (!set.has_value()) return {};
    if (set->count() != 1) return fail(CatalogError::several_members);
    if (catalog_.members_.size() == max_catalog_members) return fail(CatalogError::too_many_members);
    if (!make_room(catalog_.members_, 1)) return fail(CatalogError::no_memory);
    Catalog::Entry& entry = catalog_.members_.emplace_back();
    entry.zone = put(set->first().rdata());
    entry.unique = put(unique);
    return {};
  }
  Result<void, CatalogError> take_owner(const NodeView& node, Bytes unique) {
    const auto set = node.find(RrType::PTR);
    if (!set.has_value()) return {};
    if (set->count() != 1) return fail(CatalogError::several_owners);
    if (!make_room(owners_, 1)) return fail(CatalogError::no_memory);
    owners_.push_back({put(unique), put(set->first().rdata())});
    return {};
  }
  Result<void, CatalogError> take_groups(const NodeView& node, Bytes unique) {
    const auto set = node.find(RrType::TXT);
    if (!set.has_value()) return {};
    bool good = set->count() <= max_member_groups;
    set->for_each_record([&](RecordView record) { good = good && only_string(record.rdata()).has_value(); });
    if (!good) return fail(CatalogError::bad_group);
    if (!make_room(groups_, 1) || !make_room(catalog_.octets_, max_groups_octets)) return fail(CatalogError::no_memory);
    const u32 of = put(unique);
    const u32 at = static_cast<u32>(catalog_.octets_.size());
    catalog_.octets_.resize(at + 2);
    set->for_each_record([&](RecordView record) {
      catalog_.octets_.insert(catalog_.octets_.end(), record.rdata().begin(), record.rdata().end());
    });
    store_be16(catalog_.octets_, at, static_cast<u16>(catalog_.octets_.size() - at - 2));
    groups_.push_back({of, at});
    return {};
  }

  // 0, and no room from now on, where the heap has none.
  u32 put(Bytes octets) {
    room_ = room_ && make_room(catalog_.octets_, 2 + octets.size());
    return room_ ? catalog_.put(octets) : 0;
  }
  void join_properties() {
    const auto less = [this](u32 a, u32 b) {
      return std::ranges::lexicographical_compare(catalog_.name_at(a), catalog_.name_at(b));
    };
    compact_sort(catalog_.members_, [&](const Catalog::Entry& a, const Catalog::Entry& b) { return less(a.unique, b.unique); });
    for (const bool owners : {true, false}) {
      for (const Property& property : owners ? owners_ : groups_) {
        const auto member = std::ranges::lower_bound(catalog_.members_, property.unique, less, &Catalog::Entry::unique);
        if (member == catalog_.members_.end() || less(property.unique, member->unique)) continue;
        (owners ? member->owner : member->groups) = property.value;
      }
    }
  }

  Catalog catalog_;
  std::vector<Property> owners_;
  std::vector<Property> groups_;
  bool room_ = true;  // in the heap, for all names so far
  bool version_ = false;
  bool version_one_ = false;
};

Result<Catalog, CatalogError> Catalog::read(const Zone& zone) {
  CatalogReader reader;
  std::optional<CatalogError> error;
  zone.for_each_node([&](const NodeView& node) {
    if (error.has_value()) return;
    const auto taken = reader.take(node);
    if (!taken.ok()) error = taken.error();
  });
  if (error.has_value()) return fail(*error);
  return reader.finish();
}

Catalog Catalog::of(std::span<const KnownMember> members) {
  Catalog catalog;
  for (const KnownMember& member : members) {
    Entry entry;
    entry.zone = catalog.put(member.zone.wire());
    entry.unique = catalog.put(member.unique);
    catalog.members_.push_back(entry);
  }
  catalog.sort();
  return catalog;
}

u32 Catalog::put(Bytes octets) {
  if (octets_.empty()) octets_.push_back(0);  // 0 stays "none"
  const u32 at = static_cast<u32>(octets_.size());
  octets_.push_back(static_cast<u8>(octets.size()));
  for (const u8 octet : octets) octets_.push_back(dns::to_lower(octet));
  return at;
}

void Catalog::sort() {
  compact_sort(members_,
               [this](const Entry& a, const Entry& b) { return dns::canonical_compare(name_at(a.zone), name_at(b.zone)) < 0; });
}

Bytes Catalog::name_at(u32 at) const {
  return Bytes(octets_).subspan(size_t{at} + 1, octets_[at]);
}

CatalogMember Catalog::operator[](size_t n) const {
  const Entry& entry = members_[n];
  CatalogMember member{.zone = name_at(entry.zone), .unique = name_at(entry.unique), .owner = {}, .groups = {}};
  if (entry.owner != 0) member.owner = name_at(entry.owner);
  if (entry.groups != 0) member.groups = Bytes(octets_).subspan(size_t{entry.groups} + 2, load_be16(octets_, entry.groups));
  return member;
}

std::optional<size_t> Catalog::find(Bytes member) const {
  const auto before = [this](const Entry& entry, Bytes sought) {
    return dns::canonical_compare(name_at(entry.zone), sought) < 0;
  };
  const auto found = std::lower_bound(members_.begin(), members_.end(), member, before);
  if (found == members_.end() || dns::canonical_compare(name_at(found->zone), member) != 0) return std::nullopt;
  return static_cast<size_t>(found - members_.begin());
}

// ---- producing ------------------------------------------------------------------------------------------------------

namespace {

// What nobody is meant to ask or to see expire (RFC 9432 section 4.1, and its example).
constexpr u32 refresh_seconds = 3600;
constexpr u32 retry_seconds = 600;
constexpr u32 expire_seconds = 2'147'483'646;
// Octets of the hash that make a label: no two of any number of zones are the same.
constexpr size_t unique_octets = 16;

dns::Name below(const dns::Name& name, std::string_view label) {
  std::array<u8, dns::max_label_size> memory;
  ByteWriter octets(memory);
  octets.text(label);
  const auto made = name.child(octets.written());
  return made.ok() ? made.value() : name;
}

}  // namespace

Result<void, BuildError> add_catalog(ZoneBuilder& builder, const dns::Name& apex, dns::Serial serial,
                                     std::span<const CatalogEntry> entries) {
  std::array<u8, 512> memory;
  ByteWriter rdata(memory);
  const auto add = [&](const dns::Name& owner, RrType type) {
    const auto added = builder.add(owner, type, dns::Ttl(0), rdata.written());
    rdata.rollback({});
    return added;
  };
  constexpr std::string_view invalid("\x07invalid\x00", 9);
  rdata.text(invalid);
  rdata.text(invalid);
  for (const u32 number : {serial.value(), refresh_seconds, retry_seconds, expire_seconds, 0U}) rdata.u32(number);
  TRY(add(apex, RrType::SOA));
  rdata.text(invalid);
  TRY(add(apex, RrType::NS));
  rdata.text(
      "\x01"
      "2");
  TRY(add(below(apex, "version"), RrType::TXT));

  const dns::Name zones = below(apex, "zones");
  for (const CatalogEntry& entry : entries) {
    crypto::Hash hash(crypto::HashAlgorithm::sha256);
    hash.update(entry.zone.lowercased().wire());
    std::array<u8, 4> epoch{};
    store_be32(epoch, 0, entry.epoch);
    hash.update(epoch);
    const crypto::Digest digest = hash.finish();
    TextBuffer<2 * unique_octets> label;
    codec::encode_hex(digest.bytes().first(unique_octets), label.writer());
    const dns::Name member = below(zones, label.view());
    rdata.bytes(entry.zone.wire());
    TRY(add(member, RrType::PTR));
    if (entry.group.empty()) continue;
    rdata.u8(static_cast<u8>(std::min<size_t>(entry.group.size(), 255)));
    rdata.text(entry.group.substr(0, 255));
    TRY(add(below(member, "group"), RrType::TXT));
  }
  return {};
}

}  // namespace samara::zone
