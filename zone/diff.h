// The difference of two versions of a zone in the terms of an incremental transfer (RFC 1995 section 4): the old version's
// SOA and the records to delete, then the new version's SOA and the records to add.
//
//   Difference   between two zones in memory; it refers to both and must not outlive them
//   Patch        a difference as records of its own, from a transfer or a file, to be applied to a zone (revision.h)
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "platform/base/plain_vector.h"
#include "platform/base/result.h"
#include "zone/builder.h"
#include "zone/pause.h"
#include "zone/zone.h"

namespace samara::zone {

class Difference {
 public:
  // Nothing when the two do not have the same apex. Records are the same when owner, type, TTL and rdata are, the case of names
  // in the rdata included.
  static std::optional<Difference> between(const Zone& from, const Zone& to, const Pause& pause = {});

  // Whether the heap had room for all of it; not all differences are there otherwise.
  bool is_complete() const { return complete_; }
  // Whether there is none. The zones may then still have different memory layouts.
  bool empty() const {
    return complete_ && deleted_.empty() && added_.empty() && std::ranges::equal(from_.soa().images(), to_.soa().images());
  }
  dns::Serial from_serial() const { return from_.serial(); }
  dns::Serial to_serial() const { return to_.serial(); }
  // Records besides the two SOAs.
  size_t deleted_count() const { return deleted_.size(); }
  size_t added_count() const { return added_.size(); }

  // Call f(const dns::Name& owner, RecordView) for the SOA, then for every other record in canonical order of owners. The SOA
  // comes even when it is the same in both.
  template <class F>
  void for_each_deleted(F&& f) const {
    visit(from_, deleted_, f);
  }
  template <class F>
  void for_each_added(F&& f) const {
    visit(to_, added_, f);
  }

 private:
  struct Item {
    Ref node;
    RecordView record;
  };

  Difference(const Zone& from, const Zone& to) : from_(from), to_(to) {}
  void compare_owner(std::span<const Ref> from, std::span<const Ref> to);
  template <class F>
  static void visit(const Zone& zone, const std::vector<Item>& items, F& f) {
    f(zone.apex(), zone.soa().first());
    Ref last = 0;
    dns::Name owner;
    for (const Item& item : items) {
      if (item.node != last) owner = zone.owner(zone.node(item.node));
      last = item.node;
      f(owner, item.record);
    }
  }

  Zone from_;
  Zone to_;
  std::vector<Item> deleted_;
  std::vector<Item> added_;
  std::vector<RecordView> from_records_;  // of one owner, while comparing
  std::vector<RecordView> to_records_;
  bool complete_ = true;
};

enum class PatchError : u8 {
  not_there,      // a record to delete is not in the zone
  already_there,  // a record to add is in the zone already
  bad_zone,       // what comes out is no zone: see `build`
};
std::string_view describe(PatchError error);

class Patch {
 public:
  // The rdata is a stored form and copied. The SOAs are records like all others: the old one deleted, the new one added. A
  // record to delete is found whatever its TTL and the case of its names (RFC 2136 section 1.1.1).
  void delete_record(const dns::Name& owner, dns::RrType type, Bytes rdata);
  void add_record(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata);
  size_t size() const { return deletions_.size() + additions_.size(); }
  // Room for so many changes, whose names and records have so many octets, so that what holds them need not grow.
  void expect(size_t deletions, size_t additions, size_t octets);
  // The heap had no room for all of it: it cannot be applied.
  bool is_incomplete() const { return incomplete_; }
  // No changes any more; the memory of those that were there is kept for others.
  void clear();

  // Why a patch cannot be applied (revision.h).
  struct Failed {
    struct Set {
      dns::Name owner;
      dns::RrType type;
    };
    PatchError error;
    std::optional<BuildError> build;
    std::optional<Set> set = std::nullopt;  // where one is at fault
  };

  struct Change {
    size_t key_at;  // in staged_: the owner's key, with its size in front
    size_t record_at;
  };
  // Brings both lists into the order of owners, sets, rdata (canonical); in a set the signatures that cover it come last.
  void sort();
  std::span<const Change> deletions() const { return deletions_; }
  std::span<const Change> additions() const { return additions_; }
  // The symbols of the owner's name from the root.
  Bytes key_of(const Change& change) const;
  RecordView record_of(const Change& change) const;
  // The set the record is kept with (owner_data.h).
  dns::RrType set_of(const Change& change) const;

 private:
  std::optional<Change> stage(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata);
  bool before(const Change& a, const Change& b) const;

  PlainVector<u8> staged_;
  std::vector<Change> deletions_;
  std::vector<Change> additions_;
  dns::Name last_owner_;
  std::optional<size_t> last_key_at_;
  bool incomplete_ = false;
};

}  // namespace samara::zone
