// A flow is what names a connection: both endpoints. FlowHash mixes it, keyed, into tables and numbers that a peer must not be
// able to foresee.
#pragma once

#include <algorithm>
#include <array>

#include "platform/base/byte_writer.h"
#include "platform/base/ip_address.h"
#include "platform/base/rng.h"
#include "platform/crypto/siphash.h"

namespace samara::net::tcp {

struct Flow {
  Endpoint local;
  Endpoint peer;
  friend constexpr bool operator==(const Flow&, const Flow&) = default;
};

class FlowHash {
 public:
  explicit FlowHash(Rng& rng) { rng.fill(key_); }

  u64 of(const Flow& flow, Bytes more = {}) const {
    std::array<u8, 64> message{};
    ByteWriter out(message);
    out.bytes(flow.local.address.octets());
    out.bytes(flow.peer.address.octets());
    out.u16(flow.local.port.value());
    out.u16(flow.peer.port.value());
    out.bytes(more);
    return crypto::siphash24(key_, out.written());
  }

 private:
  crypto::SipHashKey key_{};
};

// 224.0.0.0/4, ff00::/8, 255.255.255.255, 0.0.0.0 and ::, which name no single host.
inline bool is_one_host(const IpAddress& address) {
  if (address.is_unspecified()) return false;
  const u8 first = address.octets()[0];
  if (!address.is_v4()) return first != 0xff;
  return (first < 224 || first >= 240) && address != IpAddress::v4({255, 255, 255, 255});
}

}  // namespace samara::net::tcp
