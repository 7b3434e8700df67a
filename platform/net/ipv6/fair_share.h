// Who must make room in a full table of what routers told us. Entries have a `router`, who told it, and `heard`, when it last
// did. A router that floods us fills no more than its share, and what a flood of made-up routers left behind goes when it is
// not repeated; what a router repeats in time stays.
#pragma once

#include <optional>
#include <span>

#include "platform/base/ip_address.h"
#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::net::ipv6 {

// Routers repeat themselves at least this often (RFC 4861 section 6.2.1, MaxRtrAdvInterval).
constexpr Duration advertisement_interval = Duration::seconds(1800);

// The index of the entry that goes so that `router` gets a place: the last of the router that has most, when giving it away
// leaves the shares more even; otherwise one not repeated for too long; otherwise none, and the newcomer is turned away.
template <class Entry>
std::optional<size_t> entry_to_evict(std::span<const Entry> entries, const IpAddress& router, Instant now) {
  const auto share = [&](const IpAddress& owner) {
    size_t count = 0;
    for (const Entry& entry : entries) {
      if (entry.router == owner) ++count;
    }
    return count;
  };
  size_t largest = share(router) + 1;
  std::optional<size_t> unfair;
  std::optional<size_t> stale;
  for (size_t i = 0; i < entries.size(); ++i) {
    const size_t size = share(entries[i].router);
    if (size > largest || (size == largest && unfair.has_value())) {
      largest = size;
      unfair = i;
    }
    if (entries[i].heard + advertisement_interval < now) stale = i;
  }
  return unfair.has_value() ? unfair : stale;
}

}  // namespace samara::net::ipv6
