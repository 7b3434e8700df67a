#include "platform/net/ipv6/redirect_table.h"

#include <algorithm>

namespace samara::net::ipv6 {

std::optional<IpAddress> RedirectTable::next_hop(const IpAddress& destination) const {
  const auto found = std::ranges::find(entries_, destination, &Entry::destination);
  if (found == entries_.end()) return std::nullopt;
  return found->target;
}

bool RedirectTable::on_redirect(const IpAddress& router, const Redirect& redirect, const std::optional<IpAddress>& first_hop) {
  if (first_hop != router) return false;
  entries_.remove_if([&](const Entry& entry) { return entry.destination == redirect.destination; });
  if (entries_.full()) entries_.remove_at(0);
  return entries_.add({redirect.destination, redirect.target, router});
}

void RedirectTable::on_unreachable(const IpAddress& neighbor) {
  entries_.remove_if([&](const Entry& entry) { return entry.target == neighbor || entry.router == neighbor; });
}

}  // namespace samara::net::ipv6
