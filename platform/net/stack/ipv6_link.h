// Ipv6Link: this host as a neighbour on an IPv6 link. It joins the machines of platform/net/ipv6 (addresses, routers, groups)
// with the neighbour cache and the sending side, and keeps the address table in step with them.
//
//   Getters   next_deadline(), listens_to()
//   Inputs    start(), on_link_up(), on_message(), on_question(), on_unreachable(), on_deadline()
//   Outputs   packets, into Egress; poll_event()
#pragma once

#include <optional>
#include <vector>

#include "platform/net/ipv6/address_configuration.h"
#include "platform/net/ipv6/multicast_listener.h"
#include "platform/net/stack/egress.h"
#include "platform/net/stack/stack.h"

namespace samara::net {

class Ipv6Link {
 public:
  Ipv6Link(const StackConfig& config, AddressTable& addresses, Egress& egress, StackCounters& counters, Rng& rng);

  Instant next_deadline() const;
  bool listens_to(const IpAddress& group) const { return groups_.listens_to(group); }

  void start(Instant now);
  void on_link_up(Instant now);
  // A message of neighbour discovery or multicast listener discovery that came in one piece (RFC 6980 section 5).
  void on_message(Instant now, const IpPacket& packet, ipv6::MessageType type);
  // The neighbour cache wants to know.
  void on_question(Instant now, const NeighborCache::Question& question);
  void on_unreachable(Instant now, const IpAddress& neighbor);
  void on_deadline(Instant now);
  std::optional<StackEvent> poll_event();

 private:
  void on_discovery(Instant now, const IpPacket& packet);
  void hear(Instant now, const IpPacket& packet, const ipv6::RouterSolicitation& message);
  void hear(Instant now, const IpPacket& packet, const ipv6::RouterAdvertisement& message);
  void hear(Instant now, const IpPacket& packet, const ipv6::NeighborSolicitation& message);
  void hear(Instant now, const IpPacket& packet, const ipv6::NeighborAdvertisement& message);
  void act(Instant now, const ipv6::JoinGroup& output);
  void act(Instant now, const ipv6::LeaveGroup& output);
  void act(Instant now, const ipv6::SendNeighborSolicitation& output);
  void act(Instant now, const ipv6::SendNeighborAdvertisement& output);
  void act(Instant now, const ipv6::AddressUp& output);
  void act(Instant now, const ipv6::AddressDown& output);
  void act(Instant now, const ipv6::AddressDuplicate& output);
  void take_outputs(Instant now);
  void apply_parameters();
  void sync_addresses();
  template <class Message>
  void send(const Message& message, std::optional<MacAddress> to = std::nullopt);

  const StackConfig& config_;
  AddressTable& table_;
  Egress& egress_;
  StackCounters& counters_;
  std::vector<u8> secret_;
  ipv6::AddressConfiguration addresses_;
  ipv6::MulticastListener groups_;
  std::vector<StackEvent> events_;
};

}  // namespace samara::net
