// AddressHash: where an address stands in a table that peers must not be able to fill unevenly at will. Keyed and quick, not
// cryptographic: a collision costs its owner a place in a cache and nothing else.
#pragma once

#include "platform/base/ip_address.h"
#include "platform/base/rng.h"

namespace samara::net {

class AddressHash {
 public:
  explicit AddressHash(Rng& rng) : first_(rng.u64_value()), second_(rng.u64_value()) {}
  u64 operator()(const IpAddress& address) const {
    if (address.is_v4()) return mixed(address.v4_number() ^ first_) ^ second_;
    const Bytes octets = address.octets();
    return mixed(mixed(load_be64(octets, 0) ^ first_) ^ load_be64(octets, 8) ^ second_);
  }

 private:
  static u64 mixed(u64 value) {
    value *= 0x9e3779b97f4a7c15;
    value ^= value >> 29;
    value *= 0xbf58476d1ce4e5b9;
    return value ^ (value >> 32);
  }
  u64 first_;
  u64 second_;
};

}  // namespace samara::net
