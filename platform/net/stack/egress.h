// Egress: the sending side of the host, from a transport header and its data to frames: route, neighbour, path MTU, IP header,
// fragments, Ethernet header. A packet that can leave at once is finished in the slot it was written into; any other is copied
// into the PacketStore and comes out of poll_frame().
//
//   Getters    path_mtu(), next_deadline()
//   Commands   finish(), compose()/commit(), send_arp()
//   Outputs    poll_frame() until it yields nothing; poll_lost_neighbor()
//
// Also owns what it needs to know of the outside: neighbours, routes, routers and path MTUs, which the receiving side feeds.
// Configured routes come before those that routers advertise, as long as their gateway answers.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "platform/base/frame.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/ipv6/router_discovery.h"
#include "platform/net/neighbors/neighbor_cache.h"
#include "platform/net/stack/address_table.h"
#include "platform/net/stack/counters.h"
#include "platform/net/stack/identifications.h"
#include "platform/net/stack/packet_store.h"
#include "platform/net/stack/path_mtu.h"
#include "platform/net/stack/route_table.h"
#include "platform/net/stack/stack_config.h"
#include "platform/net/wire/arp.h"
#include "platform/net/wire/ethernet.h"

namespace samara::net {

enum class SendOutcome : u8 {
  ready,   // the slot holds a frame to transmit
  kept,    // copied; comes out of poll_frame()
  dropped  // and counted
};

class Egress {
 public:
  Egress(const StackConfig& config, const AddressTable& addresses, StackCounters& counters, Rng& rng);
  void renew_identifications() { identifications_.renew(); }

  NeighborCache neighbors;
  RouteTable routes;
  ipv6::RouterDiscovery routers;
  PathMtu path_mtus;

  // ---- Getters
  u16 path_mtu(Instant now, const IpAddress& destination) const { return path_mtus.find(now, destination).mtu; }
  Instant next_deadline() const { return neighbors.next_deadline(); }
  std::optional<IpAddress> next_hop(Instant now, const IpAddress& destination) const;
  bool has_route(Instant now, const IpAddress& destination) const { return next_hop(now, destination).has_value(); }
  // The link-layer address packets to `destination` go to, if it need not be asked for.
  std::optional<MacAddress> known_mac(Instant now, const IpAddress& destination) const;
  // RFC 8200 section 4.5, RFC 5927: did a datagram with these ports and this length, too long for the least MTU, leave us
  // lately?
  bool sent_large(const IpAddress& source, const IpAddress& destination, Bytes udp_header) const;

  // ---- Commands
  // The slot holds a transport header and its data, whose checksum is complete or asked for with request_checksum().
  SendOutcome finish(Instant now, const OutgoingPacket& packet, FrameSlot& slot);
  // A packet of the stack's own: memory for `size` octets of transport header and data, with a complete checksum at commit().
  // Nothing: no memory, counted.
  std::optional<WaitingPacket> compose(const OutgoingPacket& packet, size_t size);
  MutableBytes octets(WaitingPacket id) { return store_.octets(id); }
  void commit(WaitingPacket id, std::optional<MacAddress> mac = std::nullopt);
  void discard(WaitingPacket id) { store_.release(id); }
  void send_arp(const ArpMessage& message, const MacAddress& to);
  // What path_to() remembers may be wrong: addresses, routes or path MTUs changed.
  void forget_paths() { ++generation_; }
  void on_deadline(Instant now);
  // A transport protocol hears nothing from `peer` any more (RFC 1122 section 3.3.1.4, RFC 4861 section 7.3.3): its neighbour
  // is asked.
  void on_suspicion(Instant now, const IpAddress& peer);
  // It saw that packets to `peer` arrive (RFC 4861 section 7.3.1): the neighbour need not be asked.
  void on_progress(Instant now, const IpAddress& peer);

  // ---- Outputs
  bool poll_frame(Instant now, FrameSlot& slot);
  // A neighbour that answers no more.
  std::optional<IpAddress> poll_lost_neighbor();
  // A question about an IPv6 neighbour, to be written as a solicitation.
  std::optional<NeighborCache::Question> poll_solicitation();

 private:
  struct Path {
    IpAddress destination;
    MacAddress mac;
    u16 mtu = 0;
    bool dont_fragment = true;  // DF may be set
    u32 generation = 0;
    Instant until;
    Instant confirmed_until{};  // on_progress() is no news until then
  };
  struct ArpFrame {
    ArpMessage message;
    MacAddress to;
  };

  u32 path_generation() const { return generation_ + neighbors.generation(); }
  size_t path_index(const IpAddress& destination) const { return hash_(destination) & (paths_.size() - 1); }
  // Nothing: the neighbour is not known. Then `waiting` is with the neighbour cache, or dropped.
  const Path* path_to(Instant now, const IpAddress& destination, std::optional<WaitingPacket> waiting);
  const Path* slow_path_to(Instant now, const IpAddress& destination, std::optional<WaitingPacket> waiting);
  void drop_waiting(std::optional<WaitingPacket> waiting, u64& counter);
  SendOutcome keep(Instant now, const OutgoingPacket& packet, FrameSlot& slot);
  void write_headers(const OutgoingPacket& packet, const Path& path, FrameSlot& slot);
  void write_ethernet(const MacAddress& to, EtherType type, FrameSlot& slot);
  bool emit_stored(Instant now, FrameSlot& slot);
  void emit_fragment(WaitingPacket id, const Path& path, size_t mtu, FrameSlot& slot);
  void emit_arp(const ArpFrame& frame, FrameSlot& slot);
  size_t index_of(const IpAddress& destination) const {
    return paths_[hot_path_].destination == destination ? hot_path_ : path_index(destination);
  }
  u16 next_identification(const IpAddress& destination) { return identifications_.next(index_of(destination)); }
  void take_neighbor_outputs();
  void note_large(const OutgoingPacket& packet, Bytes transport);

  const StackConfig& config_;
  const AddressTable& addresses_;
  StackCounters& counters_;
  Rng& rng_;
  AddressHash hash_;
  u32 generation_ = 1;
  std::array<Path, 256> paths_{};  // the ways used lately, by destination
  size_t hot_path_ = 0;            // the last one: answers come in rows
  Identifications identifications_;
  PacketStore store_;
  PacketQueue queue_;
  std::array<u64, 64> large_{};  // what sent_large() knows
  size_t next_large_ = 0;
  static constexpr size_t max_arp_frames = 64;
  std::vector<ArpFrame> arp_frames_;
  static constexpr size_t max_outputs = 64;
  std::vector<NeighborCache::Question> solicitations_;
  std::vector<IpAddress> lost_neighbors_;
};

}  // namespace samara::net
