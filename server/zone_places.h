// ZonePlaces: where the zones of a list are, found by name: there may be a hundred thousand, and a reload asks for each. It is
// made anew with each list. The names are the configuration's, so the hash needs no key.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "platform/base/sort.h"
#include "zone/search_name.h"

namespace samara::server {

class ZonePlaces {
 public:
  ZonePlaces() = default;
  // `name_of(zone)` gives a zone's name.
  template <class Zones, class NameOf>
  ZonePlaces(const Zones& zones, NameOf&& name_of) {
    entries_.reserve(zones.size());
    for (const auto& zone : zones) entries_.push_back({hash_of(name_of(zone)), static_cast<u32>(entries_.size())});
    compact_sort(entries_, [](const Entry& a, const Entry& b) { return a.hash < b.hash; });
  }
  // `is_it(place)` says whether the zone there is the one.
  template <class IsIt>
  std::optional<u32> find(const dns::Name& name, IsIt&& is_it) const {
    const u64 hash = hash_of(name);
    for (auto at = std::ranges::lower_bound(entries_, hash, {}, &Entry::hash); at != entries_.end() && at->hash == hash; ++at) {
      if (is_it(at->place)) return at->place;
    }
    return std::nullopt;
  }

 private:
  struct Entry {
    u64 hash;
    u32 place;
  };

  static u64 hash_of(const dns::Name& zone) {
    const zone::SearchName name(zone);
    return name.hash(name.label_count());
  }

  std::vector<Entry> entries_;
};

}  // namespace samara::server
