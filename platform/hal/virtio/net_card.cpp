#include "platform/hal/virtio/net_card.h"

#include <algorithm>
#include <array>
#include <bit>

#include "platform/base/byte_order.h"
#include "platform/base/panic.h"
#include "platform/runtime/application.h"

namespace samara::hal::virtio {
namespace {

// Section 5.1.3.
constexpr u64 feature_checksum = u64{1} << 0;
constexpr u64 feature_guest_checksum = u64{1} << 1;
constexpr u64 feature_mtu = u64{1} << 3;
constexpr u64 feature_mac = u64{1} << 5;
constexpr u64 feature_status = u64{1} << 16;
constexpr u64 features_wanted =
    feature_checksum | feature_guest_checksum | feature_mtu | feature_mac | feature_status | feature_event_index;

constexpr u16 receive_queue = 0;
constexpr u16 transmit_queue = 1;

// Section 5.1.4: where in the device's configuration.
constexpr u16 config_mac = 0;
constexpr u16 config_status = 6;
constexpr u16 config_mtu = 10;
constexpr u8 status_link_up = 1;

// Section 5.1.6: flags of the header.
constexpr u8 flag_needs_checksum = 1;
constexpr u8 flag_data_valid = 2;

// A burst of each can be worked on while as many are under way; a quarter of a megabyte to half of one each.
constexpr u16 receive_slots = 256;
constexpr u16 transmit_slots = 128;

constexpr size_t ethernet_header = 14;
constexpr size_t vlan_tag = 4;
constexpr u16 usual_mtu = 1500;
constexpr u16 min_mtu = 1280;  // RFC 8200 section 5
constexpr u16 max_mtu = 9000;

u16 config_u16(Transport& device, u16 offset) {
  return static_cast<u16>(device.read_config(offset) | device.read_config(static_cast<u16>(offset + 1)) << 8);
}

LinkDescription describe(Transport& device, u64 features) {
  LinkDescription link;
  for (u16 i = 0; i < u16{link.mac.size()}; ++i) {
    // Section 5.1.4: without an address of its own the device leaves the choice to us; this one is locally administered.
    constexpr std::array<u8, 6> unnamed{0x02, 0x73, 0x61, 0x6d, 0x61, 0x72};
    link.mac[i] = (features & feature_mac) != 0 ? device.read_config(static_cast<u16>(config_mac + i)) : unnamed[i];
  }
  link.mtu = (features & feature_mtu) != 0 ? config_u16(device, config_mtu) : usual_mtu;
  link.transmit_checksum = (features & feature_checksum) != 0;
  return link;
}

// The longest frame there is.
size_t frame_size(const LinkDescription& link) {
  return ethernet_header + vlan_tag + link.mtu;
}

constexpr size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

}  // namespace

Result<std::unique_ptr<NetCard>, NetCard::OpenError> NetCard::open(Transport& device) {
  auto features = open_device(device, features_wanted);
  if (features.ok() && (features.value() & feature_mtu) != 0) {
    // An MTU we do not do is not agreed to: a driver that accepts it promises to receive such packets.
    const u16 mtu = config_u16(device, config_mtu);
    if (mtu < min_mtu || mtu > max_mtu) features = open_device(device, features_wanted & ~feature_mtu);
  }
  if (!features.ok()) {
    return fail(features.error() == virtio::OpenError::legacy ? OpenError::legacy : OpenError::features);
  }
  const u16 receive_size = std::bit_floor(std::min(device.max_queue_size(receive_queue), receive_slots));
  const u16 transmit_size = std::bit_floor(std::min(device.max_queue_size(transmit_queue), transmit_slots));
  if (receive_size == 0 || transmit_size == 0) return fail(OpenError::no_queues);
  return std::unique_ptr<NetCard>(new NetCard(device, features.value(), receive_size, transmit_size));
}

NetCard::NetCard(Transport& device, u64 features, u16 receive_size, u16 transmit_size)
    : device_(device),
      features_(features),
      description_(describe(device, features)),
      receive_stride_(round_up(header_size + frame_size(description_), 64)),
      transmit_stride_(
          round_up(header_room + FrameSlot::headroom + std::max(frame_size(description_), runtime::min_reply_room), 64)),
      receive_rings_(VirtQueue::memory_size(receive_size), DeviceMemory::Contents::zeroed),
      transmit_rings_(VirtQueue::memory_size(transmit_size), DeviceMemory::Contents::zeroed),
      receive_memory_(receive_stride_ * receive_size, DeviceMemory::Contents::anything),
      transmit_memory_(transmit_stride_ * transmit_size, DeviceMemory::Contents::anything),
      receive_queue_(receive_size, receive_rings_.octets(), (features & feature_event_index) != 0),
      transmit_queue_(transmit_size, transmit_rings_.octets(), (features & feature_event_index) != 0),
      slot_taken_(transmit_size, false) {
  device.enable_queue(receive_queue, receive_size, receive_queue_.addresses());
  device.enable_queue(transmit_queue, transmit_size, transmit_queue_.addresses());
  receive_queue_.suppress_interrupts();
  transmit_queue_.suppress_interrupts();
  to_release_.reserve(frame_burst);
  free_slots_.reserve(transmit_size);
  for (u16 token = 0; token < transmit_size; ++token) free_slots_.push_back(token);
  start_device(device);
  link_was_up_ = link_up();
  seen_generation_ = device.config_generation();
  for (u16 token = 0; token < receive_size; ++token) give_receive_slot(token);
  receive_queue_.publish();
  device.notify(receive_queue);
}

void NetCard::give_receive_slot(u16 token) {
  const MutableBytes slot = receive_slot(token);
  receive_queue_.add(token, reinterpret_cast<u64>(slot.data()), static_cast<u32>(slot.size()), true);
}

size_t NetCard::receive(std::span<ReceivedFrame> burst) {
  size_t count = 0;
  while (count < burst.size() && to_release_.size() < frame_burst) {
    const auto used = receive_queue_.poll_used();
    if (!used.has_value()) break;
    to_release_.push_back(used->token);
    const MutableBytes slot = receive_slot(used->token);
    const u8 flags = slot[0];
    const u8 segmentation = slot[1];
    if (used->length > slot.size() || used->length < header_size + ethernet_header || segmentation != 0) {
      ++counters_.malformed;
      continue;
    }
    ReceivedFrame& frame = burst[count++];
    frame.octets = slot.subspan(header_size, used->length - header_size);
    frame.checksum = (flags & flag_needs_checksum) != 0 ? FrameChecksum::partial
                     : (flags & flag_data_valid) != 0   ? FrameChecksum::good
                                                        : FrameChecksum::unchecked;
  }
  counters_.received += count;
  return count;
}

void NetCard::release() {
  for (const u16 token : to_release_) give_receive_slot(token);
  to_release_.clear();
  if (receive_queue_.publish()) device_.notify(receive_queue);
}

MutableBytes NetCard::receive_slot(u16 token) const {
  return receive_memory_.octets().subspan(token * receive_stride_, receive_stride_);
}

MutableBytes NetCard::transmit_slot(u16 token) const {
  return transmit_memory_.octets().subspan(token * transmit_stride_, transmit_stride_);
}

u16 NetCard::token_of(const FrameSlot& slot) const {
  const auto offset = static_cast<size_t>(slot.room().data() - transmit_memory_.octets().data());
  const size_t token = offset / transmit_stride_;
  if (offset % transmit_stride_ != header_room || token >= slot_taken_.size() || !slot_taken_[token]) {
    panic("a frame slot that is not the card's, or not taken");
  }
  return static_cast<u16>(token);
}

void NetCard::reclaim() {
  while (const auto used = transmit_queue_.poll_used()) free_slots_.push_back(used->token);
}

std::optional<FrameSlot> NetCard::take_slot() {
  if (free_slots_.empty()) reclaim();
  if (free_slots_.empty()) {
    ++counters_.no_slot;
    return std::nullopt;
  }
  const u16 token = free_slots_.back();
  free_slots_.pop_back();
  slot_taken_[token] = true;
  return FrameSlot(transmit_slot(token).subspan(header_room));
}

void NetCard::drop(const FrameSlot& slot) {
  const u16 token = token_of(slot);
  slot_taken_[token] = false;
  free_slots_.push_back(token);
}

void NetCard::transmit(const FrameSlot& slot) {
  const u16 token = token_of(slot);
  slot_taken_[token] = false;
  const MutableBytes whole = transmit_slot(token).subspan(header_room + slot.begin() - header_size, header_size + slot.size());
  const MutableBytes header = whole.first(header_size);
  std::ranges::fill(header, u8{0});
  if (const ChecksumRequest request = slot.checksum_request(); request.start != 0) {
    header[0] = flag_needs_checksum;
    header[6] = static_cast<u8>(request.start);
    header[7] = static_cast<u8>(request.start >> 8);
    header[8] = static_cast<u8>(request.offset);
    header[9] = static_cast<u8>(request.offset >> 8);
  }
  transmit_queue_.add(token, reinterpret_cast<u64>(whole.data()), static_cast<u32>(whole.size()), false);
  ++counters_.sent;
}

void NetCard::flush() {
  if (transmit_queue_.publish()) device_.notify(transmit_queue);
  reclaim();
}

// A card with a short queue is asked for half of what it has.
bool NetCard::congested() {
  const size_t enough = std::min(frame_burst, slot_taken_.size() / 2);
  if (free_slots_.size() >= enough) return false;
  reclaim();
  return free_slots_.size() < enough;
}

bool NetCard::all_sent() {
  reclaim();
  return transmit_queue_.in_flight() == 0;
}

bool NetCard::prepare_sleep() {
  device_.acknowledge_interrupts();
  if (congested()) return transmit_queue_.request_interrupt();
  return receive_queue_.request_interrupt();
}

void NetCard::end_sleep() {
  transmit_queue_.suppress_interrupts();
  receive_queue_.suppress_interrupts();
}

bool NetCard::broken() {
  return receive_queue_.broken() || transmit_queue_.broken() || (device_.status() & status::needs_reset) != 0;
}

bool NetCard::link_up() {
  return (features_ & feature_status) == 0 || (device_.read_config(config_status) & status_link_up) != 0;
}

std::optional<bool> NetCard::link_change() {
  if ((features_ & feature_status) == 0) return std::nullopt;
  const u32 generation = device_.config_generation();
  const bool up = link_up();
  const bool changed = up != link_was_up_ || (up && generation != seen_generation_);
  link_was_up_ = up;
  seen_generation_ = generation;
  if (!changed) return std::nullopt;
  return up;
}

}  // namespace samara::hal::virtio
