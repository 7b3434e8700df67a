#include "platform/hal/virtio/virtqueue.h"

#include <gtest/gtest.h>

#include <array>

#include "fake_device.h"

namespace samara::hal::virtio {
namespace {

class VirtQueueTest : public ::testing::Test {
 protected:
  VirtQueue make(u16 size, bool event_index) {
    memory_.assign(VirtQueue::memory_size(size) + 4096, 0);
    const size_t skip = (4096 - reinterpret_cast<size_t>(memory_.data()) % 4096) % 4096;
    VirtQueue queue(size, MutableBytes(memory_).subspan(skip), event_index);
    device_ = DeviceQueue(size, queue.addresses());
    return queue;
  }
  static u64 at(u8* octets) { return reinterpret_cast<u64>(octets); }

  std::vector<u8> memory_;
  DeviceQueue device_;
  std::array<u8, 64> buffer_{};
};

TEST_F(VirtQueueTest, APublishedBufferReachesTheDeviceAsItWasAdded) {
  VirtQueue queue = make(4, false);
  queue.add(2, at(buffer_.data()), 64, true);
  EXPECT_TRUE(device_.take().empty());
  EXPECT_TRUE(queue.publish());
  const auto taken = device_.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].id, 2);
  EXPECT_EQ(taken[0].octets, buffer_.data());
  EXPECT_EQ(taken[0].length, 64U);
  EXPECT_TRUE(taken[0].writable);
  EXPECT_FALSE(queue.publish());
}

TEST_F(VirtQueueTest, UsedBuffersComeBackInTheDevicesOrder) {
  VirtQueue queue = make(4, true);
  for (u16 token = 0; token < 4; ++token) queue.add(token, at(buffer_.data()), 64, true);
  queue.publish();
  EXPECT_EQ(queue.in_flight(), 4);
  EXPECT_FALSE(queue.poll_used().has_value());
  device_.give(3, 10);
  device_.give(1, 20);
  auto used = queue.poll_used();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->token, 3);
  EXPECT_EQ(used->length, 10U);
  used = queue.poll_used();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->token, 1);
  EXPECT_FALSE(queue.poll_used().has_value());
  EXPECT_EQ(queue.in_flight(), 2);
}

TEST_F(VirtQueueTest, IndicesWrapAroundAt65536) {
  VirtQueue queue = make(2, true);
  for (u32 i = 0; i < 70'000; ++i) {
    queue.add(i % 2, at(buffer_.data()), 64, true);
    device_.set_available_event(static_cast<u16>(i));
    ASSERT_TRUE(queue.publish()) << i;
    ASSERT_EQ(device_.take().size(), 1U);
    device_.give(i % 2, i % 64);
    const auto used = queue.poll_used();
    ASSERT_TRUE(used.has_value()) << i;
    ASSERT_EQ(used->length, i % 64);
  }
}

TEST_F(VirtQueueTest, NotifiesOnlyWhenTheDevicesEventIndexIsPassed) {
  VirtQueue queue = make(8, true);
  device_.set_available_event(2);  // tell me when the third is there
  for (u16 token = 0; token < 2; ++token) {
    queue.add(token, at(buffer_.data()), 1, false);
    EXPECT_FALSE(queue.publish());
  }
  queue.add(2, at(buffer_.data()), 1, false);
  EXPECT_TRUE(queue.publish());
  queue.add(3, at(buffer_.data()), 1, false);
  EXPECT_FALSE(queue.publish());
}

TEST_F(VirtQueueTest, WithoutEventIndexTheFlagDecidesAboutNotifications) {
  VirtQueue queue = make(4, false);
  device_.set_used_flags(1);
  queue.add(0, at(buffer_.data()), 1, false);
  EXPECT_FALSE(queue.publish());
  device_.set_used_flags(0);
  queue.add(1, at(buffer_.data()), 1, false);
  EXPECT_TRUE(queue.publish());
}

TEST_F(VirtQueueTest, AskingForAnInterruptSeesWhatCameMeanwhile) {
  VirtQueue queue = make(4, true);
  queue.add(0, at(buffer_.data()), 64, true);
  queue.publish();
  EXPECT_FALSE(queue.request_interrupt());
  EXPECT_EQ(device_.used_event(), 0);
  device_.give(0, 1);
  EXPECT_TRUE(queue.request_interrupt());
  queue.suppress_interrupts();
  EXPECT_EQ(device_.used_event(), 0xffff);  // one before the next used buffer: passed already
  ASSERT_TRUE(queue.poll_used().has_value());
  EXPECT_FALSE(queue.request_interrupt());
  EXPECT_EQ(device_.used_event(), 1);
}

TEST_F(VirtQueueTest, WithoutEventIndexInterruptsAreSuppressedByTheFlag) {
  VirtQueue queue = make(4, false);
  queue.suppress_interrupts();
  EXPECT_EQ(device_.available_flags(), 1);
  queue.request_interrupt();
  EXPECT_EQ(device_.available_flags(), 0);
}

TEST_F(VirtQueueTest, ATokenOutsideTheQueueBreaksIt) {
  VirtQueue queue = make(4, true);
  queue.add(0, at(buffer_.data()), 64, true);
  queue.publish();
  device_.give(4, 1);
  EXPECT_FALSE(queue.poll_used().has_value());
  EXPECT_TRUE(queue.broken());
}

TEST_F(VirtQueueTest, ATokenThatIsNotUnderWayBreaksIt) {
  VirtQueue queue = make(4, true);
  queue.add(0, at(buffer_.data()), 64, true);
  queue.publish();
  device_.give(1, 1);
  EXPECT_FALSE(queue.poll_used().has_value());
  EXPECT_TRUE(queue.broken());
}

TEST_F(VirtQueueTest, TheSameTokenTwiceBreaksItAndItStaysBroken) {
  VirtQueue queue = make(4, true);
  queue.add(0, at(buffer_.data()), 64, true);
  queue.add(1, at(buffer_.data()), 64, true);
  queue.publish();
  device_.give(0, 1);
  device_.give(0, 1);
  EXPECT_TRUE(queue.poll_used().has_value());
  EXPECT_FALSE(queue.poll_used().has_value());
  EXPECT_TRUE(queue.broken());
  device_.give(1, 1);
  EXPECT_FALSE(queue.poll_used().has_value());
}

TEST_F(VirtQueueTest, MoreAnswersThanBuffersBreakIt) {
  VirtQueue queue = make(4, true);
  queue.add(0, at(buffer_.data()), 64, true);
  queue.publish();
  device_.set_used_index(1000);
  EXPECT_FALSE(queue.poll_used().has_value());
  EXPECT_TRUE(queue.broken());
}

TEST_F(VirtQueueTest, GivingABufferTwiceIsOurBug) {
  VirtQueue queue = make(4, true);
  queue.add(0, at(buffer_.data()), 64, true);
  EXPECT_DEATH(queue.add(0, at(buffer_.data()), 64, true), "");
  EXPECT_DEATH(queue.add(4, at(buffer_.data()), 64, true), "");
}

}  // namespace
}  // namespace samara::hal::virtio
