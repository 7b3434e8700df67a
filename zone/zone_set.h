// ZoneSet: all zones of a server in one version, itself in zone memory, so that the whole of it is published by one number and
// readers never see half a reload. It finds the zone that is nearest above a name.
#pragma once

#include <optional>
#include <vector>

#include "platform/base/result.h"
#include "zone/builder.h"
#include "zone/growth.h"
#include "zone/name_index.h"
#include "zone/trie_edit.h"
#include "zone/zone.h"

namespace samara::zone {

struct ZoneMatch {
  size_t apex_labels;
  // The zone, or nothing when it is configured but has no valid data (SERVFAIL, RFC 8914 code 14).
  std::optional<Zone> zone;
};

class ZoneSet {
 public:
  ZoneSet(MemoryView memory, Ref root) : memory_(memory), root_(root) {}

  // The zone nearest above (or at) the name. With `above`, a zone whose apex is the name itself does not count: DS belongs to
  // the parent's side (RFC 4035 section 3.1.4.1).
  std::optional<ZoneMatch> find(const SearchName& name, bool above) const;
  // The zone with this apex.
  std::optional<ZoneMatch> at(const dns::Name& apex) const;
  template <class F>
  void for_each_zone(F&& f) const {
    TrieCursor cursor(memory_, memory_.word(root_ + trie_at));
    for (Ref ref = cursor.next(); ref != 0; ref = cursor.next()) {
      const Ref zone = NodeView(memory_, ref).reference(0);
      if (zone != 0) f(Zone(memory_, zone));
    }
  }
  Extent extent() const {
    return {size_t{memory_.word(root_ + extent_offset_at)} * 4, size_t{memory_.word(root_ + extent_size_at)} * 4};
  }
  Ref root() const { return root_; }
  // Whether so many apexes came since the set was written whole that some would be left out of the index.
  bool is_index_full() const;

  // The root object's words, for who writes sets.
  enum : Ref {
    trie_at,
    index_at,
    deepest_at,        // labels of the apex that has most, or of one that is there no more
    extent_offset_at,  // the extent of the set that was written whole
    extent_size_at,
    fixed_words,
  };

 private:
  friend class ZoneSetEditor;
  // The node of the apex that is the last `labels` labels of the name; 0 when there is none.
  Ref exactly(const SearchName& name, size_t labels) const;
  std::optional<ZoneMatch> match_of(Ref node, size_t labels) const;

  MemoryView memory_;
  Ref root_;
};

// What a set is made of.
struct ZoneSetEntry {
  dns::Name apex;
  std::optional<Zone> zone;
};

// A set that differs from the one before at some apexes and shares all else with it: what it costs is what changes. It is
// written behind the sets before it, and whoever reads those sees nothing of it.
//
// Order of calls: set() and remove(), finish(), within one change of `growth`. Each is false, or nothing, when memory is full.
class ZoneSetEditor {
 public:
  ZoneSetEditor(Growth& growth, const ZoneSet& base);

  // From now on this is what is at the apex.
  [[nodiscard]] bool set(const ZoneSetEntry& entry);
  [[nodiscard]] bool remove(const dns::Name& apex);
  std::optional<ZoneSet> finish();

 private:
  ExtentWriter& out_;
  ZoneSet base_;
  TrieEditor apexes_;
  NameIndexEditor index_;
  u32 deepest_;
};

// Most take less, in their node, the trie and the index.
constexpr size_t octets_per_zone_in_set = 128;

// Writes a set of zones with different apexes in its own extent. Errors: out_of_memory, no_heap.
Result<ZoneSet, BuildError> build_zone_set(ZoneMemory& memory, std::span<const ZoneSetEntry> entries);

}  // namespace samara::zone
