// Overlay: a zone as it would be after changes that are not made yet. Each change sees those before it; at the end what differs
// from the zone is written as a Patch. The zone is only read where owners are touched, so the cost goes by the changes and the
// sizes of the RRsets they touch, not by the size of the zone.
//
// Getters   in_use(), count(), has(), for_each_type(), for_each_record(): with the changes so far
// Commands  owner(): once for a name, then add(), remove(), remove_set(), in any order; write_to() last
//
// All records of an RRset have one TTL (RFC 2181 section 5.2), that of the record added last; RRSIG records, which are of
// several RRsets, have each their own. Capacity: as many owners and records as are given.
#pragma once

#include <optional>
#include <vector>

#include "zone/diff.h"
#include "zone/zone.h"

namespace samara::zone {

class Overlay {
 public:
  // An owner name that has been touched.
  using Owner = u32;

  // `expected_owners`: at most about so many will be touched.
  explicit Overlay(const Zone& base, size_t expected_owners = 16);

  const Zone& base() const { return base_; }
  // `name` is at or below the zone's apex.
  Owner owner(const dns::Name& name);

  size_t count(Owner owner, dns::RrType type) { return set_at(owner, type).count(); }
  bool has(Owner owner, dns::RrType type) { return count(owner, type) != 0; }
  // Whether the name owns a record; an empty non-terminal does not (RFC 2136 section 2.4.4).
  bool in_use(Owner owner);
  bool has_record(Owner owner, dns::RrType type, Bytes rdata);
  // Calls f(RrType) for each type there are records of.
  template <class F>
  void for_each_type(Owner owner, F&& f) {
    load_all(owner);
    for (size_t i = 0; i < owners_[owner].sets.size(); ++i) {
      if (owners_[owner].sets[i].count() != 0) f(owners_[owner].sets[i].type);
    }
  }
  // Calls f(Ttl, Bytes rdata) for each record.
  template <class F>
  void for_each_record(Owner owner, dns::RrType type, F&& f) {
    const Set& set = set_at(owner, type);
    for (const Present& record : set.base) {
      if (record.present) f(set.ttl_of(record), record.record.rdata());
    }
    for (const Added& record : set.added) f(set.ttl_of(record), record.rdata);
  }

  // The TTL that an RRset has, or that this record has where each has its own; nothing when it is not there.
  std::optional<dns::Ttl> ttl(Owner owner, dns::RrType type, Bytes rdata);

  // Calls f(const dns::Name& owner, RrType, i64 records, i64 octets, size_t count) for each RRset that has been touched: by how
  // much it has grown, each record with its owner, and how many records it has now.
  template <class F>
  void for_each_growth(F&& f) const {
    for (const Name& owner : owners_) {
      for (const Set& set : owner.sets) {
        const i64 of_each = static_cast<i64>(owner.name.size() + dns::record_fixed_size);
        i64 records = 0;
        i64 octets = 0;
        for (const Present& record : set.base) {
          if (record.present) continue;
          --records;
          octets -= of_each + static_cast<i64>(record.record.rdata().size());
        }
        for (const Added& record : set.added) {
          ++records;
          octets += of_each + static_cast<i64>(record.rdata.size());
        }
        if (records != 0 || octets != 0) f(owner.name, set.type, records, octets, set.count());
      }
    }
  }

  // Calls f(const dns::Name& owner, size_t types) for each name that has more types than in the zone, its signatures not
  // counted: how many it has now.
  template <class F>
  void for_each_with_more_types(F&& f) const {
    for (const Name& owner : owners_) {
      i64 more = 0;
      for (const Set& set : owner.sets) {
        if (set.type == dns::RrType::RRSIG || set.type == dns::RrType::NSEC3) continue;
        more += (set.count() != 0 ? 1 : 0) - (set.base.empty() ? 0 : 1);
      }
      if (more <= 0) continue;
      i64 types = more;
      if (owner.node.has_value()) {
        owner.node->for_each_rrset([&](const RrsetView& set) { types += set.type() == dns::RrType::RRSIG ? 0 : 1; });
      }
      f(owner.name, static_cast<size_t>(types));
    }
  }

  // The rdata, a stored form, outlives the overlay. A record with equal data is replaced; so is any other where an owner has
  // one record of the type only (SOA, CNAME, DNAME), and a WKS of the same address and protocol (RFC 2136 section 3.4.2.2).
  void add(Owner owner, dns::RrType type, dns::Ttl ttl, Bytes rdata);
  void remove(Owner owner, dns::RrType type, Bytes rdata);
  void remove_set(Owner owner, dns::RrType type);

  // What leads from the zone to the overlay; nothing when they are the same.
  void write_to(Patch& patch) const;

 private:
  struct Present {
    RecordView record;
    bool present = true;
  };
  struct Added {
    dns::Ttl ttl;
    Bytes rdata;
  };
  struct Set {
    dns::RrType type{};
    dns::Ttl ttl;               // of all records, but RRSIGs
    std::vector<Present> base;  // in canonical order
    size_t base_count = 0;      // of them, present
    std::vector<Added> added;   // in canonical order; none is present in `base`
    bool uniform() const { return type != dns::RrType::RRSIG; }
    size_t count() const { return base_count + added.size(); }
    dns::Ttl ttl_of(const Present& record) const { return uniform() ? ttl : record.record.ttl(); }
    dns::Ttl ttl_of(const Added& record) const { return uniform() ? ttl : record.ttl; }
    std::vector<Present>::iterator find_base(Bytes rdata);
    std::vector<Added>::iterator place_of(Bytes rdata);
    bool is(const Added& record, Bytes rdata) const;
    void drop(Present& record);
    void drop_replaced(Bytes rdata);
    void clear();
  };
  struct Name {
    dns::Name name;
    u64 hash;
    std::optional<NodeView> node;
    std::optional<NodeView> nsec3;
    std::vector<Set> sets;
  };

  Set& set_at(Owner owner, dns::RrType type);
  void load(const Name& name, Set& set) const;
  void load_all(Owner owner);
  void rehash(size_t slots);

  Zone base_;
  size_t apex_labels_;
  std::vector<Name> owners_;
  std::vector<Owner> slots_;  // open addressing, a power of two; no_owner is free
};

}  // namespace samara::zone
