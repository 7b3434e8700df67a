// Drivers of virtio devices against a device that writes what it likes, when it likes, into all that it was given: rings,
// buffers, configuration. No frame leaves its buffer, no slot is given out twice, and a driver that has noticed says so.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/hal/virtio/entropy_device.h"
#include "platform/hal/virtio/net_card.h"

using namespace samara;
using namespace samara::hal;
using namespace samara::hal::virtio;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

// The input, taken in small pieces; zeros when it is at its end.
class Input {
 public:
  explicit Input(Bytes octets) : rest_(octets) {}
  bool empty() const { return rest_.empty(); }
  u8 octet() {
    if (rest_.empty()) return 0;
    const u8 value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  u16 half() {
    const u16 high = octet();
    return static_cast<u16>(high << 8 | octet());
  }
  u32 word() {
    const u32 high = half();
    return high << 16 | half();
  }

 private:
  Bytes rest_;
};

class HostileDevice final : public Transport {
 public:
  explicit HostileDevice(Input& input) : input_(input) {
    features_ = u64{input_.octet() & 1U} << 32 | input_.word();
    agrees_ = input_.octet() != 0xff;
    sizes_ = {input_.half(), input_.half()};
    for (u8& octet : config_) octet = input_.octet();
  }
  u8 status() override { return static_cast<u8>(agrees_ ? status_ : status_ & ~status::features_ok); }
  void set_status(u8 value) override {
    status_ = value;
    if (value == 0) queues_.clear();
  }
  u64 device_features() override { return features_; }
  void set_driver_features(u64) override {}
  u8 read_config(u16 offset) override { return offset < config_.size() ? config_[offset] : input_.octet(); }
  u32 config_generation() override { return input_.octet(); }
  u16 max_queue_size(u16 index) override { return index < sizes_.size() ? sizes_[index] : u16{0}; }
  void enable_queue(u16 index, u16 size, const QueueAddresses& at) override {
    require(size != 0 && (size & (size - 1)) == 0 && size <= sizes_.at(index));
    queues_[index] = {size, at};
  }
  void notify(u16) override {}
  void acknowledge_interrupts() override {}
  bool interrupts_work() const override { return true; }

  // Does something that a device should do, or should not.
  void act() {
    const auto found = queues_.find(input_.octet() & 1);
    if (found == queues_.end()) return;
    const auto [size, at] = found->second;
    const size_t slot = input_.half() % size;
    switch (input_.octet() % 6) {
      case 0:  // ends a buffer: of an honest token, if an honest device
        put32(at.used + 4 + 8 * (used_[found->first] % size), input_.octet() % size);
        put32(at.used + 8 + 8 * (used_[found->first] % size), input_.half());
        put16(at.used + 2, ++used_[found->first]);
        break;
      case 1:  // claims anything
        put32(at.used + 4 + 8 * slot, input_.word());
        put32(at.used + 8 + 8 * slot, input_.word());
        break;
      case 2: put16(at.used + 2, input_.half()); break;
      case 3: put16(at.used + (input_.octet() % 2 == 0 ? 0 : 4 + 8 * size), input_.half()); break;  // flags, event index
      case 4: put16(at.available + 2 * (input_.half() % (3 + size)), input_.half()); break;         // ours to read only
      case 5: write_buffer(at, slot); break;
    }
  }

 private:
  struct Queue {
    u16 size;
    QueueAddresses at;
  };
  static void put16(u64 at, u16 value) { *reinterpret_cast<u16*>(at) = value; }
  static void put32(u64 at, u32 value) { *reinterpret_cast<u32*>(at) = value; }
  // Into memory that it may write to: what the descriptor said when it was given, which a device may not change.
  void write_buffer(const QueueAddresses& at, size_t slot) {
    const u64 descriptor = at.descriptors + 16 * slot;
    if ((*reinterpret_cast<const u16*>(descriptor + 12) & 2) == 0) return;
    const MutableBytes buffer(*reinterpret_cast<u8* const*>(descriptor), *reinterpret_cast<const u32*>(descriptor + 8));
    const size_t from = input_.half() % buffer.size();
    for (u8& octet : buffer.subspan(from).first(std::min<size_t>(input_.octet(), buffer.size() - from))) octet = input_.octet();
  }

  Input& input_;
  u64 features_;
  bool agrees_;
  u8 status_ = 0;
  std::array<u16, 2> sizes_{};
  std::array<u8, 12> config_{};
  std::map<u16, Queue> queues_;
  std::map<u16, u16> used_;
};

volatile u8 seen;

void use_card(Input& input, HostileDevice& device, NetCard& card) {
  std::vector<FrameSlot> slots;
  for (int steps = 0; steps < 500 && !input.empty(); ++steps) {
    switch (input.octet() % 8) {
      case 0:
      case 1: device.act(); break;
      case 2: {
        std::array<ReceivedFrame, frame_burst> burst;
        const size_t count = card.receive(burst);
        require(count <= burst.size());
        for (const ReceivedFrame& frame : std::span(burst).first(count)) {
          require(frame.octets.size() >= 14 && frame.octets.size() < 9216);
          for (u8& octet : frame.octets) seen = octet++;  // ours until release()
        }
        break;
      }
      case 3: card.release(); break;
      case 4:
        if (auto slot = card.take_slot()) {
          for (const FrameSlot& other : slots) require(other.room().data() != slot->room().data());
          std::ranges::fill(slot->payload_room(), input.octet());
          slot->set_payload(input.half() % slot->payload_room().size());
          slots.push_back(*slot);
        }
        break;
      case 5:
        if (slots.empty()) break;
        if ((input.octet() & 1) != 0) {
          card.transmit(slots.back());
        } else {
          card.drop(slots.back());
        }
        slots.pop_back();
        break;
      case 6: card.flush(); break;
      case 7:
        (void)card.prepare_sleep();
        card.end_sleep();
        (void)card.congested();
        (void)card.all_sent();
        (void)card.link_up();
        break;
    }
  }
  if (!card.broken()) return;
  std::array<ReceivedFrame, frame_burst> burst;
  card.release();
  (void)card.receive(burst);
  require(card.broken());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  Input input(Bytes(data, size));
  const bool entropy = (input.octet() & 7) == 7;
  HostileDevice device(input);
  if (!entropy) {
    auto card = NetCard::open(device);
    if (card.ok()) use_card(input, device, *card.value());
    return 0;
  }
  const auto source = EntropyDevice::open(device);
  if (source == nullptr) return 0;
  for (int steps = 0; steps < 100 && !input.empty(); ++steps) {
    device.act();
    const Bytes octets = source->poll();
    require(octets.size() <= EntropyDevice::request_size);
    for (const u8 octet : octets) seen = octet;
  }
  return 0;
}
