// PathMtu: the largest packet one connection sends (RFC 1191, RFC 8201), and what to do when the path swallows large packets
// without a word (RFC 2923 section 2.1): after four timeouts of full segments go down to what every IPv6 path carries, after
// four more, for IPv4, to what every host takes, and then without DF.
#pragma once

#include <algorithm>

#include "platform/base/ip_address.h"

namespace samara::net::tcp {

class PathMtu {
 public:
  static constexpr u16 min_v6 = 1280;  // RFC 8200 section 5
  static constexpr u16 min_v4 = 576;   // RFC 9293 section 3.7.1: EMTU_R at least
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
  // A packet of `packet` octets has timed out `timeouts` times in a row. True: packets are smaller from now on. One that is
  // short enough for a step has shown nothing about it.
  bool on_timeouts(u32 timeouts, u32 packet) {
    if (timeouts % timeouts_per_step != 0) return false;
    if (mtu_ > min_v6 && packet > min_v6) {
      mtu_ = min_v6;
      return true;
    }
    if (family_ == IpFamily::v6 || mtu_ <= min_v4 || packet <= min_v4 || timeouts < 2 * timeouts_per_step) return false;
    mtu_ = min_v4;
    gave_up_ = true;
    return true;
  }

 private:
  // An IPv4 path MTU below that is an attack rather than a link.
  u16 smallest() const { return family_ == IpFamily::v4 ? min_v4 : min_v6; }
  IpFamily family_ = IpFamily::v4;
  u16 mtu_ = 1500;
  bool gave_up_ = false;
};

}  // namespace samara::net::tcp
