// The tables of connections and the queue of replies: they take what they were made for, and no more.
#include <gtest/gtest.h>

#include <vector>

#include "platform/net/tcp/flow_table.h"
#include "platform/net/tcp/index_list.h"
#include "platform/net/tcp/reply_queue.h"

namespace samara::net::tcp {
namespace {

class CountingRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = next_++;
  }

 private:
  u8 next_ = 1;
};

Flow flow(u16 port) {
  return {{IpAddress::v4({192, 0, 2, 1}), Port(53)}, {IpAddress::v4({192, 0, 2, 2}), Port(port)}};
}

TEST(IndexList, GivesWhatItWasGivenInOrderFromTheLastIndexToTheFirst) {
  IndexList list(8);
  EXPECT_FALSE(list.contains(7));
  list.remove(3);  // never listed
  for (const u32 index : {7U, 0U, 3U, 7U}) list.push_back(index);
  EXPECT_EQ(list.size(), 3U);
  list.remove(0);
  EXPECT_EQ(list.pop_front(), 7U);
  EXPECT_EQ(list.pop_front(), 3U);
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(list.contains(5));
}

TEST(IndexList, TakesNoIndexBeyondItsBound) {
  IndexList list(8);
  EXPECT_DEATH(list.push_back(8), "");
}

TEST(FlowTable, FindsEntriesThatCameInAnyOrderUntilTheyAreRemoved) {
  CountingRng rng;
  FlowTable table(8, rng);
  table.remove(5);  // never there
  for (const u32 entry : {7U, 0U, 3U}) table.insert(entry, flow(static_cast<u16>(1000 + entry)));
  for (const u32 entry : {7U, 0U, 3U}) EXPECT_EQ(table.find(flow(static_cast<u16>(1000 + entry))), entry);
  EXPECT_EQ(table.find(flow(1001)), FlowTable::none);
  table.remove(0);
  EXPECT_EQ(table.find(flow(1000)), FlowTable::none);
  EXPECT_EQ(table.find(flow(1007)), 7U);
}

TEST(FlowTable, TakesNoEntryBeyondItsSize) {
  CountingRng rng;
  FlowTable table(8, rng);
  EXPECT_DEATH(table.insert(8, flow(1)), "");
}

TEST(ReplyQueue, GivesWhatItTookInOrderAndRefusesTheNewestWhenItIsFull) {
  ReplyQueue queue;
  u16 next_in = 0, next_out = 0;
  const auto push = [&] { return queue.push({.flow = flow(next_in), .header = {}}); };
  const auto pop = [&] {
    const auto reply = queue.pop();
    return reply.has_value() && reply->flow == flow(next_out++);
  };
  // Each round begins at another place of the ring.
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < ReplyQueue::capacity; ++i, ++next_in) ASSERT_TRUE(push());
    EXPECT_FALSE(push());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pop()) << next_out;
    for (int i = 0; i < 50; ++i, ++next_in) ASSERT_TRUE(push());
    while (next_out != next_in) ASSERT_TRUE(pop()) << next_out;
    EXPECT_FALSE(queue.pop().has_value());
  }
}

}  // namespace
}  // namespace samara::net::tcp
