// PrefixGroups: the members of a table, counted by the client prefix they belong to. What is shared fairly is shared between
// prefixes: whoever owns one address of a network owns all of it.
//
// A group is a number below the number of members there may be; it lives as long as it has a member.
#pragma once

#include <bit>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/plain_vector.h"

namespace samara {

struct PrefixLengths {
  u8 v4 = 32;
  u8 v6 = 64;
};

// A number for the prefix of `address`, never 0.
inline u64 prefix_number(const IpAddress& address, const PrefixLengths& lengths) {
  const IpAddress prefix = masked(address, address.is_v4() ? lengths.v4 : lengths.v6);
  if (address.is_v4()) return u64{1} << 32 | prefix.v4_number();
  const Bytes octets = prefix.octets();
  return (load_be64(octets) ^ load_be64(octets, 8) * 0x9e3779b97f4a7c15ULL) | u64{1} << 63;
}

class PrefixGroups {
 public:
  static constexpr u32 none = 0xffffffff;

  // `members`: at most so many at once. `secret`: so that nobody outside can make a chain long.
  PrefixGroups(u32 members, u64 secret) : secret_(secret), buckets_(filled(std::bit_ceil(members), none)) {
    nodes_.reserve(members);
  }

  u32 find(u64 prefix) const {
    for (u32 group = buckets_[bucket_of(prefix)]; group != none; group = nodes_[group].next) {
      if (nodes_[group].prefix == prefix) return group;
    }
    return none;
  }
  // The group of `prefix` with one member more.
  u32 join(u64 prefix) {
    u32 group = find(prefix);
    if (group == none) {
      group = first_free_;
      if (group == none) {
        group = static_cast<u32>(nodes_.size());
        nodes_.emplace_back();
      } else {
        first_free_ = nodes_[group].next;
      }
      u32& bucket = buckets_[bucket_of(prefix)];
      nodes_[group] = {.prefix = prefix, .members = 0, .next = bucket};
      bucket = group;
    }
    ++nodes_[group].members;
    return group;
  }
  // One member less.
  void leave(u32 group) {
    if (--nodes_[group].members != 0) return;
    u32* link = &buckets_[bucket_of(nodes_[group].prefix)];
    while (*link != group) link = &nodes_[*link].next;
    *link = nodes_[group].next;
    nodes_[group].next = first_free_;
    first_free_ = group;
  }
  u32 members(u32 group) const { return nodes_[group].members; }

 private:
  size_t bucket_of(u64 prefix) const {
    u64 mixed = (prefix ^ secret_) * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 32;
    return mixed & (buckets_.size() - 1);
  }
  struct Node {
    u64 prefix = 0;
    u32 members = 0;
    u32 next = none;  // of its bucket, or of those that are free
  };
  u64 secret_;
  PlainVector<u32> buckets_;
  std::vector<Node> nodes_;  // up to the last that was ever in use; there is room for all
  u32 first_free_ = none;
};

}  // namespace samara
