#include "platform/hal/virtio/entropy_device.h"

#include <gtest/gtest.h>

#include "fake_device.h"

namespace samara::hal::virtio {
namespace {

TEST(EntropyDevice, YieldsWhatTheDeviceWroteAndNoMore) {
  FakeDevice device;
  const auto source = EntropyDevice::open(device);
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(device.notifications[0], 1);
  EXPECT_TRUE(source->poll().empty());
  const auto asked = device.queues[0].take();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_TRUE(asked[0].writable);
  asked[0].octets[9] = 42;
  device.queues[0].give(asked[0].id, 10);
  const Bytes given = source->poll();
  ASSERT_EQ(given.size(), 10U);
  EXPECT_EQ(given[9], 42);
  EXPECT_TRUE(source->poll().empty());
}

TEST(EntropyDevice, is_asked_again_when_it_has_answered) {
  FakeDevice device;
  const auto source = EntropyDevice::open(device);
  ASSERT_NE(source, nullptr);
  const auto first = device.queues[0].take();
  ASSERT_EQ(first.size(), 1U);
  source->ask();
  EXPECT_TRUE(device.queues[0].take().empty()) << "one request is under way";
  device.queues[0].give(first[0].id, 64);
  EXPECT_EQ(source->poll().size(), 64U);
  device.queues[0].ask_for_next();
  source->ask();
  const auto second = device.queues[0].take();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(device.notifications[0], 2);
  second[0].octets[0] = 7;
  device.queues[0].give(second[0].id, 1);
  const Bytes given = source->poll();
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0], 7);
}

TEST(EntropyDevice, ALengthBeyondTheBufferIsCut) {
  FakeDevice device;
  const auto source = EntropyDevice::open(device);
  ASSERT_NE(source, nullptr);
  device.queues[0].give(device.queues[0].take().at(0).id, UINT32_MAX);
  EXPECT_EQ(source->poll().size(), EntropyDevice::request_size);
}

TEST(EntropyDevice, ADeviceThatDoesNotWorkWithUsIsNone) {
  FakeDevice legacy;
  legacy.features = 0;
  EXPECT_EQ(EntropyDevice::open(legacy), nullptr);
  FakeDevice without_queue;
  without_queue.queue_sizes = {};
  EXPECT_EQ(EntropyDevice::open(without_queue), nullptr);
}

}  // namespace
}  // namespace samara::hal::virtio
