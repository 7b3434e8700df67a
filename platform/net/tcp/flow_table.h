// FlowTable: which entry a segment belongs to. Chains in a table of at least as many buckets as entries; the hash is keyed, so
// nobody outside can make a chain long.
#pragma once

#include <bit>
#include <vector>

#include "platform/net/tcp/flow.h"

namespace samara::net::tcp {

class FlowTable {
 public:
  static constexpr u32 none = 0xffffffff;

  FlowTable(u32 entries, Rng& rng) : hash_(rng), buckets_(std::bit_ceil(entries), none), nodes_(entries) {}

  u32 find(const Flow& flow) const {
    for (u32 entry = buckets_[bucket_of(flow)]; entry != none; entry = nodes_[entry].next) {
      if (nodes_[entry].flow == flow) return entry;
    }
    return none;
  }
  // Neither the flow nor the entry is in the table.
  void insert(u32 entry, const Flow& flow) {
    u32& bucket = buckets_[bucket_of(flow)];
    nodes_[entry] = {flow, bucket};
    bucket = entry;
  }
  // Nothing happens when the entry is not in the table.
  void remove(u32 entry) {
    u32* link = &buckets_[bucket_of(nodes_[entry].flow)];
    while (*link != entry && *link != none) link = &nodes_[*link].next;
    if (*link != none) *link = nodes_[entry].next;
  }
  const Flow& flow(u32 entry) const { return nodes_[entry].flow; }

 private:
  size_t bucket_of(const Flow& flow) const { return hash_.of(flow) & (buckets_.size() - 1); }
  struct Node {
    Flow flow;
    u32 next = none;
  };
  FlowHash hash_;
  std::vector<u32> buckets_;
  std::vector<Node> nodes_;
};

}  // namespace samara::net::tcp
