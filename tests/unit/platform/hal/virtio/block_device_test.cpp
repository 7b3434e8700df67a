#include "platform/hal/virtio/block_device.h"

#include <gtest/gtest.h>

#include <functional>

#include "fake_device.h"
#include "platform/base/byte_order.h"

namespace samara::hal::virtio {
namespace {

constexpr u64 feature_segment_size = 1 << 1;
constexpr u64 feature_read_only = 1 << 5;
constexpr u64 feature_block_size = 1 << 6;
constexpr u64 feature_flush = 1 << 9;

// Each look at the clock is a second later.
Instant passing;
Instant clock_now() {
  passing = passing + Duration::seconds(1);
  return passing;
}

class BlockDeviceTest : public ::testing::Test {
 protected:
  struct Request {
    u32 type;
    u64 sector;
    size_t octets;
  };

  BlockDeviceTest() : medium_(2000 * 512) {
    device_.features |= feature_flush | feature_block_size;
    device_.queue_sizes = {256};
    device_.config.resize(60);
    set_config(0, 2000, 8);
    set_config(20, 512, 4);
    device_.works = [this] { work(); };
    for (size_t i = 0; i < medium_.size(); ++i) medium_[i] = static_cast<u8>(i / 512 + i);
  }
  void set_config(size_t at, u64 value, size_t octets) {
    for (size_t i = 0; i < octets; ++i) device_.config[at + i] = static_cast<u8>(value >> (8 * i));
  }
  std::unique_ptr<BlockDevice> open() {
    auto device = BlockDevice::open(device_, clock_now);
    EXPECT_TRUE(device.ok());
    return std::move(device).value();
  }
  BlockDevice::OpenError refusal() {
    const auto device = BlockDevice::open(device_, clock_now);
    EXPECT_FALSE(device.ok());
    EXPECT_EQ(device_.status_history.back(), status::failed);
    return device.error();
  }
  // A good device, but for what is set.
  void work() {
    if (silent_) return;
    for (const DeviceQueue::Chain& chain : device_.queues[0].take_chains()) {
      ASSERT_GE(chain.parts.size(), 2U);
      const auto& header = chain.parts.front();
      const auto& status = chain.parts.back();
      ASSERT_EQ(header.length, 16U);
      ASSERT_FALSE(header.writable);
      ASSERT_EQ(status.length, 1U);
      ASSERT_TRUE(status.writable);
      const u32 type = load_le32({header.octets, 16}, 0);
      const u64 sector = load_le64({header.octets, 16}, 8);
      u32 written = 1;
      size_t data = 0;
      for (size_t i = 1; i + 1 < chain.parts.size(); ++i) {
        const auto& part = chain.parts[i];
        ASSERT_EQ(part.writable, type == 0);
        const auto at = medium_.begin() + static_cast<std::ptrdiff_t>(sector * 512 + data);
        if (status_ != 0) continue;
        if (type == 0) std::copy_n(at, part.length, part.octets);
        if (type == 1) std::copy_n(part.octets, part.length, at);
        if (type == 0) written += part.length;
        data += part.length;
      }
      requests_.push_back({type, sector, data});
      if (writes_status_) *status.octets = status_;
      device_.queues[0].give(id_.value_or(chain.id), length_.value_or(written));
    }
    device_.queues[0].ask_for_next();
  }

  FakeDevice device_;
  std::vector<u8> medium_;
  std::vector<Request> requests_;
  bool silent_ = false;
  bool writes_status_ = true;
  u8 status_ = 0;
  std::optional<u32> id_;
  std::optional<u32> length_;
};

TEST_F(BlockDeviceTest, FollowsTheOrderOfInitialisationAndAgreesOnlyToWhatItUses) {
  device_.features |= u64{1} << 13 | u64{1} << 14 | u64{1} << 12 | u64{1} << 28;  // discard, write zeroes, queues, indirect
  const auto device = open();
  EXPECT_EQ(device_.status_history, (std::vector<u8>{0, 1, 3, 11, 15}));
  EXPECT_EQ(device_.driver_features, feature_version_1 | feature_event_index | feature_flush | feature_block_size);
  EXPECT_EQ(device->size(), 2000U * 512);
  EXPECT_EQ(device->block_size(), 512U);
}

TEST_F(BlockDeviceTest, ReadsWhatIsThere) {
  const auto device = open();
  std::vector<u8> octets(1024);
  ASSERT_TRUE(device->read(512 * 7, octets).ok());
  EXPECT_TRUE(std::equal(octets.begin(), octets.end(), medium_.begin() + 512 * 7));
  ASSERT_EQ(requests_.size(), 1U);
  EXPECT_EQ(requests_[0].sector, 7U);
  EXPECT_EQ(requests_[0].type, 0U);
}

// A device that answers only after somebody else has had some turns.
class Turns final : public Meanwhile {
 public:
  Turns(u32 count, std::function<void()> then) : left_(count), then_(std::move(then)) {}
  void turn() override {
    ++taken;
    if (--left_ == 0) then_();
  }
  u32 taken = 0;

 private:
  u32 left_;
  std::function<void()> then_;
};

TEST_F(BlockDeviceTest, LeavesTurnsToOthersWhileARequestIsUnderWay) {
  const auto device = open();
  Turns others(20, [this] {
    silent_ = false;
    work();
  });
  device->use(others);
  silent_ = true;
  const std::vector<u8> octets(512, 0x5a);
  ASSERT_TRUE(device->write(512 * 9, octets).ok());
  EXPECT_EQ(others.taken, 20U);
  EXPECT_EQ(medium_[512 * 9], 0x5a);
  ASSERT_TRUE(device->flush().ok());  // answered at once: nobody waits
  EXPECT_EQ(others.taken, 20U);
}

TEST_F(BlockDeviceTest, WritesAndFlushes) {
  const auto device = open();
  const std::vector<u8> octets(512 * 300, 0x5a);
  ASSERT_TRUE(device->write(512 * 9, octets).ok());
  ASSERT_TRUE(device->flush().ok());
  EXPECT_TRUE(std::equal(octets.begin(), octets.end(), medium_.begin() + 512 * 9));
  EXPECT_NE(medium_[512 * 9 - 1], 0x5a);
  EXPECT_NE(medium_[512 * 309], 0x5a);
  // Larger than the buffer: in parts.
  ASSERT_EQ(requests_.size(), 4U);
  EXPECT_EQ(requests_[1].sector, 9U + requests_[0].octets / 512);
  EXPECT_EQ(requests_.back().type, 4U);
}

TEST_F(BlockDeviceTest, KeepsToTheLargestSegment) {
  device_.features |= feature_segment_size;
  set_config(8, 5000, 4);
  const auto device = open();
  std::vector<u8> octets(10'240);
  ASSERT_TRUE(device->read(0, octets).ok());
  EXPECT_TRUE(std::equal(octets.begin(), octets.end(), medium_.begin()));
  for (const Request& request : requests_) EXPECT_LE(request.octets, 4608U);
}

TEST_F(BlockDeviceTest, WithoutFlushThereIsNothingToFlush) {
  device_.features &= ~feature_flush;
  const auto device = open();
  ASSERT_TRUE(device->flush().ok());
  EXPECT_TRUE(requests_.empty());
}

TEST_F(BlockDeviceTest, WhatIsNotWholeBlocksOrBeyondTheEndIsNotAsked) {
  const auto device = open();
  std::vector<u8> octets(1024);
  EXPECT_EQ(device->read(1, octets).error(), StorageError::out_of_range);
  EXPECT_EQ(device->read(1999 * 512, octets).error(), StorageError::out_of_range);
  EXPECT_EQ(device->read(UINT64_MAX - 511, octets).error(), StorageError::out_of_range);
  EXPECT_EQ(device->write(0, Bytes(octets).first(100)).error(), StorageError::out_of_range);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(BlockDeviceTest, RefusesWhatItCannotUse) {
  device_.features |= feature_read_only;
  EXPECT_EQ(refusal(), BlockDevice::OpenError::read_only);
  device_.features &= ~feature_read_only;
  for (const u64 size : {u64{0}, u64{100}, u64{513}, u64{8192}, u64{0xffffffff}}) {
    set_config(20, size, 4);
    EXPECT_EQ(refusal(), BlockDevice::OpenError::block_size) << size;
  }
  set_config(20, 4096, 4);
  set_config(0, 7, 8);
  EXPECT_EQ(refusal(), BlockDevice::OpenError::empty);
  device_.queue_sizes = {2};
  EXPECT_EQ(refusal(), BlockDevice::OpenError::no_queue);
  device_.agrees = false;
  EXPECT_EQ(refusal(), BlockDevice::OpenError::features);
  device_.features = 0;
  EXPECT_EQ(refusal(), BlockDevice::OpenError::legacy);
}

TEST_F(BlockDeviceTest, AnEnormousCapacityDoesNotOverflow) {
  set_config(0, UINT64_MAX, 8);
  EXPECT_EQ(open()->size(), u64{1} << 59);
}

TEST_F(BlockDeviceTest, AnErrorOfTheDeviceIsOneAndTheNextRequestIsTried) {
  const auto device = open();
  std::vector<u8> octets(512);
  for (const u8 code : {u8{1}, u8{2}}) {
    status_ = code;
    EXPECT_EQ(device->read(0, octets).error(), StorageError::device);
    EXPECT_EQ(device->write(0, octets).error(), StorageError::device);
    EXPECT_EQ(device->flush().error(), StorageError::device);
  }
  status_ = 0;
  EXPECT_TRUE(device->read(0, octets).ok());
}

// A device that breaks the rules is reset and not asked again.
class HostileBlockDeviceTest : public BlockDeviceTest {
 protected:
  void expect_gone() {
    const auto device = open();
    std::vector<u8> octets(512, 9);
    EXPECT_EQ(device->read(0, octets).error(), StorageError::gone);
    EXPECT_EQ(octets, std::vector<u8>(512, 9));
    EXPECT_EQ(device_.status_history.back(), 0);
    const int notified = device_.notifications[0];
    EXPECT_EQ(device->read(0, octets).error(), StorageError::gone);
    EXPECT_EQ(device->write(0, octets).error(), StorageError::gone);
    EXPECT_EQ(device->flush().error(), StorageError::gone);
    EXPECT_EQ(device_.notifications[0], notified);
  }
};

TEST_F(HostileBlockDeviceTest, Silence) {
  silent_ = true;
  const Instant before = passing;
  expect_gone();
  EXPECT_LE(passing - before, Duration::seconds(60));
}
TEST_F(HostileBlockDeviceTest, NoStatus) {
  writes_status_ = false;
  expect_gone();
}
TEST_F(HostileBlockDeviceTest, AStatusThereIsNot) {
  status_ = 3;
  expect_gone();
}
TEST_F(HostileBlockDeviceTest, MoreOctetsThanThereIsRoomFor) {
  length_ = 514;
  expect_gone();
}
TEST_F(HostileBlockDeviceTest, ABufferThatIsNotUnderWay) {
  id_ = 1;
  expect_gone();
}
TEST_F(HostileBlockDeviceTest, ABufferThereIsNot) {
  id_ = 70'000;
  expect_gone();
}
TEST_F(HostileBlockDeviceTest, TheWishToBeReset) {
  const auto device = open();
  silent_ = true;
  device_.extra_status = status::needs_reset;
  std::vector<u8> octets(512);
  EXPECT_EQ(device->read(0, octets).error(), StorageError::gone);
}

}  // namespace
}  // namespace samara::hal::virtio
