// Endpoints as the kernel writes them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>

#include "platform/base/ip_address.h"

namespace samara::hal {

union SocketAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

inline IpAddress to_address(const in_addr& a) {
  return IpAddress::v4(std::bit_cast<std::array<u8, 4>>(a));
}
inline IpAddress to_address(const in6_addr& a) {
  return IpAddress::v6(std::bit_cast<std::array<u8, 16>>(a));
}

inline Endpoint to_endpoint(const SocketAddress& a) {
  if (a.generic.sa_family == AF_INET) return {to_address(a.v4.sin_addr), Port(ntohs(a.v4.sin_port))};
  return {to_address(a.v6.sin6_addr), Port(ntohs(a.v6.sin6_port))};
}

// The size of what was written.
inline socklen_t from_endpoint(const Endpoint& e, SocketAddress& out) {
  if (e.address.is_v4()) {
    out.v4 = sockaddr_in{};
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(e.port.value());
    std::array<u8, 4> octets{};
    std::ranges::copy(e.address.octets(), octets.begin());
    out.v4.sin_addr = std::bit_cast<in_addr>(octets);
    return sizeof(sockaddr_in);
  }
  out.v6 = sockaddr_in6{};
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(e.port.value());
  std::array<u8, 16> octets{};
  std::ranges::copy(e.address.octets(), octets.begin());
  out.v6.sin6_addr = std::bit_cast<in6_addr>(octets);
  return sizeof(sockaddr_in6);
}

}  // namespace samara::hal
