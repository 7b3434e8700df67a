// RedirectTable: the destinations for which a router told us a better first hop (RFC 4861 section 8.3). It holds a number of
// them; the oldest goes first. A redirect stays until its target or the router that sent it turns out not to answer.
//
//   Getters   next_hop()
//   Inputs    on_redirect(), on_unreachable()
#pragma once

#include <optional>

#include "platform/base/ip_address.h"
#include "platform/net/ipv6/bounded_list.h"
#include "platform/net/ipv6/neighbor_discovery.h"

namespace samara::net::ipv6 {

class RedirectTable {
 public:
  static constexpr size_t max_redirects = 64;

  // The neighbour packets to `destination` go to; nothing: the routes say.
  std::optional<IpAddress> next_hop(const IpAddress& destination) const;
  size_t size() const { return entries_.size(); }

  // A redirect that parse_neighbor_discovery() let pass, from `router`; `first_hop` is where packets to its destination go at
  // present. False, and nothing changes, when it comes from anybody else (RFC 4861 section 8.1).
  bool on_redirect(const IpAddress& router, const Redirect& redirect, const std::optional<IpAddress>& first_hop);
  // A neighbour that does not answer any more.
  void on_unreachable(const IpAddress& neighbor);

 private:
  struct Entry {
    IpAddress destination;
    IpAddress target;
    IpAddress router;
  };
  BoundedList<Entry, max_redirects> entries_;  // the oldest first
};

}  // namespace samara::net::ipv6
