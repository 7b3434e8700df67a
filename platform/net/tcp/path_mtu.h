// PathMtu: the largest packet one connection sends (RFC 1191, RFC 8201), and what to do when the path swallows large packets
// without a word (RFC 2923 section 2.1): after four timeouts of full segments go down to what every IPv6 path carries, after
// four more, for IPv4, to what every host takes, and then without DF. Where packets are no larger anyway, DF goes all the same.
#pragma once

#include <algorithm>

#include "platform/net/ip_packet.h"

namespace samara::net::tcp {

class PathMtu {
 public:
  // Two in a row happen on any path that loses a tenth of its packets; four hardly ever.
  static constexpr u32 timeouts_per_step = 4;

  PathMtu() = default;
  PathMtu(IpFamily family, u16 mtu) : family_(family), mtu_(std::max(mtu, smallest())) {}

  u16 value() const { return mtu_; }
  bool dont_fragment() const { return family_ == IpFamily::v4 && !gave_up_; }
  // IP and TCP header without options.
  u32 headers() const { return family_ == IpFamily::v4 ? 40 : 60; }
  u32 max_segment() const { return mtu_ - headers(); }

  // What the IP layer found out. RFC 8201 section 4, RFC 1191 section 3: nothing below the family's minimum.
  void learn(u16 mtu) {
    mtu_ = std::max(mtu, smallest());
    gave_up_ = false;
  }
  // A packet of `packet` octets has timed out `timeouts` times in a row. True: packets are smaller, or travel without DF, from
  // now on. One that is short enough for the first step has shown nothing about it, and waits for the second.
  bool on_timeouts(u32 timeouts, u32 packet) {
    if (timeouts % timeouts_per_step != 0) return false;
    if (mtu_ > min_ipv6_mtu && packet > min_ipv6_mtu) {
      mtu_ = min_ipv6_mtu;
      return true;
    }
    const bool first_step_left = mtu_ > min_ipv6_mtu && timeouts < 2 * timeouts_per_step;
    if (family_ != IpFamily::v4 || first_step_left) return false;
    // A short packet may have taken this step without showing that longer ones arrive.
    const bool too_long = packet > min_ipv4_mtu && mtu_ > min_ipv4_mtu;
    if (gave_up_ && !too_long) return false;
    if (too_long) mtu_ = min_ipv4_mtu;
    gave_up_ = true;
    return true;
  }

 private:
  // An IPv4 path MTU below that is an attack rather than a link.
  u16 smallest() const { return family_ == IpFamily::v4 ? min_ipv4_mtu : min_ipv6_mtu; }
  IpFamily family_ = IpFamily::v4;
  u16 mtu_ = 1500;
  bool gave_up_ = false;
};

}  // namespace samara::net::tcp
