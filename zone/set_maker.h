// ZoneSetMaker: the sets of zones that a server publishes, one after the other. Memory for the next one is kept aside, so that
// zones which fill all the rest do not keep a server from publishing the others.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "zone/memory.h"
#include "zone/retired_extents.h"
#include "zone/zone_set.h"

namespace samara::zone {

class ZoneSetMaker {
 public:
  // Both outlive this.
  ZoneSetMaker(ZoneMemory& memory, RetiredExtents& retired) : memory_(memory), retired_(retired) {}

  // Takes memory aside before zones take it: for a set with these apexes, which are different, and for the one after it. What
  // is not there is not taken.
  void keep_room(std::span<const ZoneSetEntry> entries);
  // A set of these zones. The one made before is free once nobody reads `generation` any more. Nothing: no memory for it.
  std::optional<ZoneSet> next(std::span<const ZoneSetEntry> entries, u64 generation);
  // Memory was given back: what is kept aside is taken before anybody else takes it.
  void refill() {
    if (last_.has_value()) keep(last_->size, 1);
  }

 private:
  void keep(size_t size, size_t count);

  ZoneMemory& memory_;
  RetiredExtents& retired_;
  std::vector<Extent> aside_;  // each for a set
  std::optional<Extent> last_;
};

}  // namespace samara::zone
