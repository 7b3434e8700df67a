// BlockBudget: who may hold how many blocks of the pool. Each queue, two to a connection, has one block of its own that nobody
// can take from it, so that every client's question and its answer find room whatever others do. The rest are lent: a queue
// gets no more than half of what is left, so that a few slow ones leave room for the others (the dynamic thresholds of
// Choudhury and Hahne), and all connections of one client prefix together no more than what is left to everybody else.
//
// What a window offers counts as lent from the moment it is offered: it cannot be taken back.
#pragma once

#include <algorithm>
#include <vector>

#include "platform/base/prefix_groups.h"
#include "platform/net/tcp/block_pool.h"

namespace samara::net::tcp {

class BlockBudget {
 public:
  static constexpr u32 own_blocks = 1;  // of each queue
  static constexpr u32 queues_a_connection = 2;

  // `lendable`: blocks beside those that the queues of `connections` connections have for themselves.
  BlockBudget(u32 lendable, u32 connections, u64 secret) : lendable_(lendable), groups_(connections, secret) {
    lent_to_.reserve(connections);
  }
  static constexpr u32 blocks_for(u32 lendable, u32 connections) {
    return lendable + connections * queues_a_connection * own_blocks;
  }

  u32 lendable() const { return lendable_; }
  u32 left() const { return lendable_ - lent_; }
  u32 lent_to(u32 group) const { return lent_to_[group]; }

  // A connection of a client prefix (prefix_number()); its group.
  u32 join(u64 prefix) {
    const u32 group = groups_.join(prefix);
    if (group == lent_to_.size()) lent_to_.push_back(0);
    return group;
  }
  // When it has nothing lent any more.
  void leave(u32 group) { groups_.leave(group); }

  // How many blocks a queue that has `lent` may have lent.
  u32 allowance(u32 group, u32 lent) const {
    const u32 to_others = lent_to_[group] - lent;  // of the prefix
    const u32 of_prefix = (left() + lent_to_[group]) / 2;
    return std::max(lent, std::min((left() + lent) / 3, of_prefix - std::min(of_prefix, to_others)));
  }
  // A queue has `now` blocks lent instead of `lent`; more only as far as allowance() says.
  void change(u32 group, u32& lent, u32 now) {
    lent_ = lent_ - lent + now;
    lent_to_[group] = lent_to_[group] - lent + now;
    lent = now;
  }

 private:
  const u32 lendable_;
  u32 lent_ = 0;
  PrefixGroups groups_;
  std::vector<u32> lent_to_;  // by group
};

// Where the queues of one connection have their blocks from.
struct BlockSource {
  BlockPool& pool;
  BlockBudget& budget;
  u32 group;
};

}  // namespace samara::net::tcp
