// DhcpServer: gives out addresses of 192.0.2.0/24 from .50 on, as RFC 2131 section 4.3 wants it, and can be told to misbehave.
#pragma once

#include <map>
#include <set>

#include "tests/sim/raw_host.h"

namespace samara::sim {

class DhcpServer final : public RawHost {
 public:
  explicit DhcpServer(u32 lease_seconds) : lease_seconds_(lease_seconds) {}
  static IpAddress pool(u8 number) { return IpAddress::v4({192, 0, 2, static_cast<u8>(50 + number)}); }

  // Hears broadcasts only: whoever renews has to rebind.
  void ignore_unicast() { deaf_to_unicast_ = true; }
  // Knows nobody any more, and gives out other addresses than before: who asks for an old one hears no.
  void forget_everybody() {
    leases_.clear();
    first_free_ = 20;
  }
  u64 offers() const { return offers_; }
  u64 acknowledged() const { return acknowledged_; }
  u64 refused() const { return refused_; }
  u64 declined() const { return declined_; }
  u64 released() const { return released_; }

 protected:
  void on_packet(Instant now, const net::EthernetHeader& header, Bytes packet) override;

 private:
  void on_arp(Bytes packet);
  void on_message(Bytes message);
  IpAddress address_for(const net::MacAddress& client);
  void reply(Bytes request, u8 type, const IpAddress& address);

  u32 lease_seconds_;
  bool deaf_to_unicast_ = false;
  u8 first_free_ = 0;
  std::map<net::MacAddress, IpAddress> leases_;
  std::set<IpAddress> unusable_;
  u64 offers_ = 0, acknowledged_ = 0, refused_ = 0, declined_ = 0, released_ = 0;
};

}  // namespace samara::sim
