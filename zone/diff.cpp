#include "zone/diff.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "platform/base/heap_room.h"
#include "zone/key.h"
#include "zone/owner_data.h"

namespace samara::zone {
namespace {

// Nothing: the heap has no room for them.
std::optional<std::vector<Ref>> nodes_of(const Zone& zone, Pace& pace) {
  std::vector<Ref> nodes;
  if (!make_room(nodes, zone.node_count())) return std::nullopt;
  zone.for_each_node([&](const NodeView& node) {
    nodes.push_back(node.ref());
    pace.step();
  });
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

// All records of an owner but the zone's SOA, in the order of their octets. False: the heap has no room for them.
bool gather(const Zone& zone, std::span<const Ref> nodes, std::vector<RecordView>& out) {
  out.clear();
  bool room = true;
  const auto take = [&](RecordView record) {
    room = room && make_room(out, 1);
    if (room) out.push_back(record);
  };
  for (const Ref ref : nodes) {
    zone.node(ref).for_each_rrset([&take](const RrsetView& set) {
      if (set.type() != dns::RrType::SOA) set.for_each_record(take);
      if (set.has_signatures()) set.signatures().for_each_record(take);
    });
  }
  std::ranges::sort(out, [](RecordView a, RecordView b) { return compare_octets(a.image(), b.image()) < 0; });
  return room;
}

}  // namespace

std::optional<Difference> Difference::between(const Zone& from, const Zone& to, const Pause& pause) {
  if (from.apex() != to.apex()) return std::nullopt;
  Difference difference(from, to);
  Pace pace(pause);
  const auto from_nodes = nodes_of(from, pace);
  const auto to_nodes = nodes_of(to, pace);
  difference.complete_ = from_nodes.has_value() && to_nodes.has_value();
  if (!difference.complete_) return difference;
  std::span<const Ref> from_rest(*from_nodes);
  std::span<const Ref> to_rest(*to_nodes);
  while (difference.complete_ && (!from_rest.empty() || !to_rest.empty())) {
    std::span<const Ref> from_owner = first_owner(from, from_rest);
    std::span<const Ref> to_owner = first_owner(to, to_rest);
    if (!from_owner.empty() && !to_owner.empty()) {
      const auto order = compare_octets(from.node(from_owner[0]).key(), to.node(to_owner[0]).key());
      if (order < 0) to_owner = {};
      if (order > 0) from_owner = {};
    }
    difference.compare_owner(from_owner, to_owner);
    pace.step();
    from_rest = from_rest.subspan(from_owner.size());
    to_rest = to_rest.subspan(to_owner.size());
  }
  return difference;
}

void Difference::compare_owner(std::span<const Ref> from, std::span<const Ref> to) {
  if (from.size() == 1 && to.size() == 1 && equal_nodes(from_.node(from[0]), to_.node(to[0]))) return;
  complete_ = gather(from_, from, from_records_) && gather(to_, to, to_records_);
  // Of one owner there are no more than these.
  complete_ = complete_ && make_room(deleted_, from_records_.size()) && make_room(added_, to_records_.size());
  if (!complete_) return;
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

void Patch::clear() {
  staged_.clear();
  deletions_.clear();
  additions_.clear();
  last_key_at_.reset();
  incomplete_ = false;
}

void Patch::expect(size_t deletions, size_t additions, size_t octets) {
  incomplete_ =
      incomplete_ || !make_room(staged_, octets) || !make_room(deletions_, deletions) || !make_room(additions_, additions);
}

std::optional<Patch::Change> Patch::stage(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata) {
  const size_t record_size = dns::record_fixed_size + rdata.size();
  if (!last_key_at_.has_value() || owner != last_owner_) {
    const LookupKey key(owner);
    incomplete_ = incomplete_ || !make_room(staged_, 2 + key.size() + record_size);
    if (incomplete_) return std::nullopt;
    last_owner_ = owner;
    last_key_at_ = staged_.size();
    staged_.push_back(static_cast<u8>(key.size()));
    staged_.push_back(static_cast<u8>(key.size() >> 8));
    staged_.insert(staged_.end(), key.symbols().begin(), key.symbols().end());
  }
  incomplete_ = incomplete_ || !make_room(staged_, record_size);
  if (incomplete_) return std::nullopt;
  const size_t record_at = staged_.size();
  staged_.resize(record_at + record_size);
  ByteWriter image(staged_, record_at);
  dns::write_record_fields(type, ttl, rdata.size(), image);
  image.bytes(rdata);
  return Change{*last_key_at_, record_at};
}

void Patch::delete_record(const dns::Name& owner, dns::RrType type, Bytes rdata) {
  const auto change = stage(owner, type, {}, rdata);
  incomplete_ = incomplete_ || !make_room(deletions_, 1);
  if (!incomplete_) deletions_.push_back(*change);
}

void Patch::add_record(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata) {
  const auto change = stage(owner, type, ttl, rdata);
  incomplete_ = incomplete_ || !make_room(additions_, 1);
  if (!incomplete_) additions_.push_back(*change);
}

Bytes Patch::key_of(const Change& change) const {
  const Bytes at = Bytes(staged_).subspan(change.key_at);
  return at.subspan(2, static_cast<size_t>(at[0] | at[1] << 8));
}

RecordView Patch::record_of(const Change& change) const {
  const Bytes at = Bytes(staged_).subspan(change.record_at);
  return RecordView(at.first(dns::ownerless_image_size(at)));
}

dns::RrType Patch::set_of(const Change& change) const {
  const RecordView record = record_of(change);
  // Signatures that do not even say what they cover are with none.
  if (record.type() == dns::RrType::RRSIG && record.rdata().size() < 2) return dns::RrType{};
  return set_type(record);
}

bool Patch::before(const Change& a, const Change& b) const {
  if (a.key_at != b.key_at) {
    const auto owners = compare_octets(key_of(a), key_of(b));
    if (owners != 0) return owners < 0;
  }
  const dns::RrType set = set_of(a);
  if (set != set_of(b)) return set < set_of(b);
  const RecordView x = record_of(a);
  const RecordView y = record_of(b);
  if (x.type() != y.type()) return y.type() == dns::RrType::RRSIG;
  return dns::canonical_compare_rdata(x.type(), x.rdata(), y.rdata()) < 0;
}

void Patch::sort() {
  const auto less = [this](const Change& a, const Change& b) { return before(a, b); };
  std::ranges::sort(deletions_, less);
  std::ranges::sort(additions_, less);
}

}  // namespace samara::zone
