// RetiredExtents: zone memory that only earlier publications refer to, and until which of them it is read.
#pragma once

#include <vector>

#include "zone/memory.h"

namespace samara::zone {

class RetiredExtents {
 public:
  void add(const Extent& extent, u64 last_generation) { retired_.push_back({extent, last_generation}); }
  // Gives back the memory of what only generations before `generation` used; calls f(Extent) for each part.
  template <class F>
  void release_before(u64 generation, ZoneMemory& memory, F&& f) {
    std::erase_if(retired_, [&](const Retired& old) {
      if (old.last_generation >= generation) return false;
      f(old.extent);
      memory.give_back(old.extent);
      return true;
    });
  }

 private:
  struct Retired {
    Extent extent;
    u64 last_generation;
  };
  std::vector<Retired> retired_;
};

}  // namespace samara::zone
