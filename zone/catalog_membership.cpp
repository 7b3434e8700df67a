// CatalogMembership (catalog.h): whose a zone is when catalogs come and go.
#include <algorithm>

#include "zone/catalog.h"

namespace samara::zone {

CatalogChange CatalogChanges::operator[](size_t n) const {
  const Entry& entry = entries_[n];
  ByteReader at(Bytes(octets_).subspan(entry.zone));
  return {entry.kind, entry.catalog, MUST(dns::Name::from_wire(at))};
}

void CatalogChanges::put(CatalogChange::Kind kind, u16 catalog, Bytes zone) {
  entries_.push_back({static_cast<u32>(octets_.size()), kind, catalog});
  octets_.insert(octets_.end(), zone.begin(), zone.end());
}

void CatalogChanges::put_all(const CatalogChanges& others) {
  const u32 at = static_cast<u32>(octets_.size());
  octets_.insert(octets_.end(), others.octets_.begin(), others.octets_.end());
  for (const Entry& entry : others.entries_) entries_.push_back({at + entry.zone, entry.kind, entry.catalog});
}

CatalogMembership::CatalogMembership(std::span<const dns::Name> names) {
  sources_.reserve(names.size());
  for (const dns::Name& name : names) sources_.push_back({.name = name, .catalog = {}, .holds = {}});
}

std::optional<CatalogMembership::Place> CatalogMembership::owner_of(Bytes zone) const {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto member = sources_[i].catalog.find(zone);
    if (member.has_value() && sources_[i].holds[*member] == Hold::owned) return Place{static_cast<u16>(i), *member};
  }
  return std::nullopt;
}

std::optional<CatalogMembership::Owner> CatalogMembership::owner(const dns::Name& zone) const {
  const auto place = owner_of(zone.lowercased().wire());
  if (!place.has_value()) return std::nullopt;
  return Owner{place->catalog, sources_[place->catalog].catalog[place->member]};
}

CatalogChanges CatalogMembership::replace(u16 catalog, Catalog fresh, const std::vector<bool>& configured) {
  using Kind = CatalogChange::Kind;
  CatalogChanges changes;
  CatalogChanges ignored;
  Source& source = sources_[catalog];
  const Source old = std::move(source);
  source = {.name = old.name, .catalog = std::move(fresh), .holds = {}};
  const Catalog& now = source.catalog;
  source.holds.assign(now.size(), Hold::none);

  for (size_t i = 0; i < now.size(); ++i) {
    const CatalogMember member = now[i];
    const auto change = [&](Kind kind) { changes.put(kind, catalog, member.zone); };
    if (configured[i]) {
      source.holds[i] = Hold::configured;
      ignored.put(Kind::ignored_configured, catalog, member.zone);
      continue;
    }
    const auto before = old.catalog.find(member.zone);
    if (before.has_value() && old.holds[*before] == Hold::owned) {
      source.holds[i] = Hold::owned;
      const CatalogMember was = old.catalog[*before];
      if (hand_over(catalog, i, was.unique, changes)) continue;
      if (!std::ranges::equal(was.unique, member.unique)) {
        change(Kind::reset);
      } else if (!std::ranges::equal(was.groups, member.groups)) {
        change(Kind::changed);
      }
      continue;
    }
    const auto place = owner_of(member.zone);
    if (!place.has_value()) {
      source.holds[i] = Hold::owned;
      change(Kind::added);
      continue;
    }
    // RFC 9432 section 4.4.1: who has it must have agreed; the same label keeps what is known of the zone.
    const CatalogMember theirs = sources_[place->catalog].catalog[place->member];
    if (theirs.owner.empty() || !source.name.equals(theirs.owner)) {
      ignored.put(Kind::ignored_claimed, catalog, member.zone);
      continue;
    }
    source.holds[i] = Hold::owned;
    change(std::ranges::equal(theirs.unique, member.unique) ? Kind::moved : Kind::reset);
    sources_[place->catalog].holds[place->member] = Hold::none;
  }
  for (size_t i = 0; i < old.catalog.size(); ++i) {
    const Bytes zone = old.catalog[i].zone;
    const auto still = now.find(zone);
    const bool kept = still.has_value() && source.holds[*still] == Hold::owned;
    if (old.holds[i] == Hold::owned && !kept && !owner_of(zone).has_value()) release(zone, catalog, changes);
  }
  changes.put_all(ignored);
  return changes;
}

void CatalogMembership::remember(u16 catalog, std::span<const KnownMember> members) {
  Source& source = sources_[catalog];
  source.catalog = Catalog::of(members);
  source.holds.assign(source.catalog.size(), Hold::owned);
}

// A member whose owner agrees that another catalog has it, which has named it already: versions of two catalogs come in either
// order. `was` is the label it is known by.
bool CatalogMembership::hand_over(u16 from, size_t member, Bytes was, CatalogChanges& changes) {
  const CatalogMember given = sources_[from].catalog[member];
  if (given.owner.empty()) return false;
  for (size_t i = 0; i < sources_.size(); ++i) {
    Source& to = sources_[i];
    if (i == from || !to.name.equals(given.owner)) continue;
    const auto found = to.catalog.find(given.zone);
    if (!found.has_value() || to.holds[*found] != Hold::none) return false;
    const bool same_label = std::ranges::equal(was, given.unique) && std::ranges::equal(was, to.catalog[*found].unique);
    sources_[from].holds[member] = Hold::none;
    to.holds[*found] = Hold::owned;
    changes.put(same_label ? CatalogChange::Kind::moved : CatalogChange::Kind::reset, static_cast<u16>(i), given.zone);
    return true;
  }
  return false;
}

// A catalog lets go of a zone: another one that has named it all along takes it, as if it did so now.
void CatalogMembership::release(Bytes zone, u16 from, CatalogChanges& changes) {
  changes.put(CatalogChange::Kind::removed, from, zone);
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto member = sources_[i].catalog.find(zone);
    if (i == from || !member.has_value() || sources_[i].holds[*member] != Hold::none) continue;
    sources_[i].holds[*member] = Hold::owned;
    changes.put(CatalogChange::Kind::added, static_cast<u16>(i), zone);
    return;
  }
}

CatalogChanges CatalogMembership::drop(u16 catalog) {
  return replace(catalog, {}, {});
}

}  // namespace samara::zone
