// ZoneSetMaker: the sets of zones that a server publishes, one after the other. A set costs what has changed since the one
// before: it is written behind that one and shares the rest with it (zone_set.h). When what was written so has grown to half of
// the set, the next one is written whole, which costs each change the same whether there are a thousand zones or a hundred
// thousand. Small sets are always written whole.
//
// Memory for a whole one is kept aside, so that zones which fill all the rest do not keep a server from publishing the others.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "zone/growth.h"
#include "zone/memory.h"
#include "zone/retired_extents.h"
#include "zone/zone_set.h"

namespace samara::zone {

class ZoneSetMaker {
 public:
  // A set of less is written whole each time: some hundred zones.
  static constexpr size_t least_to_share = size_t{16} << 10;
  // Changes for each zone beyond which a set is written whole.
  static constexpr size_t zones_per_change = 8;

  // Both outlive this.
  ZoneSetMaker(ZoneMemory& memory, RetiredExtents& retired) : memory_(memory), retired_(retired), growth_(memory, 0) {}

  // Takes memory aside before zones take it: for a set with these apexes, which are different, and for the one after it. What
  // is not there is not taken.
  void keep_room(std::span<const ZoneSetEntry> entries);
  // The same for so many zones, whose names are not at hand.
  void keep_room(size_t zones) { keep(octets_per_zone_in_set * (zones + 1), 2); }

  // What is at this apex has changed, or may have: the zone has another version, is there or is not there any more. Whatever
  // the next set does not hear of stays as it is in it, so the memory of a version must not be given back before.
  void touch(const dns::Name& apex);
  // As if all were touched.
  void touch_all() {
    whole_ = true;
    touched_.clear();
  }
  // The next set. find(apex) -> std::optional<ZoneSetEntry> says what is at an apex, all() -> std::vector<ZoneSetEntry> or a
  // reference to one what there is. What only sets before it have is free once nobody reads `generation` any more. Nothing: no
  // memory for it.
  template <class Find, class All>
  std::optional<ZoneSet> next(u64 generation, Find&& find, All&& all) {
    if (shares()) {
      ZoneSetEditor editor = begin_change();
      bool good = true;
      for (const dns::Name& apex : touched_) {
        const std::optional<ZoneSetEntry> entry = find(apex);
        good = good && (entry.has_value() ? editor.set(*entry) : editor.remove(apex));
      }
      if (end_change(good ? editor.finish() : std::nullopt)) return last_;
    }
    return next_whole(all(), generation);
  }
  // Whether next() is sure to find memory for a set of the same zones.
  bool has_room() const { return !aside_.empty() || !last_.has_value(); }
  // Memory was given back: what is kept aside is taken before anybody else takes it.
  void refill() {
    if (last_.has_value()) keep(last_->extent().size, 1);
  }

  // Octets written for sets, and how often one was written whole.
  struct Written {
    u64 octets = 0;
    u64 whole = 0;
  };
  const Written& written() const { return written_; }

 private:
  void keep(size_t size, size_t count);
  bool shares() const;
  ZoneSetEditor begin_change();
  bool end_change(std::optional<ZoneSet> made);
  std::optional<ZoneSet> next_whole(std::span<const ZoneSetEntry> entries, u64 generation);

  ZoneMemory& memory_;
  RetiredExtents& retired_;
  std::vector<Extent> aside_;  // each for a set
  std::optional<ZoneSet> last_;
  Growth growth_;  // what was written since the last whole set
  std::vector<dns::Name> touched_;
  size_t apexes_ = 0;  // of the last whole set
  bool whole_ = true;
  Written written_;
};

}  // namespace samara::zone
