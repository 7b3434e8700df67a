// RouterDiscovery: what a host learns from router advertisements but its addresses (RFC 4861 section 6.3): default routers and
// routes to prefixes with their preferences (RFC 4191, host type C), which prefixes are on the link, and the link's parameters.
// It solicits advertisements until a router answers, ever more slowly (RFC 7559).
//
//   Getters   next_deadline(), on_link(), router_for(), mtu(), reachable_time(), retransmit_timer(), routes(), …
//   Inputs    start(), on_link_local(), on_advertisement(), on_reachability(), on_deadline()
//   Outputs   poll_solicitation() until it yields nothing
//
// Order: any input, then poll_solicitation(); on_deadline(now) when now >= next_deadline(). `now` never goes back. Capacities:
// max_routes and max_prefixes; who gives way when they are reached is in fair_share.h.
//
// Left out: what managed and other configuration flags ask for (DHCPv6).
#pragma once

#include <optional>
#include <span>

#include "platform/base/ip_address.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/ipv6/bounded_list.h"
#include "platform/net/ipv6/neighbor_discovery.h"

namespace samara::net::ipv6 {

class RouterDiscovery {
 public:
  static constexpr size_t max_routes = 32;  // a default router is one to ::/0
  static constexpr size_t max_prefixes = 16;

  struct Route {
    IpPrefix destination;
    IpAddress router;
    RouterPreference preference = RouterPreference::medium;
    Instant expires;
    Instant heard;
    bool reachable = false;     // known to be
    Instant unreachable_until;  // later than now: it did not answer, and is tried again then
  };
  struct OnLinkPrefix {
    IpPrefix prefix;
    IpAddress router;
    Instant expires;
    Instant heard;
  };

  // `link_mtu`: octets of an IP packet, at least 1280. `rng` outlives it.
  RouterDiscovery(const MacAddress& mac, u16 link_mtu, Rng& rng);

  // ---- Getters
  Instant next_deadline() const;
  // Whether `destination` is a neighbour: link-local, or covered by a prefix a router said is on the link.
  bool on_link(const IpAddress& destination) const;
  // The router for `destination`: one that answers before one that does not, then the longest prefix, then preference (RFC 4191
  // section 3.2); when none answers, each in turn (RFC 4861 section 6.3.6).
  std::optional<IpAddress> router_for(Instant now, const IpAddress& destination) const;
  std::span<const Route> routes() const { return routes_.values(); }
  std::span<const OnLinkPrefix> prefixes() const { return prefixes_.values(); }
  // Octets of an IP packet: the link's, or the less a router told.
  u16 mtu() const { return mtu_; }
  // For neighbour unreachability detection: how long a confirmation is good for, around what routers told, and the time between
  // solicitations (RFC 4861 section 6.3.2).
  // The base; the neighbour cache draws what it makes of it (RFC 4861 section 6.3.2).
  Duration reachable_time() const { return reachable_time_; }
  Duration retransmit_timer() const { return retransmit_timer_; }
  // Advertised things that were turned away for want of room.
  u64 turned_away() const { return turned_away_; }

  // ---- Inputs
  void start(Instant now);
  // Our link-local address, once duplicate detection is through with it; nothing when there is none.
  void on_link_local(const std::optional<IpAddress>& address) { link_local_ = address; }
  // One that parse_neighbor_discovery() let pass, from `router`.
  void on_advertisement(Instant now, const IpAddress& router, const RouterAdvertisement& message);
  // What unreachability detection found out about a router, or it was sent to and cannot be resolved.
  void on_reachability(Instant now, const IpAddress& router, bool reachable);
  void on_deadline(Instant now);

  // ---- Outputs
  std::optional<SendRouterSolicitation> poll_solicitation(Instant now);

 private:
  void set_route(Instant now, const IpAddress& router, const RouteInformation& route);
  void set_prefix(Instant now, const IpAddress& router, const PrefixInformation& prefix);
  void set_parameters(Instant now, const RouterAdvertisement& message);
  void forget_old_parameters(Instant now);
  Duration jittered(Duration duration);

  MacAddress mac_;
  u16 link_mtu_;
  Rng& rng_;
  std::optional<IpAddress> link_local_;

  BoundedList<Route, max_routes> routes_;
  BoundedList<OnLinkPrefix, max_prefixes> prefixes_;
  u64 turned_away_ = 0;

  u16 mtu_;
  Duration reachable_time_;
  Duration retransmit_timer_;
  // When each of them ends, if it is not repeated.
  Instant mtu_until_ = Instant::never();
  Instant reachable_until_ = Instant::never();
  Instant retransmit_until_ = Instant::never();

  Instant solicit_at_ = Instant::never();
  Duration solicit_interval_;  // zero: none was sent yet
  bool answered_ = false;
};

}  // namespace samara::net::ipv6
