// The simulated wire does what it is told, and nothing else.
#include "platform/hal/sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "platform/base/byte_order.h"

namespace samara::hal::sim {
namespace {

constexpr std::array<u8, 6> mac_a{2, 0, 0, 0, 0, 1};
constexpr std::array<u8, 6> mac_b{2, 0, 0, 0, 0, 2};
constexpr std::array<u8, 6> mac_c{2, 0, 0, 0, 0, 3};
constexpr std::array<u8, 6> all{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// Sends what it was given, notes what comes.
class Talker final : public FrameHandler {
 public:
  struct Heard {
    Instant at;
    std::vector<u8> octets;
    FrameChecksum checksum;
  };
  void say(const std::array<u8, 6>& to, size_t payload = 100, u8 fill = 0) {
    std::vector<u8> frame(14 + payload, fill);
    std::ranges::copy(to, frame.begin());
    frame[12] = 0x08;
    out.push_back(std::move(frame));
  }
  void prepare(const LinkDescription& link) override { mtu = link.mtu; }
  void start(Instant, UnixTime, Link&) override { ++starts; }
  bool turn(Instant now, UnixTime time_of_day, Link& link) override {
    wall = time_of_day;
    std::array<ReceivedFrame, frame_burst> burst;
    const size_t count = link.receive(burst);
    for (const ReceivedFrame& frame : std::span(burst).first(count)) {
      heard.push_back({now, {frame.octets.begin(), frame.octets.end()}, frame.checksum});
    }
    link.release();
    for (const auto& frame : out) {
      FrameSlot slot = *link.take_slot();
      std::ranges::copy(frame, slot.payload_room().begin());
      slot.set_payload(frame.size());
      link.transmit(slot);
    }
    out.clear();
    return restless || count == burst.size();
  }
  Instant next_deadline() const override { return Instant::never(); }
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return 0; }
  bool poll_ready(TextWriter&) override { return false; }
  bool poll_trouble(TextWriter&) override { return false; }

  std::vector<std::vector<u8>> out;
  std::vector<Heard> heard;
  UnixTime wall;
  int starts = 0;
  u16 mtu = 0;
  bool restless = false;
};

class WorldTest : public testing::Test {
 protected:
  // Has a say `count` frames to b, all at once.
  void send(size_t count, size_t payload = 100) {
    for (size_t i = 0; i < count; ++i) a.say(mac_b, payload);
    world.poke(id_a);
    world.run_for(Duration::seconds(1));
  }
  World world{1};
  Talker a, b, c;
  HostId id_a = world.add(mac_a, a);
  HostId id_b = world.add(mac_b, b, 1280);
  HostId id_c = world.add(mac_c, c);
};

TEST_F(WorldTest, FramesGoToTheirAddressAfterTheDelay) {
  world.wire().delay = Duration::milliseconds(7);
  const Instant sent = world.now();
  send(1);
  ASSERT_EQ(b.heard.size(), 1U);
  EXPECT_EQ(b.heard[0].at, sent + Duration::milliseconds(7));
  EXPECT_EQ(b.heard[0].checksum, FrameChecksum::unchecked);
  EXPECT_TRUE(c.heard.empty());
  EXPECT_EQ(b.mtu, 1280);
}

TEST_F(WorldTest, GroupFramesGoToEverybodyElse) {
  a.say(all);
  world.poke(id_a);
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(a.heard.empty());
  EXPECT_EQ(b.heard.size(), 1U);
  EXPECT_EQ(c.heard.size(), 1U);
}

TEST_F(WorldTest, FramesToNobodyAreCounted) {
  a.say({2, 0, 0, 0, 0, 9});
  world.poke(id_a);
  world.run_for(Duration::seconds(1));
  EXPECT_EQ(world.counters().unaddressed, 1U);
}

TEST_F(WorldTest, LosesTheShareItIsTold) {
  world.wire().loss = 2000;
  send(10'000);
  EXPECT_NEAR(static_cast<double>(world.counters().lost), 2000, 200);
  EXPECT_EQ(b.heard.size() + world.counters().lost, 10'000U);
}

TEST_F(WorldTest, DoublesTheShareItIsTold) {
  world.wire().duplication = 1000;
  send(10'000);
  EXPECT_NEAR(static_cast<double>(world.counters().duplicated), 1000, 150);
  EXPECT_EQ(b.heard.size(), 10'000 + world.counters().duplicated);
}

TEST_F(WorldTest, SpoilsOneBitOfTheShareItIsTold) {
  world.wire().corruption = 5000;
  a.say(mac_b, 4, 0);
  const std::vector<u8> sent = a.out[0];
  a.out.clear();
  send(1000, 4);
  size_t spoilt = 0;
  for (const auto& heard : b.heard) {
    int bits = 0;
    for (size_t i = 0; i < sent.size(); ++i) bits += std::popcount(static_cast<unsigned>(heard.octets[i] ^ sent[i]));
    ASSERT_LE(bits, 1);
    spoilt += static_cast<size_t>(bits);
  }
  EXPECT_EQ(spoilt, world.counters().corrupted);
  EXPECT_NEAR(static_cast<double>(spoilt), 500, 100);
}

TEST_F(WorldTest, SaysThatChecksumsAreGoodWhenTold) {
  world.wire().checksums_trusted = true;
  send(1);
  ASSERT_EQ(b.heard.size(), 1U);
  EXPECT_EQ(b.heard[0].checksum, FrameChecksum::good);
}

TEST_F(WorldTest, DropsWhatIsTooLongAndTellsWhoeverWantsToKnow) {
  world.wire().mtu = 1000;
  size_t told = 0;
  world.on_too_long([&](HostId from, Bytes frame) {
    EXPECT_EQ(from, id_a);
    EXPECT_EQ(frame.size(), 1015U);
    ++told;
  });
  send(1, 1000);
  send(1, 1001);
  EXPECT_EQ(b.heard.size(), 1U);
  EXPECT_EQ(told, 1U);
  EXPECT_EQ(world.counters().too_long, 1U);
}

TEST_F(WorldTest, ASlowWireTakesItsTimeAndItsQueueIsCountedInFrames) {
  world.wire().delay = {};
  world.wire().bits_per_second = 80'000;  // ten octets a millisecond
  world.wire().queue_frames = 3;
  const Instant sent = world.now();
  a.say(mac_b, 986);
  a.say(mac_b, 986);
  a.say(mac_b, 86);
  a.say(mac_b, 86);
  world.poke(id_a);
  world.run_for(Duration::seconds(1));
  ASSERT_EQ(b.heard.size(), 3U);
  EXPECT_EQ(b.heard[0].at, sent + Duration::milliseconds(100));
  EXPECT_EQ(b.heard[1].at, sent + Duration::milliseconds(200));
  EXPECT_EQ(b.heard[2].at, sent + Duration::milliseconds(210));
  EXPECT_EQ(world.counters().overflowed, 1U);
}

TEST_F(WorldTest, APartitionIsBetweenTwoHostsOnlyAndEnds) {
  world.partition(id_b, id_a, true);
  a.say(mac_c);
  send(1);
  EXPECT_TRUE(b.heard.empty());
  EXPECT_EQ(c.heard.size(), 1U);
  world.partition(id_a, id_b, false);
  send(1);
  EXPECT_EQ(b.heard.size(), 1U);
}

TEST_F(WorldTest, WhatComesToAMachineWithoutPowerIsLost) {
  world.stop(id_b);
  send(2);
  EXPECT_TRUE(b.heard.empty());
  EXPECT_EQ(world.counters().powerless, 2U);
  Talker again;
  world.start(id_b, again);
  send(1);
  EXPECT_TRUE(b.heard.empty());
  EXPECT_EQ(again.heard.size(), 1U);
  EXPECT_EQ(again.starts, 1);
}

TEST_F(WorldTest, ClocksMayBeWrong) {
  world.set_clock_error(id_b, Duration::seconds(-3600));
  world.poke(id_b);
  world.poke(id_c);
  world.run_for(Duration::seconds(1));
  EXPECT_EQ(c.wall.seconds - b.wall.seconds, 3600);
}

TEST_F(WorldTest, ActionsComeAtTheirTimeInTheOrderTheyWereMade) {
  std::vector<int> order;
  const Instant begin = world.now();
  world.at(begin + Duration::seconds(2), [&] { order.push_back(3); });
  world.at(begin + Duration::seconds(1), [&] {
    EXPECT_EQ(world.now(), begin + Duration::seconds(1));
    order.push_back(1);
  });
  world.at(begin + Duration::seconds(1), [&] { order.push_back(2); });
  EXPECT_FALSE(world.run_until([&] { return order.size() == 4; }, Duration::seconds(5)));
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_EQ(world.now(), begin + Duration::seconds(5));
}

TEST_F(WorldTest, TheCaptureHoldsTheLastFrames) {
  World small(1, 2);
  Talker talker;
  const HostId id = small.add(mac_a, talker);
  for (u8 i = 1; i <= 3; ++i) talker.say(mac_b, 10, i);
  small.poke(id);
  small.run_for(Duration::seconds(1));
  const std::vector<u8> file = small.pcap();
  ASSERT_EQ(file.size(), 24 + 2 * (16 + 24U));
  EXPECT_EQ(load_le32(file, 0), 0xa1b23c4dU);
  EXPECT_EQ(load_le32(file, 20), 1U);       // Ethernet
  EXPECT_EQ(load_le32(file, 24), 1U);       // a second after the start
  EXPECT_EQ(load_le32(file, 24 + 8), 24U);  // octets
  EXPECT_EQ(file[24 + 16 + 20], 2);         // of the second frame
}

u64 digest_of(u64 seed) {
  World world(seed);
  world.wire().loss = 5000;
  Talker a, b;
  const HostId id = world.add(mac_a, a);
  world.add(mac_b, b);
  for (u8 i = 0; i < 50; ++i) a.say(mac_b, 100, i);
  world.poke(id);
  world.run_for(Duration::seconds(1));
  return world.digest();
}

TEST(World, ARunIsItsSeed) {
  EXPECT_EQ(digest_of(7), digest_of(7));
  EXPECT_NE(digest_of(7), digest_of(8));
}

TEST(WorldDeathTest, AHostThatNeverRestsIsAFault) {
  World world(1);
  Talker a;
  const HostId id = world.add(mac_a, a);
  a.restless = true;
  world.poke(id);
  EXPECT_DEATH(world.run_for(Duration::seconds(1)), "");
}

}  // namespace
}  // namespace samara::hal::sim
