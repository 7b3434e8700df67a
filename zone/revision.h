// VersionedZone: a zone from version to version, as its loader keeps it. A change makes a new version that shares all but what
// changed with the one before, and keeps the difference for incremental transfers; both lie in zone memory, where versions that
// are still read stay whole.
//
//   apply()     a new version at the cost of the change (zone_editor.h says of which)
//   replace()   a zone that was built anew takes over; what changed is found by comparing the two
//   compact()   the present version copied together, once compaction_due(): what earlier versions left behind goes
//
//   savepoint() and back_to()   take back what apply() made since, when a row of changes must be made whole or not at all
//
// Each gives the version to publish. After replace() and compact() the extents of the versions before lie in take_retired():
// they may be given back to zone memory once nobody reads a version from before that call any more.
// Errors leave everything as it was.
#pragma once

#include <optional>
#include <vector>

#include "zone/diff.h"
#include "zone/growth.h"
#include "zone/history.h"
#include "zone/zone.h"

namespace samara::zone {

class VersionedZone {
 public:
  explicit VersionedZone(ZoneMemory& memory, HistoryLimits limits = {})
      : memory_(memory), growth_(memory, 0), history_(limits) {}
  VersionedZone(const VersionedZone&) = delete;
  VersionedZone& operator=(const VersionedZone&) = delete;

  // Takes over a zone as it was built, or compacted. There was none before.
  void adopt(const Zone& zone);
  const std::optional<Zone>& zone() const { return zone_; }

  // A patch whose changes cancel gives the present version again. Where the serial does not go up, no secondary could ask for
  // the step, nor for one across it, and one that has the serial may have either content: the history starts anew once the
  // serial is above all that were there before. replace() does the same.
  // `copied` as for a builder (builder.h), `limits` as for a reviser (reviser.h).
  Result<Zone, Patch::Failed> apply(Patch& patch, Diagnostics* copied = nullptr, const SizeLimits& limits = {});
  // What was made by apply() since then goes, and was never published; nothing else happened in between.
  struct Savepoint {
    std::optional<Zone> zone;
    HistoryKeeper history;
    Growth::Mark growth;
  };
  Savepoint savepoint() const { return {zone_, history_, growth_.mark()}; }
  void back_to(Savepoint&& before);
  // What replace() has to know of `next`, which has the same apex: the dear part of it, with pauses. Where the heap has no room
  // to compare, the history ends. The memory of the present
  // version stays as it is meanwhile: no compact(), replace() or abandon().
  class Comparison {
   public:
    // Whether it still is a comparison with the present version.
    bool holds_for(const VersionedZone& zone) const { return zone.zone_->header() == from_.header(); }

   private:
    friend VersionedZone;
    Comparison(const Zone& from, size_t step_limit) : from_(from), step_(step_limit) {}
    Zone from_;
    bool same_ = false;
    bool compared_ = true;
    StepRecords step_;
  };
  Comparison compare(const Zone& next, const Pause& pause = {}) const;
  // `next` has not been published. When it is the same in every record, the present version stays in service, and `next` is
  // given back. `comparison` holds.
  Zone replace(const Zone& next, const Comparison& comparison);
  Zone replace(const Zone& next) { return replace(next, compare(next)); }
  // For a zone that changes faster than it can be compared: the history ends, so that secondaries transfer it whole.
  Zone replace_uncompared(const Zone& next);
  // Growth has reached half of what the zone takes by itself, or its index is short of free slots. Where memory is scarce, in
  // all or for this zone, a small part of memory is enough.
  bool compaction_due(bool scarce = false) const;
  // Whether compact() would give back what is worth a copy.
  bool is_worth_compacting(bool scarce) const;
  // Into one extent, or where none is large enough into several. Where memory is scarce the history gives way: who needs it is
  // sent the zone whole.
  Result<Zone, BuildError> compact(bool scarce = false);

  std::vector<Extent> take_retired() { return std::exchange(retired_, {}); }
  // Gives the zone up; all its extents are retired.
  void abandon();
  // Octets written since the zone was built or compacted.
  size_t growth() const { return growth_.used() - copied_; }
  // Octets that the zone took when it was built or compacted.
  size_t base() const { return zone_->extent().size + copied_; }
  // Octets that it takes, with what earlier versions left behind.
  size_t octets() const { return base() + growth(); }
  // Octets that a copy takes at most: all that was written, and a larger index where that is short of slots.
  size_t copy_octets() const;

 private:
  // All extents are retired; a zone of `base` octets begins.
  void retire_all(size_t base);
  // `next`, in an extent of its own, is the zone from now on.
  void take_over(const Zone& next);
  void write_history(const Zone& next);

  ZoneMemory& memory_;
  std::optional<Zone> zone_;
  Growth growth_;
  size_t copied_ = 0;  // octets of growth_ with which it began, when the zone was compacted
  HistoryKeeper history_;
  std::vector<Extent> retired_;
};

}  // namespace samara::zone
