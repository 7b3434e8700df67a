#include "platform/hal/mailbox.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/base/panic.h"

namespace samara::hal {
namespace {

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}
std::string text_of(Bytes octets) {
  return {octets.begin(), octets.end()};
}

// Two mailboxes with the lanes between them, and a hand on what they share.
struct Pair {
  explicit Pair(size_t size = min_ring) : to_b_ring(size), to_a_ring(size) {}
  std::vector<u8> to_b_ring;
  std::vector<u8> to_a_ring;
  LaneIndices to_b;
  LaneIndices to_a;
  std::vector<u8> scratch_a = std::vector<u8>(runtime::max_message);
  std::vector<u8> scratch_b = std::vector<u8>(runtime::max_message);
  Mailbox a{{&to_a, to_a_ring}, {&to_b, to_b_ring}, scratch_a};
  Mailbox b{{&to_b, to_b_ring}, {&to_a, to_a_ring}, scratch_b};

  std::string next_at_b() {
    if (!b.look()) return "(nothing)";
    const auto message = b.receive();
    return message.has_value() ? text_of(*message) : "(none)";
  }
};

TEST(Mailbox, GivesMessagesInOrderAndWhole) {
  Pair pair(4 * min_ring);
  EXPECT_EQ(pair.next_at_b(), "(nothing)");
  EXPECT_TRUE(pair.a.send(bytes_of("one")));
  const MutableBytes room = pair.a.room();
  ASSERT_EQ(room.size(), runtime::max_message);
  std::ranges::copy(bytes_of("two"), room.begin());
  pair.a.send_room(3);
  const std::string longest(runtime::max_message, 'x');
  EXPECT_TRUE(pair.a.send(bytes_of(longest)));
  EXPECT_EQ(pair.next_at_b(), "one");
  EXPECT_EQ(pair.next_at_b(), "two");
  EXPECT_EQ(pair.next_at_b(), longest);
  EXPECT_EQ(pair.next_at_b(), "(nothing)");
}

TEST(Mailbox, GivesNoMoreThanWasThereAtTheLastLook) {
  Pair pair(4 * min_ring);
  pair.a.send(bytes_of("early"));
  EXPECT_TRUE(pair.b.look());
  pair.a.send(bytes_of("late"));
  EXPECT_TRUE(pair.b.receive().has_value());
  EXPECT_FALSE(pair.b.receive().has_value());
  EXPECT_EQ(pair.next_at_b(), "late");
}

TEST(Mailbox, KeepsMessagesWholeAroundTheEndOfTheRing) {
  std::mt19937 random(1);
  Pair pair(min_ring + 1001);
  std::vector<std::string> sent;
  size_t received = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string message(1 + random() % (i % 50 == 0 ? runtime::max_message : 700), static_cast<char>('a' + i % 26));
    if (pair.a.send(bytes_of(message))) sent.push_back(message);
    if (random() % 2 == 0) continue;
    pair.b.look();
    while (const auto next = pair.b.receive()) ASSERT_EQ(text_of(*next), sent.at(received++));
  }
  EXPECT_GT(received, 1000U);
}

TEST(Mailbox, RefusesWhenTheLongestMessageWouldNotFitAndSaysWhenThereIsRoomAgain) {
  Pair pair;
  EXPECT_TRUE(pair.a.send(bytes_of("x")));
  EXPECT_TRUE(pair.a.take_wake());
  EXPECT_FALSE(pair.a.take_wake()) << "told once";
  EXPECT_FALSE(pair.a.send(bytes_of("y")));
  EXPECT_TRUE(pair.a.room().empty());
  EXPECT_FALSE(pair.a.take_room_again());
  EXPECT_FALSE(pair.b.take_wake()) << "there is no room yet";
  EXPECT_EQ(pair.next_at_b(), "x");
  EXPECT_TRUE(pair.b.take_wake());
  EXPECT_FALSE(pair.b.take_wake());
  EXPECT_TRUE(pair.a.take_room_again());
  EXPECT_FALSE(pair.a.take_room_again());
  EXPECT_TRUE(pair.a.send(bytes_of("y")));
  EXPECT_EQ(pair.next_at_b(), "y");
}

TEST(Mailbox, SaysAgainThatItWaitsWhenItIsWokenWithoutRoom) {
  Pair pair;
  EXPECT_TRUE(pair.a.send(bytes_of("x")));
  EXPECT_FALSE(pair.a.send(bytes_of("y")));
  pair.to_b.sender_waits.store(0);  // as the answer to an older wait does
  EXPECT_FALSE(pair.a.take_room_again());
  EXPECT_EQ(pair.next_at_b(), "x");
  EXPECT_TRUE(pair.b.take_wake());
  EXPECT_TRUE(pair.a.take_room_again());
}

// The sender sleeps when it is refused, the receiver when there is nothing; a wake-up that gets lost is a test that hangs.
TEST(Mailbox, LosesNoMessageAndNoWakeUpBetweenTwoThreads) {
  Pair pair(min_ring + 2000);
  constexpr u32 count = 5'000;
  std::atomic<u32> wake_a{0};
  std::atomic<u32> wake_b{0};
  const auto wake = [](std::atomic<u32>& flag) {
    flag.store(1);
    flag.notify_one();
  };
  const auto sleep = [](std::atomic<u32>& flag) {
    flag.wait(0);
    flag.store(0);
  };
  std::thread receiver([&] {
    for (u32 expected = 0; expected < count;) {
      pair.b.look();
      while (const auto message = pair.b.receive()) EXPECT_EQ(load_be32(*message), expected++);
      if (pair.b.take_wake()) wake(wake_a);
      if (expected < count) sleep(wake_b);
    }
  });
  for (u32 i = 0; i < count;) {
    std::array<u8, 64> message{};
    store_be32(message, 0, i);
    if (pair.a.send(message)) {
      ++i;
      if (pair.a.take_wake()) wake(wake_b);
    } else {
      sleep(wake_a);
    }
  }
  receiver.join();
}

class MailboxDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_panic_handler([](std::string_view message) {
      std::cerr << message << '\n';
      std::_Exit(70);
    });
  }
  void TearDown() override { set_panic_handler(nullptr); }
};

TEST_F(MailboxDeathTest, EndsOnADamagedRing) {
  const auto with_length = [](u32 length) {
    Pair pair;
    pair.a.send(bytes_of("hello"));
    store_be32(pair.to_b_ring, 0, length);
    pair.next_at_b();
  };
  EXPECT_DEATH(with_length(0), "damaged");
  EXPECT_DEATH(with_length(6), "damaged");
  EXPECT_DEATH(with_length(runtime::max_message + 1), "damaged");
  EXPECT_DEATH(with_length(0xffffffff), "damaged");
  const auto with_written = [](u64 written) {
    Pair pair;
    pair.a.send(bytes_of("hello"));
    pair.next_at_b();
    pair.to_b.written.store(written);
    pair.next_at_b();
  };
  EXPECT_DEATH(with_written(8), "damaged") << "it went back";
  EXPECT_DEATH(with_written(10), "damaged") << "half a header";
  EXPECT_DEATH(with_written(9 + min_ring + 1), "damaged") << "more than there is room for";
  EXPECT_DEATH(with_written(~u64{0}), "damaged");
  const auto with_read = [](u64 read) {
    Pair pair;
    pair.a.send(bytes_of("hello"));
    pair.to_b.read.store(read);
    pair.a.send(bytes_of("hello"));
  };
  EXPECT_DEATH(with_read(10), "damaged") << "read what was not written";
  EXPECT_DEATH(with_read(~u64{0} - min_ring), "damaged");
}

TEST_F(MailboxDeathTest, EndsOnAMessageThatNoneMayBe) {
  EXPECT_DEATH(Pair().a.send({}), "length");
  EXPECT_DEATH(Pair(4 * min_ring).a.send(std::vector<u8>(runtime::max_message + 1)), "length");
}

}  // namespace
}  // namespace samara::hal
