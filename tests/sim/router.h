// Router: advertises itself and a prefix (RFC 4861 section 6.2), answers solicitations, and counts what it would forward.
#pragma once

#include "tests/sim/raw_host.h"

namespace samara::sim {

class Router final : public RawHost {
 public:
  struct Advertised {
    u16 router_lifetime = 1800;
    u32 valid = 86'400;
    u32 preferred = 14'400;
    Duration interval = Duration::seconds(10);
  };
  // Of the prefix 2001:db8:0:`subnet`::/64; its own address is fe80::`number`.
  Router(u8 number, u8 subnet, const Advertised& advertised) : number_(number), subnet_(subnet), advertised_(advertised) {}

  u64 forwarded() const { return forwarded_; }
  Instant next_deadline() const override { return next_advertisement_; }
  IpAddress address() const;

 protected:
  void on_start(Instant now) override { next_advertisement_ = now; }
  void on_packet(Instant now, const net::EthernetHeader& header, Bytes packet) override;
  void on_deadline(Instant now) override;

 private:
  void advertise();
  void answer_solicitation(const IpAddress& from, const net::MacAddress& mac);
  void send_message(const IpAddress& to, const net::MacAddress& mac, Bytes message);

  u8 number_;
  u8 subnet_;
  Advertised advertised_;
  Instant next_advertisement_ = Instant::never();
  u64 forwarded_ = 0;
};

}  // namespace samara::sim
