// PacketStore: copies of packets that cannot leave at once: larger than the MTU, without a known neighbour yet, or an answer of
// our own (ICMP) made while a frame came in. Two kinds of buffers, of an ordinary frame and of 64 KiB, a fixed number of each,
// of which half may wait for neighbours; whoever finds none left drops the packet. A stored packet is a transport header and
// its data with a complete checksum.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "platform/base/plain_vector.h"
#include "platform/base/types.h"
#include "platform/net/ip_packet.h"
#include "platform/net/neighbors/neighbor_cache.h"
#include "platform/net/wire/mac_address.h"

namespace samara::net {

constexpr size_t max_ip_payload = 65535;

struct StoredPacket {
  OutgoingPacket packet;
  std::optional<MacAddress> mac;  // known already
  u32 identification = 0;         // of its fragments
  u32 size = 0;
  u32 sent = 0;  // octets that left in fragments
  u16 next = 0xffff;
};

// Packets in order; each stands in one queue at most.
struct PacketQueue {
  static constexpr u16 none = 0xffff;
  u16 first = none;
  u16 last = none;
  bool empty() const { return first == none; }
};

class PacketStore {
 public:
  PacketStore(u32 small, u32 large);

  // A buffer for `size` octets; nothing when all of that kind are in use.
  std::optional<WaitingPacket> acquire(size_t size, const OutgoingPacket& packet);
  void release(WaitingPacket id);
  StoredPacket& operator[](WaitingPacket id) { return packets_[id.value()]; }
  MutableBytes octets(WaitingPacket id);
  u32 in_use() const { return in_use_; }
  // Whether a packet may keep its buffer until its neighbour is known: of the large ones half are left to packets that leave at
  // once. (Of the small ones the neighbour cache takes half.)
  bool may_wait(WaitingPacket id) const {
    return id.value() < small_ || 2 * free_large_.size() + 1 >= packets_.size() - small_;
  }

  void push(PacketQueue& queue, WaitingPacket id);
  void push_front(PacketQueue& queue, WaitingPacket id);
  std::optional<WaitingPacket> pop(PacketQueue& queue);

 private:
  MutableBytes buffer(u16 index);
  u32 small_;
  u32 in_use_ = 0;
  std::vector<StoredPacket> packets_;  // small ones first
  // Memory that no packet has needed yet is not touched.
  template <size_t size>
  struct Buffer {
    std::array<u8, size> octets;
  };
  // What an Ethernet frame carries; where frames are larger, a larger packet takes a large buffer.
  static constexpr size_t small_size = 1500;
  PlainVector<Buffer<small_size>> small_buffers_;
  PlainVector<Buffer<max_ip_payload>> large_buffers_;
  std::vector<u16> free_small_;
  std::vector<u16> free_large_;
};

}  // namespace samara::net
