#include "platform/net/ipv6/router_discovery.h"

#include <algorithm>
#include <tuple>

#include "platform/net/ipv6/addresses.h"
#include "platform/net/ipv6/fair_share.h"

namespace samara::net::ipv6 {
namespace {

// RFC 4861 section 10; RFC 7559 section 2.
constexpr u32 max_solicitation_delay_ms = 1000;
constexpr Duration first_interval = Duration::seconds(4);
constexpr Duration longest_interval = Duration::seconds(3600);
constexpr Duration default_reachable_time = Duration::milliseconds(30000);
constexpr Duration default_retransmit_timer = Duration::milliseconds(1000);
// What a forged advertisement may do to us has an end (docs/network.md). A reachable time of more than an hour is no value a
// router may set (RFC 4861 section 6.2.1); a neighbour that is gone is noticed after minutes in any case.
constexpr u32 max_reachable_time_ms = 3'600'000;
constexpr u32 longest_reachable_time_ms = 300'000;
constexpr u32 min_retransmit_timer_ms = 100;
constexpr u32 max_retransmit_timer_ms = 5'000;
// A parameter holds as long as the router that told it, and at least for three advertisements.
constexpr Duration shortest_hold = advertisement_interval * 3;
// A route or prefix that is not repeated for so long is forgotten, though it be told for ever. Routers repeat themselves at
// least every 65,535 seconds (RFC 8319).
constexpr u32 longest_lifetime = 86'400;
// RFC 4191 section 3.5: one that does not answer is probed at most once a minute.
constexpr Duration probe_interval = Duration::seconds(60);

Instant end_of(Instant now, u32 lifetime) {
  return now + Duration::seconds(std::min(lifetime, longest_lifetime));
}

IpPrefix everywhere() {
  return *IpPrefix::create(unspecified, 0);
}

// Larger is better.
auto merit(const RouterDiscovery::Route& route, Instant now) {
  const bool answers = route.unreachable_until <= now;
  // Of those that do not answer the one whose failure is longest ago, so that all have their turn.
  const i64 turn = answers ? 0 : -route.unreachable_until.since_boot().nanoseconds();
  return std::tuple(answers, turn, route.destination.length(), route.preference, route.reachable);
}

}  // namespace

RouterDiscovery::RouterDiscovery(const MacAddress& mac, u16 link_mtu, Rng& rng)
    : mac_(mac),
      link_mtu_(link_mtu),
      rng_(rng),
      mtu_(link_mtu),
      reachable_time_(default_reachable_time),
      retransmit_timer_(default_retransmit_timer) {}

Instant RouterDiscovery::next_deadline() const {
  Instant next = std::min({solicit_at_, mtu_until_, reachable_until_, retransmit_until_});
  for (const Route& route : routes_) next = std::min(next, route.expires);
  for (const OnLinkPrefix& prefix : prefixes_) next = std::min(next, prefix.expires);
  return next;
}

bool RouterDiscovery::on_link(const IpAddress& destination) const {
  return is_link_local(destination) ||
         std::ranges::any_of(prefixes_, [&](const OnLinkPrefix& p) { return p.prefix.contains(destination); });
}

std::optional<IpAddress> RouterDiscovery::router_for(Instant now, const IpAddress& destination) const {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (!route.destination.contains(destination)) continue;
    if (best == nullptr || merit(route, now) > merit(*best, now)) best = &route;
  }
  if (best == nullptr) return std::nullopt;
  return best->router;
}

void RouterDiscovery::start(Instant now) {
  // RFC 4861 section 6.3.7: hosts that start together do not ask together.
  solicit_at_ = now + Duration::milliseconds(rng_.below(max_solicitation_delay_ms + 1));
  solicit_interval_ = {};
  answered_ = false;
}

void RouterDiscovery::on_advertisement(Instant now, const IpAddress& router, const RouterAdvertisement& message) {
  set_parameters(now, message);
  set_route(now, router, {everywhere(), message.preference, message.router_lifetime});
  // RFC 4191 section 3.1: a route to ::/0 comes after the header and overrides it.
  for (const RouteInformation& route : message.routes) set_route(now, router, route);
  for (const PrefixInformation& prefix : message.prefixes) set_prefix(now, router, prefix);
  // RFC 7559 section 2.1: solicitations go on until there is a default router. RFC 4861 section 6.3.7: one is sent in any case,
  // as an advertisement nobody asked for may be incomplete.
  if (message.router_lifetime == 0) return;
  answered_ = true;
  if (solicit_interval_ != Duration()) solicit_at_ = Instant::never();
}

void RouterDiscovery::set_parameters(Instant now, const RouterAdvertisement& message) {
  const Instant until = now + std::max(Duration::seconds(message.router_lifetime), shortest_hold);
  // RFC 4861 section 6.3.4: zero leaves a parameter as it is. The hop limit of what we send is ours: one of 1 would end it at
  // the first router.
  if (message.retransmit_timer != 0) {
    retransmit_until_ = until;
    retransmit_timer_ =
        Duration::milliseconds(std::clamp(message.retransmit_timer, min_retransmit_timer_ms, max_retransmit_timer_ms));
  }
  if (message.reachable_time != 0 && message.reachable_time <= max_reachable_time_ms) {
    reachable_until_ = until;
    reachable_time_ = Duration::milliseconds(std::min(message.reachable_time, longest_reachable_time_ms));
  }
  // Between the minimum and the link's own (RFC 4861 section 6.3.4).
  if (message.mtu.has_value() && *message.mtu >= min_ipv6_mtu && *message.mtu <= link_mtu_) {
    mtu_until_ = until;
    mtu_ = static_cast<u16>(*message.mtu);
  }
}

void RouterDiscovery::forget_old_parameters(Instant now) {
  if (mtu_until_ <= now) {
    mtu_until_ = Instant::never();
    mtu_ = link_mtu_;
  }
  if (reachable_until_ <= now) {
    reachable_until_ = Instant::never();
    reachable_time_ = default_reachable_time;
  }
  if (retransmit_until_ <= now) {
    retransmit_until_ = Instant::never();
    retransmit_timer_ = default_retransmit_timer;
  }
}

void RouterDiscovery::set_route(Instant now, const IpAddress& router, const RouteInformation& route) {
  const auto known =
      std::ranges::find_if(routes_, [&](const Route& r) { return r.router == router && r.destination == route.prefix; });
  if (known != routes_.end()) {
    if (route.lifetime == 0) return routes_.remove_at(static_cast<size_t>(known - routes_.begin()));
    known->preference = route.preference;
    known->expires = end_of(now, route.lifetime);
    known->heard = now;
    return;
  }
  if (route.lifetime == 0) return;
  if (routes_.full()) {
    // One that does not answer is worth less than any newcomer.
    const auto silent = std::ranges::find_if(routes_, [&](const Route& r) { return r.unreachable_until > now; });
    const auto evicted = silent != routes_.end() ? std::optional(static_cast<size_t>(silent - routes_.begin()))
                                                 : entry_to_evict(routes(), router, now);
    if (!evicted.has_value()) {
      ++turned_away_;
      return;
    }
    routes_.remove_at(*evicted);
  }
  routes_.add({route.prefix, router, route.preference, end_of(now, route.lifetime), now, false, {}});
}

void RouterDiscovery::set_prefix(Instant now, const IpAddress& router, const PrefixInformation& information) {
  // RFC 4861 section 6.3.4: only the flag says something, its absence nothing; the link-local prefix is not for routers to set.
  if (!information.on_link || is_link_local(information.prefix.address())) return;
  const auto known = std::ranges::find_if(prefixes_, [&](const OnLinkPrefix& p) { return p.prefix == information.prefix; });
  if (known != prefixes_.end()) {
    if (information.valid_lifetime == 0) return prefixes_.remove_at(static_cast<size_t>(known - prefixes_.begin()));
    known->expires = end_of(now, information.valid_lifetime);
    known->heard = now;
    return;
  }
  if (information.valid_lifetime == 0) return;
  if (prefixes_.full()) {
    const auto evicted = entry_to_evict(prefixes(), router, now);
    if (!evicted.has_value()) {
      ++turned_away_;
      return;
    }
    prefixes_.remove_at(*evicted);
  }
  prefixes_.add({information.prefix, router, end_of(now, information.valid_lifetime), now});
}

void RouterDiscovery::on_reachability(Instant now, const IpAddress& router, bool reachable) {
  for (Route& route : routes_) {
    if (route.router != router) continue;
    route.reachable = reachable;
    route.unreachable_until = reachable ? Instant() : now + probe_interval;
  }
}

void RouterDiscovery::on_deadline(Instant now) {
  routes_.remove_if([&](const Route& route) { return route.expires <= now; });
  prefixes_.remove_if([&](const OnLinkPrefix& prefix) { return prefix.expires <= now; });
  forget_old_parameters(now);
}

std::optional<SendRouterSolicitation> RouterDiscovery::poll_solicitation(Instant now) {
  if (now < solicit_at_) return std::nullopt;
  // RFC 7559 section 2, RFC 8415 section 15: 4 seconds, doubled each time up to an hour, each time a little off.
  if (solicit_interval_ == Duration()) {
    solicit_interval_ = jittered(first_interval);
  } else {
    solicit_interval_ = solicit_interval_ + jittered(solicit_interval_);
    if (solicit_interval_ > longest_interval) solicit_interval_ = jittered(longest_interval);
  }
  solicit_at_ = answered_ ? Instant::never() : now + solicit_interval_;
  // RFC 4861 section 4.1: who has no address yet says nothing of where it is.
  if (!link_local_.has_value()) return SendRouterSolicitation{unspecified, all_routers, {}};
  return SendRouterSolicitation{*link_local_, all_routers, {mac_}};
}

Duration RouterDiscovery::jittered(Duration duration) {
  // RFC 8415 section 15: RAND is uniform between -0.1 and +0.1.
  return Duration::nanoseconds(duration.nanoseconds() / 10000 * (9000 + rng_.below(2001)));
}

}  // namespace samara::net::ipv6
