// Catalog zones (RFC 9432): a zone whose data is a list of zones, so that secondaries learn which to serve.
//
//   version.$CATZ                     TXT "2"           (or "1", as BIND wrote before the RFC)
//   UNIQUE.zones.$CATZ                PTR MEMBER
//   coo.UNIQUE.zones.$CATZ            PTR NEW-CATALOG   the member may move there (section 4.4.1)
//   group.UNIQUE.zones.$CATZ          TXT "GROUP"       how consumers configure it (section 4.4.2)
//
//   Catalog            what a catalog zone says, read and checked; a broken one is refused whole (section 5.1)
//   CatalogMembership  which catalog each zone belongs to, and what changes with a new version of one
//   add_catalog()      the records of a catalog zone, for a builder
//
// Names and properties that are not known are ignored (section 3), BIND's of version 1 among them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/result.h"
#include "zone/builder.h"
#include "zone/zone.h"

namespace samara::zone {

constexpr size_t max_catalog_members = 100'000;  // as many zones as a configuration may name
constexpr size_t max_member_groups = 16;         // of one member; people use one

enum class CatalogError : u8 {
  no_version,
  several_versions,  // the version's TXT RRset has more than one record
  unknown_version,
  several_members,   // a member's PTR RRset has more than one record
  duplicate_member,  // a zone is a member twice
  several_owners,    // a coo property with more than one record
  bad_group,         // more than one character string, or too many groups
  too_many_members,
  no_memory,  // to read it
};
std::string_view describe(CatalogError error);

// Views into the catalog they come from.
struct CatalogMember {
  Bytes zone;    // wire form, lower case
  Bytes unique;  // the label, without its length, lower case
  Bytes owner;   // the coo property: wire form, lower case; empty: none
  Bytes groups;  // each a length octet and as many octets, in the zone's order
};

// A member that was one before a restart.
struct KnownMember {
  dns::Name zone;
  std::vector<u8> unique;  // as CatalogMember's
};

class Catalog {
 public:
  static Result<Catalog, CatalogError> read(const Zone& zone);
  // Of different zones, in any order.
  static Catalog of(std::span<const KnownMember> members);

  size_t size() const { return members_.size(); }
  // Of the heap.
  size_t octets() const { return octets_.size() + members_.size() * sizeof(Entry); }
  // In canonical order of the zones' names.
  CatalogMember operator[](size_t n) const;
  std::optional<size_t> find(Bytes member) const;

 private:
  // In octets_, each with its size in front: 8 bits, of the groups 16.
  struct Entry {
    u32 zone = 0;
    u32 unique = 0;
    u32 owner = 0;   // 0: none
    u32 groups = 0;  // 0: none
  };
  friend class CatalogReader;

  Bytes name_at(u32 at) const;
  u32 put(Bytes octets);
  void sort();

  std::vector<u8> octets_;
  std::vector<Entry> members_;
};

// What a new version of a catalog means for one zone.
struct CatalogChange {
  enum class Kind : u8 {
    added,
    removed,
    reset,               // another label: what was known of the zone is to be forgotten (RFC 9432 section 5.6)
    moved,               // to this catalog, with what is known of the zone (section 4.4.1)
    changed,             // other groups
    ignored_configured,  // configured otherwise (section 5.2)
    ignored_claimed,     // another catalog has it (section 5.2)
  };
  Kind kind{};
  u16 catalog = 0;
  dns::Name zone;
};
std::string_view describe(CatalogChange::Kind kind);

// Changes in a row; there may be one for each member.
class CatalogChanges {
 public:
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  CatalogChange operator[](size_t n) const;
  void put(CatalogChange::Kind kind, u16 catalog, Bytes zone);
  void put_all(const CatalogChanges& others);

  struct Iterator {
    const CatalogChanges* changes;
    size_t at;
    CatalogChange operator*() const { return (*changes)[at]; }
    Iterator& operator++() {
      ++at;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  struct Entry {
    u32 zone;  // in octets_
    CatalogChange::Kind kind;
    u16 catalog;
  };
  std::vector<u8> octets_;  // names in wire form
  std::vector<Entry> entries_;
};

class CatalogMembership {
 public:
  // `catalogs` of them, named by index; `names` are their apexes.
  explicit CatalogMembership(std::span<const dns::Name> names);

  // Before the first version of a catalog is read: its members at the end of the run before, none of which is another's. They
  // stay its own until a version of it, or its agreement, says otherwise (RFC 9432 sections 4.4.1 and 5.2).
  void remember(u16 catalog, std::span<const KnownMember> members);
  // A new version of a catalog that has been read: what changes, ignored members last. `configured(zone)` says whether a zone
  // is configured otherwise, a catalog for example. A broken version is not given here: the old membership stays.
  template <class Configured>
  CatalogChanges update(u16 catalog, Catalog fresh, Configured&& configured) {
    std::vector<bool> taken(fresh.size());
    for (size_t i = 0; i < fresh.size(); ++i) taken[i] = configured(name_of(fresh[i].zone));
    return replace(catalog, std::move(fresh), taken);
  }
  // The catalog is no longer configured: all its members go, to who else claims them if somebody does.
  CatalogChanges drop(u16 catalog);
  // What update() with this may take of the heap meanwhile, at most.
  size_t octets_to_update(u16 catalog, const Catalog& fresh) const {
    return octets_per_octet * (sources_[catalog].catalog.octets() + fresh.octets());
  }
  // Calls f(const dns::Name&) for each member that the catalog has, in canonical order.
  template <class F>
  void for_each_member(u16 catalog, F&& f) const {
    const Source& source = sources_[catalog];
    for (size_t i = 0; i < source.catalog.size(); ++i) {
      if (source.holds[i] == Hold::owned) f(name_of(source.catalog[i].zone));
    }
  }

  // The catalog that has the zone as a member, and the member there.
  struct Owner {
    u16 catalog;
    CatalogMember member;
  };
  std::optional<Owner> owner(const dns::Name& zone) const;

 private:
  enum class Hold : u8 { none, owned, configured };
  struct Source {
    dns::Name name;
    Catalog catalog;
    std::vector<Hold> holds;  // by member
  };
  struct Place {
    u16 catalog;
    size_t member;
  };

  // A change takes no more than its member, and vectors three times what is in them while they grow.
  static constexpr size_t octets_per_octet = 3;

  CatalogChanges replace(u16 catalog, Catalog fresh, const std::vector<bool>& configured);
  std::optional<Place> owner_of(Bytes zone) const;
  void release(Bytes zone, u16 from, CatalogChanges& changes);
  bool hand_over(u16 from, size_t member, Bytes was, CatalogChanges& changes);
  static dns::Name name_of(Bytes wire) {
    ByteReader at(wire);
    return MUST(dns::Name::from_wire(at));
  }

  std::vector<Source> sources_;
};

// A zone to be named in a catalog that is produced.
struct CatalogEntry {
  dns::Name zone;
  std::string_view group;  // at most 255 octets; empty: none
  u32 epoch = 0;           // another one gives another label: consumers forget what they know of the zone
};

// Adds a whole catalog zone of version 2 with this serial to a builder for its apex, SOA and NS as RFC 9432 section 4.1 shows
// them. A zone's label is made from its name, so that it is the same in every version and on every primary. Entries with the
// same zone are one.
Result<void, BuildError> add_catalog(ZoneBuilder& builder, const dns::Name& apex, dns::Serial serial,
                                     std::span<const CatalogEntry> entries);

}  // namespace samara::zone
