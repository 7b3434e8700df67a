// FlowTable: which entry a segment belongs to. Chains in a table of at least as many buckets as entries; the hash is keyed, so
// nobody outside can make a chain long.
#pragma once

#include <bit>
#include <vector>

#include "platform/base/panic.h"
#include "platform/base/plain_vector.h"
#include "platform/net/tcp/flow.h"

namespace samara::net::tcp {

class FlowTable {
 public:
  static constexpr u32 none = 0xffffffff;

  FlowTable(u32 entries, Rng& rng) : hash_(rng), capacity_(entries), buckets_(filled(std::bit_ceil(entries), none)) {
    nodes_.reserve(entries);
  }

  u32 find(const Flow& flow) const {
    for (u32 entry = buckets_[bucket_of(flow)]; entry != none; entry = nodes_[entry].next) {
      if (nodes_[entry].flow == flow) return entry;
    }
    return none;
  }
  // Neither the flow nor the entry is in the table.
  void insert(u32 entry, const Flow& flow) {
    if (entry >= capacity_) panic("an entry beyond the table of flows");
    if (entry >= nodes_.size()) nodes_.resize(entry + 1);
    u32& bucket = buckets_[bucket_of(flow)];
    nodes_[entry] = {flow, bucket};
    bucket = entry;
  }
  // Nothing happens when the entry is not in the table.
  void remove(u32 entry) {
    if (entry >= nodes_.size()) return;
    u32* link = &buckets_[bucket_of(nodes_[entry].flow)];
    while (*link != entry && *link != none) link = &nodes_[*link].next;
    if (*link != none) *link = nodes_[entry].next;
  }
  // Of an entry that is or was in the table.
  const Flow& flow(u32 entry) const { return nodes_[entry].flow; }

 private:
  size_t bucket_of(const Flow& flow) const { return hash_.of(flow) & (buckets_.size() - 1); }
  struct Node {
    Flow flow;
    u32 next = none;
  };
  FlowHash hash_;
  const u32 capacity_;
  PlainVector<u32> buckets_;
  std::vector<Node> nodes_;  // up to the last entry that was ever in the table; there is room for all
};

}  // namespace samara::net::tcp
