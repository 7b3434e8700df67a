#include "zone/diff.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"

namespace samara::zone {
namespace {

std::vector<Ref> nodes_of(const Zone& zone) {
  std::vector<Ref> nodes;
  nodes.reserve(zone.node_count());
  zone.for_each_node([&nodes](const NodeView& node) { nodes.push_back(node.ref()); });
  return nodes;
}

// The nodes of the first owner: one, or two where an NSEC3 owner name has other data too.
std::span<const Ref> first_owner(const Zone& zone, std::span<const Ref> nodes) {
  if (nodes.empty()) return nodes;
  size_t count = 1;
  const Bytes key = zone.node(nodes[0]).key();
  while (count < nodes.size() && std::ranges::equal(zone.node(nodes[count]).key(), key)) ++count;
  return nodes.first(count);
}

std::strong_ordering compare_octets(Bytes a, Bytes b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

bool equal_sets(const RrsetView& a, const RrsetView& b) {
  if (a.has_signatures() != b.has_signatures() || !std::ranges::equal(a.images(), b.images())) return false;
  return !a.has_signatures() || std::ranges::equal(a.signatures().images(), b.signatures().images());
}

bool equal_nodes(const NodeView& a, const NodeView& b) {
  if (a.rrset_count() != b.rrset_count()) return false;
  for (size_t i = 0; i < a.rrset_count(); ++i) {
    if (!equal_sets(a.rrset(i), b.rrset(i))) return false;
  }
  return true;
}

// All records of an owner but the zone's SOA, in the order of their octets.
void gather(const Zone& zone, std::span<const Ref> nodes, std::vector<RecordView>& out) {
  out.clear();
  const auto take = [&out](RecordView record) { out.push_back(record); };
  for (const Ref ref : nodes) {
    zone.node(ref).for_each_rrset([&take](const RrsetView& set) {
      if (set.type() != dns::RrType::SOA) set.for_each_record(take);
      if (set.has_signatures()) set.signatures().for_each_record(take);
    });
  }
  std::ranges::sort(out, [](RecordView a, RecordView b) { return compare_octets(a.image(), b.image()) < 0; });
}

}  // namespace

std::optional<Difference> Difference::between(const Zone& from, const Zone& to) {
  if (from.apex() != to.apex()) return std::nullopt;
  Difference difference(from, to);
  const std::vector<Ref> from_nodes = nodes_of(from);
  const std::vector<Ref> to_nodes = nodes_of(to);
  std::span<const Ref> from_rest(from_nodes);
  std::span<const Ref> to_rest(to_nodes);
  while (!from_rest.empty() || !to_rest.empty()) {
    std::span<const Ref> from_owner = first_owner(from, from_rest);
    std::span<const Ref> to_owner = first_owner(to, to_rest);
    if (!from_owner.empty() && !to_owner.empty()) {
      const auto order = compare_octets(from.node(from_owner[0]).key(), to.node(to_owner[0]).key());
      if (order < 0) to_owner = {};
      if (order > 0) from_owner = {};
    }
    difference.compare_owner(from_owner, to_owner);
    from_rest = from_rest.subspan(from_owner.size());
    to_rest = to_rest.subspan(to_owner.size());
  }
  return difference;
}

void Difference::compare_owner(std::span<const Ref> from, std::span<const Ref> to) {
  if (from.size() == 1 && to.size() == 1 && equal_nodes(from_.node(from[0]), to_.node(to[0]))) return;
  gather(from_, from, from_records_);
  gather(to_, to, to_records_);
  size_t i = 0;
  size_t j = 0;
  while (i < from_records_.size() || j < to_records_.size()) {
    std::strong_ordering order = std::strong_ordering::equal;
    if (i == from_records_.size()) {
      order = std::strong_ordering::greater;
    } else if (j == to_records_.size()) {
      order = std::strong_ordering::less;
    } else {
      order = compare_octets(from_records_[i].image(), to_records_[j].image());
    }
    if (order < 0) deleted_.push_back({from[0], from_records_[i]});
    if (order > 0) added_.push_back({to[0], to_records_[j]});
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
}

std::string_view describe(PatchError error) {
  switch (error) {
    case PatchError::not_there: return "a record to delete is not in the zone";
    case PatchError::already_there: return "a record to add is in the zone already";
    case PatchError::bad_zone: return "the changes leave something that is no zone";
  }
  return "bad patch";
}

Patch::Change Patch::stage(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata) {
  const size_t owner_at = staged_.size();
  staged_.insert(staged_.end(), owner.wire().begin(), owner.wire().end());
  const size_t rdata_at = staged_.size();
  staged_.insert(staged_.end(), rdata.begin(), rdata.end());
  return {owner_at, rdata_at, static_cast<u16>(rdata.size()), type, ttl};
}

void Patch::delete_record(const dns::Name& owner, dns::RrType type, Bytes rdata) {
  deletions_.push_back(stage(owner, type, {}, rdata));
}

void Patch::add_record(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata) {
  additions_.push_back(stage(owner, type, ttl, rdata));
}

dns::Name Patch::owner_of(const Change& change) const {
  ByteReader at(Bytes(staged_).subspan(change.owner_at));
  return MUST(dns::Name::from_wire(at));
}

// The order of deletions: canonical, so that they meet the base zone's records one after the other.
bool Patch::before(const Change& a, const Change& b) const {
  const auto owners = dns::canonical_compare(owner_of(a), owner_of(b));
  if (owners != 0) return owners < 0;
  if (a.type != b.type) return a.type < b.type;
  return dns::canonical_compare_rdata(a.type, rdata_of(a), rdata_of(b)) < 0;
}

// Whether one of an owner's deletions, which are sorted, names this record; it is then used up.
bool Patch::deletes(std::span<Change> at_owner, RecordView record) {
  const auto less = [this](const Change& change, const RecordView& sought) {
    if (change.type != sought.type()) return change.type < sought.type();
    return dns::canonical_compare_rdata(change.type, rdata_of(change), sought.rdata()) < 0;
  };
  const auto found = std::lower_bound(at_owner.begin(), at_owner.end(), record, less);
  if (found == at_owner.end() || found->type != record.type() ||
      dns::canonical_compare_rdata(found->type, rdata_of(*found), record.rdata()) != 0) {
    return false;
  }
  found->used = true;
  return true;
}

Result<Zone, Patch::Failed> Patch::apply(const Zone& base, ZoneMemory& memory) {
  const auto bad_zone = [](BuildError error) { return Failed{PatchError::bad_zone, error}; };
  std::ranges::sort(deletions_, [this](const Change& a, const Change& b) { return before(a, b); });
  for (Change& change : deletions_) change.used = false;

  ZoneBuilder builder(memory, base.apex());
  std::optional<BuildError> error;
  std::span<Change> deletions(deletions_);
  std::optional<dns::Name> owner;
  std::span<Change> at_owner;  // the deletions at `owner`
  base.for_each_record([&](const dns::Name& name, RecordView record) {
    if (error.has_value()) return;
    if (!owner.has_value() || *owner != name) {
      owner = name;
      while (!deletions.empty() && dns::canonical_compare(owner_of(deletions[0]), name) < 0) deletions = deletions.subspan(1);
      size_t count = 0;
      while (count < deletions.size() && owner_of(deletions[count]) == name) ++count;
      at_owner = deletions.first(count);
    }
    if (!at_owner.empty() && deletes(at_owner, record)) return;
    const auto added = builder.add(name, record.type(), record.ttl(), record.rdata());
    if (!added.ok()) error = added.error();
  });
  if (error.has_value()) return fail(bad_zone(*error));
  if (!std::ranges::all_of(deletions_, &Change::used)) return fail(Failed{PatchError::not_there, std::nullopt});

  for (const Change& change : additions_) {
    TRY(builder.add(owner_of(change), change.type, change.ttl, rdata_of(change)).map_error(bad_zone));
  }
  Result<Zone, BuildError> built = builder.finish();
  if (!built.ok()) return fail(bad_zone(built.error()));
  if (builder.duplicates() != 0) {
    memory.give_back(built.value().extent());
    return fail(Failed{PatchError::already_there, std::nullopt});
  }
  return built.value();
}

}  // namespace samara::zone
