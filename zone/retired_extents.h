// RetiredExtents: zone memory that only earlier publications refer to, and until which of them it is read.
//
// Readers of a generation keep what any zone had then. One that reads a single zone for long, a transfer, holds that zone
// instead: by hold() it names the zone and the generation, and stops counting as a reader of the generation once that is
// acknowledged. What other zones leave behind goes without waiting for it.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "dns-core/name.h"
#include "zone/memory.h"

namespace samara::zone {

class RetiredExtents {
 public:
  // The version of a zone that was in service at a generation is read, by a reader that a worker calls `tag`.
  struct Hold {
    u32 worker;
    u32 tag;
    dns::Name zone;
    u64 generation;
    bool asked_to_end = false;
  };

  // Of `zone` versions first published after `before_first` (the generation then), up to `last_generation`; without a zone what
  // all readers of a generation share.
  void add(const Extent& extent, const dns::Name& zone, u64 before_first, u64 last_generation) {
    retired_.push_back({extent, zone, before_first, last_generation});
    octets_ += extent.size;
  }
  void add(const Extent& extent, u64 last_generation) {
    retired_.push_back({extent, std::nullopt, 0, last_generation});
    octets_ += extent.size;
  }
  // Of all that are not given back.
  size_t octets() const { return octets_; }
  // Gives back the memory of what only generations before `generation` used, and nobody holds; calls f(Extent) for each part.
  template <class F>
  void release_before(u64 generation, ZoneMemory& memory, F&& f) {
    std::erase_if(retired_, [&](const Retired& old) {
      if (old.last_generation >= generation) return false;
      if (std::ranges::any_of(holds_, [&](const Hold& hold) { return is_for(hold, old); })) return false;
      f(old.extent);
      octets_ -= old.extent.size;
      memory.give_back(old.extent);
      return true;
    });
  }
  void hold(const Hold& hold) { holds_.push_back(hold); }
  void let_go(u32 worker, u32 tag) {
    std::erase_if(holds_, [&](const Hold& hold) { return hold.worker == worker && hold.tag == tag; });
  }
  // The hold that keeps memory for longest, none that is asked to end already: that one is asked to end now.
  std::optional<Hold> take_slowest() {
    Hold* slowest = nullptr;
    for (Hold& hold : holds_) {
      if (hold.asked_to_end || (slowest != nullptr && hold.generation >= slowest->generation)) continue;
      if (std::ranges::any_of(retired_, [&](const Retired& old) { return is_for(hold, old); })) slowest = &hold;
    }
    if (slowest == nullptr) return std::nullopt;
    slowest->asked_to_end = true;
    return *slowest;
  }
  bool is_any_asked_to_end() const { return std::ranges::any_of(holds_, &Hold::asked_to_end); }

 private:
  struct Retired {
    Extent extent;
    std::optional<dns::Name> zone;
    u64 before_first;
    u64 last_generation;
  };
  static bool is_for(const Hold& hold, const Retired& old) {
    return hold.generation > old.before_first && hold.generation <= old.last_generation && old.zone == hold.zone;
  }

  std::vector<Retired> retired_;
  size_t octets_ = 0;
  std::vector<Hold> holds_;
};

}  // namespace samara::zone
