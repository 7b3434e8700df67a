// Messages of neighbour discovery (RFC 4861 section 4), with route information and router preferences (RFC 4191) and the nonce
// of enhanced duplicate detection (RFC 7527). Values: what was parsed has passed every rule a host must check before it
// believes a word (RFC 4861 sections 6.1, 7.1). parse() and write() are inverse. Options that are unknown (RDNSS, DNSSL …) or
// have a length that theirs never has are skipped, as are prefixes and routes beyond what there is room for.
//
// Left out: redirects (RFC 4861 section 8), which are not obeyed.
#pragma once

#include <array>
#include <optional>
#include <variant>

#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/net/ip_packet.h"
#include "platform/net/ipv6/bounded_list.h"
#include "platform/net/ipv6/icmpv6.h"
#include "platform/net/wire/mac_address.h"

namespace samara::net::ipv6 {

// Seconds; the largest number means for ever.
constexpr u32 infinite_lifetime = 0xffffffff;

// RFC 4191 section 2.1.
enum class RouterPreference : u8 { low, medium, high };

// RFC 4861 section 4.6.2.
struct PrefixInformation {
  IpPrefix prefix;
  bool on_link = false;
  bool autonomous = false;
  u32 valid_lifetime = 0;
  u32 preferred_lifetime = 0;
  friend bool operator==(const PrefixInformation&, const PrefixInformation&) = default;
};

// RFC 4191 section 2.3.
struct RouteInformation {
  IpPrefix prefix;
  RouterPreference preference = RouterPreference::medium;
  u32 lifetime = 0;
  friend bool operator==(const RouteInformation&, const RouteInformation&) = default;
};

struct RouterSolicitation {
  std::optional<MacAddress> source_link_layer;
  friend bool operator==(const RouterSolicitation&, const RouterSolicitation&) = default;
};

struct RouterAdvertisement {
  static constexpr size_t max_prefixes = 40;  // more than fit into 1,280 octets
  static constexpr size_t max_routes = 40;

  u8 hop_limit = 0;  // 0 here and below: not specified by this router
  bool managed = false;
  bool other = false;
  RouterPreference preference = RouterPreference::medium;
  u16 router_lifetime = 0;   // seconds; 0: not a default router
  u32 reachable_time = 0;    // milliseconds
  u32 retransmit_timer = 0;  // milliseconds
  std::optional<MacAddress> source_link_layer;
  std::optional<u32> mtu;
  BoundedList<PrefixInformation, max_prefixes> prefixes;
  BoundedList<RouteInformation, max_routes> routes;
  friend bool operator==(const RouterAdvertisement&, const RouterAdvertisement&) = default;
};

using Nonce = std::array<u8, 6>;

struct NeighborSolicitation {
  IpAddress target;
  std::optional<MacAddress> source_link_layer;
  std::optional<Nonce> nonce;  // one of another length is none of ours and not kept
  friend bool operator==(const NeighborSolicitation&, const NeighborSolicitation&) = default;
};

struct NeighborAdvertisement {
  IpAddress target;
  bool router = false;
  bool solicited = false;
  bool override_cache = false;
  std::optional<MacAddress> target_link_layer;
  friend bool operator==(const NeighborAdvertisement&, const NeighborAdvertisement&) = default;
};

using NeighborDiscoveryMessage =
    std::variant<RouterSolicitation, RouterAdvertisement, NeighborSolicitation, NeighborAdvertisement>;

// The message in a packet whose protocol is ICMPv6, or why it must be ignored. Packets that came in fragments must not get here
// (RFC 6980 section 5).
Result<NeighborDiscoveryMessage, MessageError> parse_neighbor_discovery(const IpPacket& packet);

std::optional<WrittenMessage> write(const RouterSolicitation& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out);
std::optional<WrittenMessage> write(const RouterAdvertisement& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out);
std::optional<WrittenMessage> write(const NeighborSolicitation& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out);
std::optional<WrittenMessage> write(const NeighborAdvertisement& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out);
// A message as the machines of this folder want it sent.
template <class Message>
struct Outgoing {
  IpAddress source;
  IpAddress destination;
  Message message;
  friend bool operator==(const Outgoing&, const Outgoing&) = default;
};
using SendRouterSolicitation = Outgoing<RouterSolicitation>;
using SendNeighborSolicitation = Outgoing<NeighborSolicitation>;
using SendNeighborAdvertisement = Outgoing<NeighborAdvertisement>;

template <class Message>
std::optional<WrittenMessage> write(const Outgoing<Message>& outgoing, MutableBytes out) {
  return write(outgoing.message, outgoing.source, outgoing.destination, out);
}

}  // namespace samara::net::ipv6
