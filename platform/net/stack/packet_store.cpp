#include "platform/net/stack/packet_store.h"

namespace samara::net {

PacketStore::PacketStore(u32 small, u32 large)
    : small_(small), packets_(small + large), small_buffers_(small), large_buffers_(large) {
  for (u32 i = small; i-- > 0;) free_small_.push_back(static_cast<u16>(i));
  for (u32 i = small + large; i-- > small;) free_large_.push_back(static_cast<u16>(i));
}

std::optional<WaitingPacket> PacketStore::acquire(size_t size, const OutgoingPacket& packet) {
  if (size > max_ip_payload) return std::nullopt;
  std::vector<u16>& unused = size <= small_size ? free_small_ : free_large_;
  if (unused.empty()) return std::nullopt;
  const u16 index = unused.back();
  unused.pop_back();
  packets_[index] = StoredPacket{.packet = packet, .mac = {}, .size = static_cast<u32>(size)};
  ++in_use_;
  return WaitingPacket(index);
}

void PacketStore::release(WaitingPacket id) {
  (id.value() < small_ ? free_small_ : free_large_).push_back(id.value());
  --in_use_;
}

MutableBytes PacketStore::octets(WaitingPacket id) {
  return buffer(id.value()).first(packets_[id.value()].size);
}

MutableBytes PacketStore::buffer(u16 index) {
  if (index < small_) return small_buffers_[index].octets;
  return large_buffers_[index - small_].octets;
}

void PacketStore::push(PacketQueue& queue, WaitingPacket id) {
  packets_[id.value()].next = PacketQueue::none;
  (queue.empty() ? queue.first : packets_[queue.last].next) = id.value();
  queue.last = id.value();
}

void PacketStore::push_front(PacketQueue& queue, WaitingPacket id) {
  packets_[id.value()].next = queue.first;
  if (queue.empty()) queue.last = id.value();
  queue.first = id.value();
}

std::optional<WaitingPacket> PacketStore::pop(PacketQueue& queue) {
  if (queue.empty()) return std::nullopt;
  const WaitingPacket id(queue.first);
  queue.first = packets_[queue.first].next;
  if (queue.empty()) queue.last = PacketQueue::none;
  return id;
}

}  // namespace samara::net
