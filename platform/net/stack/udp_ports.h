// UdpPorts: which endpoints the application takes datagrams for. Ports open on all addresses of a family are one bit each, so
// that a resolver may open thousands of them; ports of one address stand in a short list.
#pragma once

#include <algorithm>
#include <vector>

#include "platform/base/ip_address.h"

namespace samara::net {

class UdpPorts {
 public:
  static constexpr size_t specific_capacity = 256;

  UdpPorts() : any_v4_(words), any_v6_(words) { specific_.reserve(specific_capacity); }

  bool is_open(const Endpoint& local) const {
    if (test(local.address.is_v4() ? any_v4_ : any_v6_, local.port)) return true;
    return !specific_.empty() && std::ranges::find(specific_, local) != specific_.end();
  }
  // The very endpoint, not one that covers it.
  bool has(const Endpoint& local) const {
    if (local.address.is_unspecified()) return test(local.address.is_v4() ? any_v4_ : any_v6_, local.port);
    return std::ranges::find(specific_, local) != specific_.end();
  }
  // False: no room.
  bool add(const Endpoint& local) {
    if (local.address.is_unspecified()) {
      word(local) |= bit(local.port);
      return true;
    }
    if (specific_.size() == specific_capacity) return false;
    specific_.push_back(local);
    return true;
  }
  void remove(const Endpoint& local) {
    if (local.address.is_unspecified()) {
      word(local) &= ~bit(local.port);
    } else {
      std::erase(specific_, local);
    }
  }

 private:
  static constexpr size_t words = 65536 / 64;
  static u64 bit(Port port) { return u64{1} << (port.value() % 64); }
  static bool test(const std::vector<u64>& bits, Port port) { return (bits[port.value() / 64] & bit(port)) != 0; }
  u64& word(const Endpoint& local) { return (local.address.is_v4() ? any_v4_ : any_v6_)[local.port.value() / 64]; }

  std::vector<u64> any_v4_;
  std::vector<u64> any_v6_;
  std::vector<Endpoint> specific_;
};

}  // namespace samara::net
