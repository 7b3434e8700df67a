#include "platform/net/stack/route_table.h"

#include <algorithm>

#include "platform/net/wire/address_kind.h"

namespace samara::net {

bool RouteTable::add(const Route& route, RouteOrigin origin) {
  for (Entry& e : routes_) {
    if (e.origin == origin && e.route.destination == route.destination && e.route.gateway == route.gateway) {
      e.route.metric = route.metric;
      return true;
    }
  }
  if (routes_.size() == capacity) return false;
  routes_.push_back({route, origin, {}});
  return true;
}

void RouteTable::remove(const Route& route, RouteOrigin origin) {
  std::erase_if(routes_, [&](const Entry& e) {
    return e.origin == origin && e.route.destination == route.destination && e.route.gateway == route.gateway;
  });
}

void RouteTable::remove_all(RouteOrigin origin) {
  std::erase_if(routes_, [&](const Entry& e) { return e.origin == origin; });
}

bool RouteTable::is_gateway(const IpAddress& address) const {
  return std::ranges::any_of(routes_, [&](const Entry& e) { return e.route.gateway == address; });
}

std::optional<RouteTable::Choice> RouteTable::gateway_for(Instant now, const IpAddress& destination) const {
  const Entry* best = nullptr;
  for (const Entry& e : routes_) {
    const IpPrefix& prefix = e.route.destination;
    if (!same_block(prefix.address(), destination, prefix.length())) continue;
    if (best == nullptr) {
      best = &e;
      continue;
    }
    const bool alive = e.dead_until <= now;
    const bool best_alive = best->dead_until <= now;
    // A dead way is worse than a less specific one that works.
    if (alive != best_alive) {
      if (alive) best = &e;
    } else if (prefix.length() != best->route.destination.length()) {
      if (prefix.length() > best->route.destination.length()) best = &e;
    } else if (!alive ? e.dead_until < best->dead_until : e.route.metric < best->route.metric) {
      best = &e;
    }
  }
  if (best == nullptr) return std::nullopt;
  return Choice{best->route.gateway, best->dead_until <= now};
}

bool RouteTable::mark_dead(Instant now, const IpAddress& gateway) {
  bool found = false;
  for (Entry& e : routes_) {
    if (e.route.gateway != gateway) continue;
    e.dead_until = now + retry_dead_gateway;
    found = true;
  }
  return found;
}

void RouteTable::mark_alive(const IpAddress& gateway) {
  for (Entry& e : routes_) {
    if (e.route.gateway == gateway) e.dead_until = {};
  }
}

}  // namespace samara::net
