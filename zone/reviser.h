// Reviser: the records of a patch put into a zone. At each owner it merges them into the sets they belong to, checks what comes
// out as the builder does, and notes what really changed: a record that is deleted and added again has not, and one that gets
// another TTL with its set (RFC 2181 section 5.2) has.
//
// Order of calls: run() once; after an error, and when nothing has changed, what was written is rolled back (growth.h).
#pragma once

#include <vector>

#include "zone/diff.h"
#include "zone/history.h"
#include "zone/owner_data.h"
#include "zone/zone_editor.h"

namespace samara::zone {

class Reviser {
 public:
  // More than `step_limit` octets of changed records are not kept. `copied` as for a builder (builder.h). No set grows beyond
  // `rrset_limit` records; one that is larger already may change and shrink.
  Reviser(Growth& growth, const Zone& base, Patch& patch, size_t step_limit, Diagnostics* copied, const SizeLimits& limits);

  Result<void, Patch::Failed> run();
  // Whether there is a change at all.
  bool changed() const { return soa_changed_ || !step_.empty() || step_.too_large(); }
  // What changed, and the new header's words but for the history.
  const StepRecords& step() const { return step_; }
  HeaderWords& words() { return editor_.words(); }

 private:
  using Changes = std::span<const Patch::Change>;
  // A set of data and the signatures that cover it; either may be missing.
  struct OwnerSet {
    dns::RrType type;
    Ref data;
    Ref signatures;
  };
  // What is deleted and added of one set.
  struct SetChanges {
    Changes deletions;
    Changes additions;
    bool none() const { return deletions.empty() && additions.empty(); }
  };

  Result<void, Patch::Failed> revise_owner(Bytes key, Changes deletions, Changes additions);
  Result<void, Patch::Failed> revise_set(const dns::Name& name, dns::RrType type, SetChanges data, SetChanges signatures);
  // Writes the set at `before` (0: none) with the changes; returns `before` when it comes out the same.
  Result<Ref, Patch::Failed> revised(const dns::Name& name, Ref before, SetChanges changes, Ref signatures, bool rewrite);
  Result<void, Patch::Failed> merge(Ref before, SetChanges changes);
  void gather_sets(const OwnerName& owner);
  // The set's records (0: none); nothing: the heap has no room for them.
  std::optional<std::vector<RecordView>> records_of(Ref set) const;
  Result<void, Patch::Failed> put(const OwnerName& owner);
  // Notes what differs in two sets of a type (0: none); false when nothing does.
  Result<bool, Patch::Failed> note(const dns::Name& name, Ref before, Ref now);
  RrsetView set_at(Ref ref) const { return RrsetView(out_.view(), ref); }

  ExtentWriter& out_;
  Zone base_;
  Patch& patch_;
  Diagnostics* copied_;
  SizeLimits limits_;
  size_t types_before_ = 0;  // at the owner
  LookupKey apex_key_;
  ZoneEditor editor_;
  RrsetWriter writer_;
  StepRecords step_;
  bool soa_changed_ = false;
  bool parameters_changed_ = false;
  // Of the owner that is being revised, ascending types.
  std::vector<OwnerSet> sets_;
  bool owner_changed_ = false;
  std::vector<RecordView> merged_;
};

}  // namespace samara::zone
