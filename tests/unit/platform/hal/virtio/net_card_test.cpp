#include "platform/hal/virtio/net_card.h"

#include <gtest/gtest.h>

#include <array>

#include "fake_device.h"

namespace samara::hal::virtio {
namespace {

constexpr u64 feature_checksum = 1 << 0;
constexpr u64 feature_guest_checksum = 1 << 1;
constexpr u64 feature_mtu = 1 << 3;
constexpr u64 feature_mac = 1 << 5;
constexpr u64 feature_merged_buffers = 1 << 15;
constexpr u64 feature_status = 1 << 16;
constexpr u16 receive_queue = 0;
constexpr u16 transmit_queue = 1;
constexpr size_t header_size = 12;

class NetCardTest : public ::testing::Test {
 protected:
  NetCardTest() {
    device_.features |= feature_checksum | feature_guest_checksum | feature_mac | feature_status | feature_merged_buffers;
    device_.config = {0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 1, 0, 0xdc, 5};
  }
  std::unique_ptr<NetCard> open() {
    auto card = NetCard::open(device_);
    EXPECT_TRUE(card.ok());
    waiting_ = device_.queues[receive_queue].take();
    return std::move(card).value();
  }
  // The device writes a frame into the next buffer.
  void deliver(Bytes frame, u8 flags = 0, u8 segmentation = 0, std::optional<u32> length = std::nullopt) {
    if (waiting_.empty()) waiting_ = device_.queues[receive_queue].take();
    ASSERT_FALSE(waiting_.empty());
    const auto buffer = waiting_.front();
    waiting_.erase(waiting_.begin());
    ASSERT_TRUE(buffer.writable);
    ASSERT_GE(buffer.length, header_size + frame.size());
    std::fill_n(buffer.octets, header_size, u8{0});
    buffer.octets[0] = flags;
    buffer.octets[1] = segmentation;
    std::ranges::copy(frame, buffer.octets + header_size);
    device_.queues[receive_queue].give(buffer.id, length.value_or(static_cast<u32>(header_size + frame.size())));
  }
  static std::vector<u8> frame_of(size_t size, u8 fill) { return std::vector<u8>(size, fill); }

  FakeDevice device_;
  std::vector<DeviceQueue::Buffer> waiting_;
  std::array<ReceivedFrame, frame_burst> burst_;
};

TEST_F(NetCardTest, FollowsTheOrderOfInitialisation) {
  const auto card = open();
  // Section 3.1.1: reset, ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK.
  EXPECT_EQ(device_.status_history, (std::vector<u8>{0, 1, 3, 11, 15}));
}

TEST_F(NetCardTest, ResetsTheDeviceBeforeItsMemoryGoes) {
  open().reset();
  EXPECT_EQ(device_.status_history.back(), 0);
}

TEST_F(NetCardTest, AgreesOnlyToWhatItUses) {
  open();
  EXPECT_EQ(device_.driver_features,
            feature_version_1 | feature_event_index | feature_checksum | feature_guest_checksum | feature_mac | feature_status);
}

TEST_F(NetCardTest, RefusesALegacyDevice) {
  device_.features &= ~feature_version_1;
  const auto card = NetCard::open(device_);
  ASSERT_FALSE(card.ok());
  EXPECT_EQ(card.error(), NetCard::OpenError::legacy);
  EXPECT_EQ(device_.status_history.back(), status::failed);
}

TEST_F(NetCardTest, RefusesADeviceThatTakesItsOfferBack) {
  device_.agrees = false;
  const auto card = NetCard::open(device_);
  ASSERT_FALSE(card.ok());
  EXPECT_EQ(card.error(), NetCard::OpenError::features);
}

TEST_F(NetCardTest, RefusesADeviceWithoutQueues) {
  device_.queue_sizes = {256};
  const auto card = NetCard::open(device_);
  ASSERT_FALSE(card.ok());
  EXPECT_EQ(card.error(), NetCard::OpenError::no_queues);
}

TEST_F(NetCardTest, TellsAddressMtuAndOffload) {
  const auto owner = open();
  const NetCard& card = *owner;
  EXPECT_EQ(card.description().mac, (std::array<u8, 6>{0x52, 0x54, 0, 0x12, 0x34, 0x56}));
  EXPECT_EQ(card.description().mtu, 1500);
  EXPECT_TRUE(card.description().transmit_checksum);
}

TEST_F(NetCardTest, TakesTheDevicesMtu) {
  device_.features |= feature_mtu;
  device_.config[10] = 0x28;  // 9000
  device_.config[11] = 0x23;
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_EQ(card.description().mtu, 9000);
  EXPECT_GE(waiting_.at(0).length, 9000 + 14 + header_size);
  auto slot = card.take_slot();
  ASSERT_TRUE(slot.has_value());
  EXPECT_GE(slot->payload_room().size(), 9000U);
}

TEST_F(NetCardTest, DoesNotAgreeToAnMtuItCannotServe) {
  device_.features |= feature_mtu;
  device_.config[10] = 0xff;
  device_.config[11] = 0xff;
  const auto owner = open();
  const NetCard& card = *owner;
  EXPECT_EQ(device_.driver_features & feature_mtu, 0U);
  EXPECT_EQ(card.description().mtu, 1500);
}

TEST_F(NetCardTest, DeliversFramesInOrderWithWhatIsKnownOfTheirChecksum) {
  const auto owner = open();
  NetCard& card = *owner;
  deliver(frame_of(60, 1));
  deliver(frame_of(1514, 2), 1);
  deliver(frame_of(14, 3), 2);
  ASSERT_EQ(card.receive(burst_), 3U);
  EXPECT_EQ(burst_[0].octets.size(), 60U);
  EXPECT_EQ(burst_[0].octets[59], 1);
  EXPECT_EQ(burst_[0].checksum, FrameChecksum::unchecked);
  EXPECT_EQ(burst_[1].octets.size(), 1514U);
  EXPECT_EQ(burst_[1].checksum, FrameChecksum::partial);
  EXPECT_EQ(burst_[2].checksum, FrameChecksum::good);
  card.release();
  EXPECT_EQ(card.receive(burst_), 0U);
}

TEST_F(NetCardTest, FramesOfABurstStayUntilReleased) {
  const auto owner = open();
  NetCard& card = *owner;
  const size_t in_flight = waiting_.size();
  for (size_t i = 0; i < in_flight; ++i) deliver(frame_of(60, static_cast<u8>(i)));
  size_t seen = 0;
  while (seen < in_flight) {
    const size_t count = card.receive(burst_);
    ASSERT_EQ(count, frame_burst);
    EXPECT_EQ(card.receive(burst_), 0U);  // the burst is full until it is released
    EXPECT_TRUE(device_.queues[receive_queue].take().empty());
    EXPECT_EQ(burst_[0].octets[0], static_cast<u8>(seen));
    card.release();
    EXPECT_EQ(device_.queues[receive_queue].take().size(), frame_burst);
    seen += count;
  }
}

TEST_F(NetCardTest, DropsWhatIsNoFrameAndGivesItsBufferBack) {
  const auto owner = open();
  NetCard& card = *owner;
  const u32 room = waiting_[0].length;
  deliver(frame_of(60, 1), 0, 0, room + 1);  // longer than the buffer
  deliver(frame_of(60, 1), 0, 0, UINT32_MAX);
  deliver(frame_of(60, 1), 0, 0, 0);  // not even a header
  deliver(frame_of(60, 1), 0, 0, header_size + 13);
  deliver(frame_of(60, 1), 0, 1);  // a segment of TCP, which nobody agreed to
  deliver(frame_of(60, 9));
  ASSERT_EQ(card.receive(burst_), 1U);
  EXPECT_EQ(burst_[0].octets[0], 9);
  EXPECT_EQ(card.counters().malformed, 5U);
  card.release();
  EXPECT_EQ(device_.queues[receive_queue].take().size(), 6U);
  EXPECT_FALSE(card.broken());
}

TEST_F(NetCardTest, ATransmittedFrameIsWhatTheDeviceReads) {
  const auto owner = open();
  NetCard& card = *owner;
  auto slot = card.take_slot();
  ASSERT_TRUE(slot.has_value());
  std::ranges::fill(slot->payload_room().first(100), u8{7});
  slot->set_payload(100);
  std::ranges::fill(slot->prepend(8), u8{8});
  slot->request_checksum(6);
  std::ranges::fill(slot->prepend(34), u8{34});
  card.transmit(*slot);
  EXPECT_TRUE(device_.queues[transmit_queue].take().empty());
  card.flush();
  EXPECT_EQ(device_.notifications[transmit_queue], 1);
  const auto sent = device_.queues[transmit_queue].take();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].writable);
  ASSERT_EQ(sent[0].length, header_size + 142);
  // Section 5.1.6: NEEDS_CSUM, start and offset in little endian, nothing else.
  const std::array<u8, header_size> header{1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0};
  EXPECT_TRUE(std::equal(header.begin(), header.end(), sent[0].octets));
  EXPECT_EQ(sent[0].octets[header_size], 34);
  EXPECT_EQ(sent[0].octets[header_size + 34], 8);
  EXPECT_EQ(sent[0].octets[header_size + 141], 7);
}

TEST_F(NetCardTest, SlotsRunOutAndComeBack) {
  const auto owner = open();
  NetCard& card = *owner;
  std::vector<FrameSlot> slots;
  while (auto slot = card.take_slot()) {
    slot->set_payload(60);
    slots.push_back(*slot);
  }
  EXPECT_GE(slots.size(), frame_burst);
  EXPECT_EQ(card.counters().no_slot, 1U);
  card.drop(slots[0]);
  EXPECT_TRUE(card.take_slot().has_value());
  for (const FrameSlot& slot : slots) card.transmit(slot);
  card.flush();
  EXPECT_FALSE(card.take_slot().has_value());
  for (const auto& buffer : device_.queues[transmit_queue].take()) device_.queues[transmit_queue].give(buffer.id, 0);
  for (size_t i = 0; i < slots.size(); ++i) EXPECT_TRUE(card.take_slot().has_value()) << i;
}

TEST_F(NetCardTest, ASlotThatIsNotTakenIsOurBug) {
  const auto owner = open();
  NetCard& card = *owner;
  auto slot = card.take_slot();
  ASSERT_TRUE(slot.has_value());
  card.drop(*slot);
  EXPECT_DEATH(card.transmit(*slot), "");
  std::array<u8, 4096> other{};
  EXPECT_DEATH(card.drop(FrameSlot(other)), "");
}

TEST_F(NetCardTest, SaysThatTheDeviceIsOfNoUse) {
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_FALSE(card.broken());
  device_.extra_status = status::needs_reset;
  EXPECT_TRUE(card.broken());
  device_.extra_status = 0;
  device_.queues[receive_queue].give(60'000, 1);
  EXPECT_EQ(card.receive(burst_), 0U);
  EXPECT_TRUE(card.broken());
}

TEST_F(NetCardTest, LooksOnceMoreBeforeItSleeps) {
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_FALSE(card.prepare_sleep());
  card.end_sleep();
  deliver(frame_of(60, 1));
  EXPECT_TRUE(card.prepare_sleep());
}

TEST_F(NetCardTest, WaitsForRoomToSendWhenABurstCouldNotBeAnswered) {
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_FALSE(card.congested());
  while (auto slot = card.take_slot()) {
    slot->set_payload(60);
    card.transmit(*slot);
  }
  card.flush();
  EXPECT_TRUE(card.congested());
  EXPECT_FALSE(card.all_sent());
  deliver(frame_of(60, 1));
  EXPECT_FALSE(card.prepare_sleep()) << "what came in waits, and the device has sent nothing";
  DeviceQueue& queue = device_.queues[transmit_queue];
  EXPECT_EQ(queue.used_event(), 0) << "an interrupt at the next frame sent";
  card.end_sleep();
  EXPECT_EQ(queue.used_event(), 0xffff) << "suppressed again";
  const auto sent = queue.take();
  for (size_t i = 0; i + 1 < sent.size(); ++i) queue.give(sent[i].id, 0);
  EXPECT_FALSE(card.congested());
  EXPECT_FALSE(card.all_sent());
  queue.give(sent.back().id, 0);
  EXPECT_TRUE(card.all_sent());
  EXPECT_TRUE(card.prepare_sleep());  // now the frame that came in counts
}

TEST_F(NetCardTest, ACardWithAShortQueueIsCongestedWhenHalfOfItIsUnderWay) {
  device_.queue_sizes = {256, 8};
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_FALSE(card.congested());
  for (int i = 0; i < 5; ++i) {
    auto slot = card.take_slot();
    ASSERT_TRUE(slot.has_value());
    slot->set_payload(60);
    card.transmit(*slot);
  }
  card.flush();
  EXPECT_TRUE(card.congested());
}

TEST_F(NetCardTest, TellsWhetherTheLinkIsUp) {
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_TRUE(card.link_up());
  device_.config[6] = 0;
  EXPECT_FALSE(card.link_up());
}

TEST_F(NetCardTest, TellsOfEachChangeOfTheLinkOnce) {
  const auto owner = open();
  NetCard& card = *owner;
  EXPECT_EQ(card.link_change(), std::nullopt);
  device_.config[6] = 0;
  ++device_.generation;
  EXPECT_EQ(card.link_change(), false);
  EXPECT_EQ(card.link_change(), std::nullopt);
  device_.config[6] = 1;
  ++device_.generation;
  EXPECT_EQ(card.link_change(), true);
  EXPECT_EQ(card.link_change(), std::nullopt);
  device_.generation += 2;
  EXPECT_EQ(card.link_change(), true) << "down and up again between two looks";
  EXPECT_EQ(card.link_change(), std::nullopt);
  device_.config[6] = 0;
  EXPECT_EQ(card.link_change(), false) << "a device that does not count its changes";
}

TEST_F(NetCardTest, ALinkThatIsDownAtTheStartIsToldWhenItComesUp) {
  device_.config[6] = 0;
  const auto owner = open();
  EXPECT_EQ(owner->link_change(), std::nullopt);
  device_.config[6] = 1;
  EXPECT_EQ(owner->link_change(), true);
}

}  // namespace
}  // namespace samara::hal::virtio
