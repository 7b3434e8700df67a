#include "zone/overlay.h"

#include <algorithm>
#include <bit>

#include "dns-core/rdata/rdata.h"
#include "platform/base/sort.h"

namespace samara::zone {
namespace {

using dns::RrType;

constexpr u32 no_owner = 0xffffffff;
constexpr size_t wks_key_size = 5;  // address and protocol (RFC 1035 section 3.4.2)

bool is_single(RrType type) {
  return type == RrType::SOA || type == RrType::CNAME || type == RrType::DNAME;
}

}  // namespace

// ---- one RRset ------------------------------------------------------------------------------------------------------

std::vector<Overlay::Present>::iterator Overlay::Set::find_base(Bytes rdata) {
  const auto found = std::lower_bound(base.begin(), base.end(), rdata, [this](const Present& record, Bytes sought) {
    return dns::canonical_compare_rdata(type, record.record.rdata(), sought) < 0;
  });
  if (found == base.end() || dns::canonical_compare_rdata(type, found->record.rdata(), rdata) != 0) return base.end();
  return found;
}

std::vector<Overlay::Added>::iterator Overlay::Set::place_of(Bytes rdata) {
  return std::lower_bound(added.begin(), added.end(), rdata, [this](const Added& record, Bytes sought) {
    return dns::canonical_compare_rdata(type, record.rdata, sought) < 0;
  });
}

bool Overlay::Set::is(const Added& record, Bytes rdata) const {
  return dns::canonical_compare_rdata(type, record.rdata, rdata) == 0;
}

void Overlay::Set::drop(Present& record) {
  if (record.present) --base_count;
  record.present = false;
}

void Overlay::Set::clear() {
  for (Present& record : base) record.present = false;
  base_count = 0;
  added.clear();
}

// Makes room for a record that takes the place of others with different data.
void Overlay::Set::drop_replaced(Bytes rdata) {
  if (is_single(type)) return clear();
  if (type != RrType::WKS || rdata.size() < wks_key_size) return;
  const auto same_service = [&](Bytes other) {
    return other.size() >= wks_key_size && std::ranges::equal(other.first(wks_key_size), rdata.first(wks_key_size));
  };
  for (Present& record : base) {
    if (same_service(record.record.rdata())) drop(record);
  }
  std::erase_if(added, [&](const Added& record) { return same_service(record.rdata); });
}

// ---- owners ---------------------------------------------------------------------------------------------------------

Overlay::Overlay(const Zone& base, size_t expected_owners) : base_(base), apex_labels_(base.apex().label_count()) {
  owners_.reserve(expected_owners);
  rehash(std::bit_ceil(std::max<size_t>(16, expected_owners * 2)));
}

void Overlay::rehash(size_t slots) {
  slots_.assign(slots, no_owner);
  for (Owner i = 0; i < owners_.size(); ++i) {
    size_t slot = owners_[i].hash & (slots - 1);
    while (slots_[slot] != no_owner) slot = (slot + 1) & (slots - 1);
    slots_[slot] = i;
  }
}

Overlay::Owner Overlay::owner(const dns::Name& name) {
  const SearchName search(name);
  const u64 hash = search.hash(search.label_count());
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != no_owner; slot = (slot + 1) & mask) {
    const Name& other = owners_[slots_[slot]];
    if (other.hash == hash && other.name == name) return slots_[slot];
  }
  const Owner made = static_cast<Owner>(owners_.size());
  slots_[slot] = made;
  Name& fresh = owners_.emplace_back(Name{name, hash, std::nullopt, std::nullopt, {}});
  if (const Ref ref = base_.find(search, apex_labels_, search.label_count()); ref != 0) fresh.node = base_.node(ref);
  if (const Ref ref = base_.find_nsec3(search, apex_labels_); ref != 0) fresh.nsec3 = base_.node(ref);
  if (owners_.size() * 2 > slots_.size()) rehash(slots_.size() * 2);
  return made;
}

void Overlay::load(const Name& name, Set& set) const {
  const auto take = [&set](const RrsetView& records) {
    records.for_each_record([&set](RecordView record) { set.base.push_back({record}); });
  };
  for (const auto& node : {name.node, name.nsec3}) {
    if (!node.has_value()) continue;
    if (set.type != RrType::RRSIG) {
      const auto found = node->find(set.type);
      if (!found.has_value()) continue;
      set.base.reserve(found->count());
      take(*found);
      set.ttl = found->ttl();
      break;
    }
    // Those kept with what they cover, and those that cover nothing.
    node->for_each_rrset([&take](const RrsetView& records) {
      if (records.has_signatures()) take(records.signatures());
      if (records.type() == RrType::RRSIG) take(records);
    });
  }
  if (set.type == RrType::RRSIG) {
    compact_sort(set.base, [](const Present& a, const Present& b) {
      return dns::canonical_compare_rdata(RrType::RRSIG, a.record.rdata(), b.record.rdata()) < 0;
    });
  }
  set.base_count = set.base.size();
}

Overlay::Set& Overlay::set_at(Owner owner, RrType type) {
  Name& name = owners_[owner];
  const auto found = std::ranges::find(name.sets, type, &Set::type);
  if (found != name.sets.end()) return *found;
  Set& set = name.sets.emplace_back();
  set.type = type;
  load(name, set);
  return set;
}

void Overlay::load_all(Owner owner) {
  for (const auto& node : {owners_[owner].node, owners_[owner].nsec3}) {
    if (!node.has_value()) continue;
    for (size_t i = 0; i < node->rrset_count(); ++i) set_at(owner, node->rrset_type(i));
    if (node->has(node_has_signatures)) set_at(owner, RrType::RRSIG);
  }
}

bool Overlay::in_use(Owner owner) {
  bool used = false;
  for_each_type(owner, [&used](RrType) { used = true; });
  return used;
}

// ---- records --------------------------------------------------------------------------------------------------------

bool Overlay::has_record(Owner owner, RrType type, Bytes rdata) {
  Set& set = set_at(owner, type);
  const auto base = set.find_base(rdata);
  if (base != set.base.end() && base->present) return true;
  const auto place = set.place_of(rdata);
  return place != set.added.end() && set.is(*place, rdata);
}

std::optional<dns::Ttl> Overlay::ttl(Owner owner, RrType type, Bytes rdata) {
  Set& set = set_at(owner, type);
  if (set.count() == 0) return std::nullopt;
  if (set.uniform()) return set.ttl;
  if (const auto base = set.find_base(rdata); base != set.base.end() && base->present) return base->record.ttl();
  const auto place = set.place_of(rdata);
  return place != set.added.end() && set.is(*place, rdata) ? std::optional(place->ttl) : std::nullopt;
}

void Overlay::add(Owner owner, RrType type, dns::Ttl ttl, Bytes rdata) {
  Set& set = set_at(owner, type);
  set.ttl = ttl;
  set.drop_replaced(rdata);
  const auto place = set.place_of(rdata);
  const bool added = place != set.added.end() && set.is(*place, rdata);
  const auto base = set.find_base(rdata);
  if (base != set.base.end()) {
    // RFC 2136 section 1.1.1: names are the same in any case, so this is the zone's own record again, as it is written there.
    if (set.uniform() || base->record.ttl() == ttl) {
      if (added) set.added.erase(place);
      if (!base->present) ++set.base_count;
      base->present = true;
      return;
    }
    set.drop(*base);
  }
  if (added) {
    *place = {ttl, rdata};
  } else {
    set.added.insert(place, {ttl, rdata});
  }
}

void Overlay::remove(Owner owner, RrType type, Bytes rdata) {
  Set& set = set_at(owner, type);
  if (const auto base = set.find_base(rdata); base != set.base.end()) set.drop(*base);
  if (const auto place = set.place_of(rdata); place != set.added.end() && set.is(*place, rdata)) set.added.erase(place);
}

void Overlay::remove_set(Owner owner, RrType type) {
  set_at(owner, type).clear();
}

void Overlay::write_to(Patch& patch) const {
  for (const Name& owner : owners_) {
    for (const Set& set : owner.sets) {
      for (const Present& record : set.base) {
        if (record.present && record.record.ttl() == set.ttl_of(record)) continue;
        patch.delete_record(owner.name, set.type, record.record.rdata());
        if (record.present) patch.add_record(owner.name, set.type, set.ttl, record.record.rdata());
      }
      for (const Added& record : set.added) patch.add_record(owner.name, set.type, set.ttl_of(record), record.rdata);
    }
  }
}

}  // namespace samara::zone
