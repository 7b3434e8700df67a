#include "platform/net/stack/egress.h"

#include <algorithm>

#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/ipv6.h"

namespace samara::net {
namespace {

size_t ip_header_size(const IpAddress& address) {
  return address.is_v4() ? Ipv4Header::size : Ipv6Header::size;
}

// Finishes in software what was left for the card: the pseudo header's sum stands at `offset`.
void complete_checksum(MutableBytes transport, size_t offset, Protocol protocol) {
  u16 sum = internet_checksum(transport);
  if (sum == 0 && protocol == Protocol::udp) sum = 0xffff;  // RFC 768: zero would say "none"
  store_be16(transport, offset, sum);
}

template <class T>
std::optional<T> take_first(std::vector<T>& from) {
  if (from.empty()) return std::nullopt;
  const T first = from.front();
  from.erase(from.begin());
  return first;
}

}  // namespace

Egress::Egress(const StackConfig& config, const AddressTable& addresses, StackCounters& counters, Rng& rng)
    : neighbors({config.neighbors, std::max<u32>(config.waiting_packets / 2, 1)}, rng),
      routers(config.mac, config.mtu, rng),
      path_mtus(256, config.mtu, rng),
      config_(config),
      addresses_(addresses),
      counters_(counters),
      rng_(rng),
      hash_(rng),
      identifications_(rng),
      store_(config.waiting_packets, config.large_packets) {
  arp_frames_.reserve(max_arp_frames);
  solicitations_.reserve(max_outputs);
}

SendOutcome Egress::finish(Instant now, const OutgoingPacket& packet, FrameSlot& slot) {
  const Path* path = path_to(now, packet.destination, std::nullopt);
  const size_t size = slot.size() + ip_header_size(packet.destination);
  if (path == nullptr || size > path->mtu) return keep(now, packet, slot);
  if (size > min_ipv6_mtu && !packet.destination.is_v4()) note_large(packet, slot.octets());
  write_headers(packet, *path, slot);
  ++counters_.frames_out;
  return SendOutcome::ready;
}

std::optional<WaitingPacket> Egress::compose(const OutgoingPacket& packet, size_t size) {
  const std::optional<WaitingPacket> id = store_.acquire(size, packet);
  if (!id.has_value()) ++counters_.out_no_memory;
  return id;
}

void Egress::commit(WaitingPacket id, std::optional<MacAddress> mac) {
  store_[id].mac = mac;
  store_.push(queue_, id);
}

void Egress::send_arp(const ArpMessage& message, const MacAddress& to) {
  if (arp_frames_.size() == max_arp_frames) {
    ++counters_.out_no_memory;
    return;
  }
  arp_frames_.push_back({message, to});
}

void Egress::on_deadline(Instant now) {
  neighbors.on_deadline(now);
  take_neighbor_outputs();
}

void Egress::on_suspicion(Instant now, const IpAddress& peer) {
  const std::optional<IpAddress> hop = next_hop(now, peer);
  if (hop.has_value() && !config_.mirror_neighbors) neighbors.on_suspicion(now, *hop);
}

void Egress::on_progress(Instant now, const IpAddress& peer) {
  constexpr Duration interval = Duration::seconds(1);  // far below the time a neighbour stays reachable
  Path& path = paths_[path_index(peer)];
  // Where nothing was sent lately, nothing is to be confirmed.
  if (now < path.confirmed_until || path.generation != path_generation() || path.destination != peer) return;
  path.confirmed_until = now + interval;
  const std::optional<IpAddress> hop = next_hop(now, peer);
  if (hop.has_value() && !config_.mirror_neighbors) neighbors.on_confirmation(now, *hop);
}

bool Egress::poll_frame(Instant now, FrameSlot& slot) {
  take_neighbor_outputs();
  if (arp_frames_.empty()) {
    if (emit_stored(now, slot)) return true;
    take_neighbor_outputs();  // a packet that now waits has raised a question
  }
  const std::optional<ArpFrame> frame = take_first(arp_frames_);
  if (frame.has_value()) emit_arp(*frame, slot);
  return frame.has_value();
}

std::optional<IpAddress> Egress::poll_lost_neighbor() {
  return take_first(lost_neighbors_);
}

std::optional<NeighborCache::Question> Egress::poll_solicitation() {
  return take_first(solicitations_);
}

std::optional<IpAddress> Egress::next_hop(Instant now, const IpAddress& destination) const {
  if (config_.mirror_neighbors || is_multicast(destination)) return destination;
  if (addresses_.is_on_link(destination) || is_limited_broadcast(destination)) return destination;
  if (destination.is_v4()) {
    const std::optional<RouteTable::Choice> gateway = routes.gateway_for(now, destination);
    if (!gateway.has_value()) return std::nullopt;
    return gateway->gateway.is_unspecified() ? destination : gateway->gateway;  // RFC 3442: on the link after all
  }
  const std::optional<RouteTable::Choice> gateway = routes.gateway_for(now, destination);
  if (gateway.has_value() && gateway->alive) return gateway->gateway;
  if (routers.on_link(destination)) return destination;
  if (const auto router = routers.router_for(now, destination)) return router;
  return gateway.has_value() ? std::optional(gateway->gateway) : std::nullopt;
}

std::optional<MacAddress> Egress::known_mac(Instant now, const IpAddress& destination) const {
  const std::optional<IpAddress> hop = next_hop(now, destination);
  if (!hop.has_value()) return std::nullopt;
  const std::optional<NeighborCache::Entry> entry = neighbors.find(now, *hop);
  if (!entry.has_value() || entry->state == NeighborState::incomplete) return std::nullopt;
  return entry->mac;
}

const Egress::Path* Egress::path_to(Instant now, const IpAddress& destination, std::optional<WaitingPacket> waiting) {
  const auto holds = [&](const Path& path) {
    return path.generation == path_generation() && now < path.until && path.destination == destination;
  };
  if (holds(paths_[hot_path_])) return &paths_[hot_path_];
  hot_path_ = path_index(destination);
  if (holds(paths_[hot_path_])) return &paths_[hot_path_];
  return slow_path_to(now, destination, waiting);
}

const Egress::Path* Egress::slow_path_to(Instant now, const IpAddress& destination, std::optional<WaitingPacket> waiting) {
  const std::optional<IpAddress> hop = next_hop(now, destination);
  if (!hop.has_value()) {
    drop_waiting(waiting, counters_.out_no_route);
    return nullptr;
  }
  Path path{.destination = destination, .mac = {}, .until = Instant::never()};
  if (is_multicast(destination)) {
    path.mac = MacAddress::multicast(destination);
  } else if (addresses_.is_broadcast(destination)) {
    path.mac = MacAddress::broadcast();
  } else if (config_.mirror_neighbors) {
    const std::optional<NeighborCache::Entry> entry = neighbors.find(now, destination);
    if (!entry.has_value()) {
      drop_waiting(waiting, counters_.out_no_neighbor);
      return nullptr;
    }
    path.mac = entry->mac;
  } else {
    const bool may_wait = waiting.has_value() && store_.may_wait(*waiting);
    const NeighborCache::Resolution found = neighbors.resolve(now, *hop, may_wait ? waiting : std::nullopt);
    if (!found.mac.has_value()) {
      drop_waiting(found.displaced, counters_.out_no_neighbor);
      if (!found.waits) drop_waiting(waiting, counters_.out_no_neighbor);
      return nullptr;
    }
    path.mac = *found.mac;
    path.until = found.fresh_until;
  }
  const PathMtu::Entry known = path_mtus.find(now, destination);
  path.mtu = known.mtu;
  path.dont_fragment = known.dont_fragment;
  // A value learnt by path MTU discovery ends by itself, and is looked up again before long.
  path.until = std::min(path.until, now + Duration::seconds(10));
  path.generation = path_generation();
  Path& slot = paths_[path_index(destination)];
  slot = path;
  return &slot;
}

void Egress::drop_waiting(std::optional<WaitingPacket> waiting, u64& counter) {
  if (!waiting.has_value()) return;
  ++counter;
  store_.release(*waiting);
}

SendOutcome Egress::keep(Instant now, const OutgoingPacket& packet, FrameSlot& slot) {
  if (!has_route(now, packet.destination)) {
    ++counters_.out_no_route;
    return SendOutcome::dropped;
  }
  const MutableBytes transport = slot.octets();
  const std::optional<WaitingPacket> id = compose(packet, transport.size());
  if (!id.has_value()) return SendOutcome::dropped;
  std::ranges::copy(transport, octets(*id).begin());
  const u16 checksum = slot.checksum_request().offset;
  if (checksum != 0) complete_checksum(octets(*id), checksum, packet.protocol);
  commit(*id);
  return SendOutcome::kept;
}

void Egress::write_headers(const OutgoingPacket& packet, const Path& path, FrameSlot& slot) {
  const size_t size = slot.size();
  if (packet.destination.is_v4()) {
    Ipv4Header header;
    header.traffic_class = packet.traffic_class;
    header.total_length = static_cast<u16>(size + Ipv4Header::size);
    header.dont_fragment = packet.dont_fragment && path.dont_fragment;
    // RFC 6864 section 4.1: what is never fragmented needs no identification.
    header.identification = header.dont_fragment ? u16{0} : next_identification(packet.destination);
    header.hop_limit = packet.hop_limit;
    header.protocol = packet.protocol;
    header.source = packet.source;
    header.destination = packet.destination;
    header.write(slot.prepend(Ipv4Header::size));
    write_ethernet(path.mac, EtherType::ipv4, slot);
    return;
  }
  Ipv6Header header;
  header.traffic_class = packet.traffic_class;
  header.payload_length = static_cast<u16>(size);
  header.next_header = packet.protocol;
  header.hop_limit = packet.hop_limit;
  header.source = packet.source;
  header.destination = packet.destination;
  header.write(slot.prepend(Ipv6Header::size));
  write_ethernet(path.mac, EtherType::ipv6, slot);
}

void Egress::write_ethernet(const MacAddress& to, EtherType type, FrameSlot& slot) {
  EthernetHeader{to, config_.mac, type}.write(slot.prepend(EthernetHeader::size));
}

bool Egress::emit_stored(Instant now, FrameSlot& slot) {
  while (!queue_.empty()) {
    const WaitingPacket id(queue_.first);
    StoredPacket& stored = store_[id];
    const IpAddress& destination = stored.packet.destination;
    Path path;
    if (stored.mac.has_value()) {
      const PathMtu::Entry known = path_mtus.find(now, destination);
      path.mac = *stored.mac;
      path.mtu = known.mtu;
      path.dont_fragment = known.dont_fragment;
    } else {
      store_.pop(queue_);  // in case it goes to wait for its neighbour
      const Path* found = path_to(now, destination, id);
      if (found == nullptr) continue;
      path = *found;
      stored.mac = path.mac;  // and its fragments go the same way
      store_.push_front(queue_, id);
    }
    const size_t header = ip_header_size(destination);
    const size_t mtu = std::min<size_t>(path.mtu, slot.payload_room().size() + header);
    if (stored.size + header > mtu) {
      if (stored.packet.dont_fragment && destination.is_v4() && path.dont_fragment) {
        ++counters_.out_too_long;
        store_.pop(queue_);
        store_.release(id);
        continue;
      }
      emit_fragment(id, path, mtu, slot);
      return true;
    }
    std::ranges::copy(octets(id), slot.payload_room().begin());
    slot.set_payload(stored.size);
    if (stored.size + header > min_ipv6_mtu && !destination.is_v4()) note_large(stored.packet, octets(id));
    write_headers(stored.packet, path, slot);
    ++counters_.frames_out;
    store_.pop(queue_);
    store_.release(id);
    return true;
  }
  return false;
}

void Egress::emit_fragment(WaitingPacket id, const Path& path, size_t mtu, FrameSlot& slot) {
  StoredPacket& stored = store_[id];
  const OutgoingPacket& packet = stored.packet;
  const bool v4 = packet.destination.is_v4();
  if (stored.sent == 0) {
    // RFC 7739: nobody can tell the next one of IPv6.
    stored.identification = v4 ? next_identification(packet.destination) : rng_.u32_value();
    if (!v4) note_large(packet, octets(id));
  }
  const size_t headers = v4 ? Ipv4Header::size : Ipv6Header::size + Ipv6FragmentHeader::size;
  const size_t most = (mtu - headers) / 8 * 8;
  const size_t rest = stored.size - stored.sent;
  const bool more = rest > mtu - headers;
  const size_t size = more ? most : rest;
  std::ranges::copy(octets(id).subspan(stored.sent, size), slot.payload_room().begin());
  slot.set_payload(size);
  if (v4) {
    Ipv4Header header;
    header.traffic_class = packet.traffic_class;
    header.total_length = static_cast<u16>(size + Ipv4Header::size);
    header.identification = static_cast<u16>(stored.identification);
    header.more_fragments = more;
    header.fragment_offset = static_cast<u16>(stored.sent);
    header.hop_limit = packet.hop_limit;
    header.protocol = packet.protocol;
    header.source = packet.source;
    header.destination = packet.destination;
    header.write(slot.prepend(Ipv4Header::size));
    write_ethernet(path.mac, EtherType::ipv4, slot);
  } else {
    Ipv6FragmentHeader{packet.protocol, static_cast<u16>(stored.sent), more, stored.identification}.write(
        slot.prepend(Ipv6FragmentHeader::size));
    OutgoingPacket whole = packet;
    whole.protocol = Protocol::fragment;
    write_headers(whole, path, slot);
  }
  ++counters_.fragments_out;
  ++counters_.frames_out;
  stored.sent += static_cast<u32>(size);
  if (more) return;
  store_.pop(queue_);
  store_.release(id);
}

void Egress::emit_arp(const ArpFrame& frame, FrameSlot& slot) {
  slot.set_payload(ArpMessage::size);
  frame.message.write(slot.octets());
  write_ethernet(frame.to, EtherType::arp, slot);
  ++counters_.arp_out;
  ++counters_.frames_out;
}

// Packets whose neighbour was found go on; questions become messages.
void Egress::take_neighbor_outputs() {
  while (const auto released = neighbors.poll_released()) {
    if (released->mac.has_value()) {
      commit(released->packet, released->mac);
    } else {
      drop_waiting(released->packet, counters_.out_no_neighbor);
    }
  }
  while (const auto question = neighbors.poll_question()) {
    if (!question->address.is_v4()) {
      if (solicitations_.size() < max_outputs) solicitations_.push_back(*question);
      continue;
    }
    const std::optional<IpAddress> source = addresses_.source_for(question->address);
    if (!source.has_value()) continue;
    send_arp({ArpMessage::Operation::request, config_.mac, *source, {}, question->address},
             question->mac.value_or(MacAddress::broadcast()));
  }
  while (const auto gone = neighbors.poll_unreachable()) {
    if (lost_neighbors_.size() < max_outputs) lost_neighbors_.push_back(*gone);
  }
}

void Egress::note_large(const OutgoingPacket& packet, Bytes transport) {
  if (packet.protocol != Protocol::udp) return;
  large_[next_large_++ % large_.size()] =
      hash_(packet.source) ^ (hash_(packet.destination) * 3) ^ load_be32(transport) ^ load_be16(transport, 4);
}

bool Egress::sent_large(const IpAddress& source, const IpAddress& destination, Bytes udp_header) const {
  const u64 sought = hash_(source) ^ (hash_(destination) * 3) ^ load_be32(udp_header) ^ load_be16(udp_header, 4);
  return std::ranges::find(large_, sought) != large_.end();
}

}  // namespace samara::net
