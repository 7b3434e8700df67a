// PathMtu: the largest packet that reaches a destination, where ICMP told that it is less than the link's (RFC 1191, RFC 8201).
// A learnt value is forgotten after ten minutes, so that a path that grew is used (RFC 1191 section 6.3, RFC 8201 section 4).
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/ip_packet.h"
#include "platform/net/wire/address_hash.h"

namespace samara::net {

constexpr Duration path_mtu_lifetime = Duration::seconds(600);

// RFC 1191 section 7.1: what to try when a router said "too big" and nothing more; the next common MTU below `total_length`.
u16 plateau_below(u16 total_length);

class PathMtu {
 public:
  PathMtu(u32 entries, u16 link_mtu, Rng& rng);
  struct Entry {
    u16 mtu = 0;
    bool dont_fragment = true;  // false: the path is narrower than we care to know, routers may fragment
  };
  Entry find(Instant now, const IpAddress& destination) const;
  // Takes `mtu` for what a verified message said; false: it is no news.
  bool learn(Instant now, const IpAddress& destination, u16 mtu);
  void set_ipv4_link_mtu(u16 mtu) { ipv4_link_ = no_less_than(min_ipv4_mtu, mtu); }  // RFC 2132 section 5.1
  void set_ipv6_link_mtu(u16 mtu) { ipv6_link_ = no_less_than(min_ipv6_mtu, mtu); }  // RFC 4861 section 4.6.4

 private:
  struct Slot {
    IpAddress destination;
    Instant until;
    Entry entry;
  };
  static constexpr size_t ways = 4;
  size_t set_of(const IpAddress& destination) const { return (hash_(destination) % (slots_.size() / ways)) * ways; }
  AddressHash hash_;
  static constexpr Entry no_less_than(u16 least, u16 mtu) { return {std::max(mtu, least), mtu >= least}; }
  const Entry& link(const IpAddress& destination) const { return destination.is_v4() ? ipv4_link_ : ipv6_link_; }
  Entry ipv4_link_;
  Entry ipv6_link_;
  std::vector<Slot> slots_;
};

}  // namespace samara::net
