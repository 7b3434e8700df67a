#include "platform/net/stack/path_mtu.h"

#include <algorithm>
#include <array>

namespace samara::net {

u16 plateau_below(u16 total_length) {
  constexpr std::array<u16, 11> plateaus = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  for (const u16 plateau : plateaus) {
    if (plateau < total_length) return plateau;
  }
  return plateaus.back();
}

PathMtu::PathMtu(u32 entries, u16 link_mtu, Rng& rng)
    : hash_(rng),
      ipv4_link_(no_less_than(min_ipv4_mtu, link_mtu)),
      ipv6_link_(no_less_than(min_ipv6_mtu, link_mtu)),
      slots_(std::max<size_t>(ways, entries / ways * ways)) {}

PathMtu::Entry PathMtu::find(Instant now, const IpAddress& destination) const {
  const Entry& of_link = link(destination);
  const size_t set = set_of(destination);
  for (size_t i = set; i < set + ways; ++i) {
    const Slot& slot = slots_[i];
    if (slot.until > now && slot.destination == destination) {
      return {std::min(slot.entry.mtu, of_link.mtu), slot.entry.dont_fragment && of_link.dont_fragment};
    }
  }
  return of_link;
}

bool PathMtu::learn(Instant now, const IpAddress& destination, u16 mtu) {
  const Entry entry = no_less_than(destination.is_v4() ? min_ipv4_mtu : min_ipv6_mtu, mtu);
  // RFC 8201 section 4: a message never raises what is assumed.
  const Entry before = find(now, destination);
  if (entry.mtu > before.mtu || (entry.mtu == before.mtu && entry.dont_fragment == before.dont_fragment)) return false;
  const size_t set = set_of(destination);
  Slot* best = &slots_[set];
  for (size_t i = set; i < set + ways; ++i) {
    if (slots_[i].destination == destination) {
      best = &slots_[i];
      break;
    }
    if (slots_[i].until < best->until) best = &slots_[i];
  }
  *best = {destination, now + path_mtu_lifetime, entry};
  return true;
}

}  // namespace samara::net
