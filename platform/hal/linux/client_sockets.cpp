#include "platform/hal/linux/client_sockets.h"

#include <netinet/tcp.h>

#include "platform/hal/linux/socket_address.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

// Answers to a burst of questions wait here while the worker is away from its processor.
constexpr int datagram_buffer = 1 << 20;
// A peer that acknowledges nothing of what was sent for so long is gone, as with the clients (listen_sockets.cpp).
constexpr int unacknowledged_ms = 30'000;

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

IpAddress any_of(int family) {
  return family == AF_INET ? IpAddress() : IpAddress::v6({});
}

Result<ListenSocket, SystemError> make_datagram_socket(int family) {
  Descriptor fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open()) return fail(SystemError{});
  set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, datagram_buffer);
  // As for answers: a forged ICMP message must not make us fragment (listen_sockets.cpp).
  const bool good = family == AF_INET ? set_option(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)
                                      : set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                                            set_option(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  SocketAddress address{};
  socklen_t size = from_endpoint({any_of(family), Port(0)}, address);
  if (!good || ::bind(fd.get(), &address.generic, size) != 0 || ::getsockname(fd.get(), &address.generic, &size) != 0) {
    return fail(SystemError{});
  }
  return ListenSocket{.fd = std::move(fd), .local = to_endpoint(address), .wildcard = false};
}

Result<Descriptor, SystemError> make_stream_socket(int family) {
  Descriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open()) return fail(SystemError{});
  const bool good = (family == AF_INET || set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
                    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1) &&
                    set_option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms);
  if (!good) return fail(SystemError{});
  return fd;
}

// A system without one of the families is no error: nobody there can be asked, and that is found out by asking.
bool no_such_family(SystemError error) {
  return error.number == EAFNOSUPPORT || error.number == EADDRNOTAVAIL;
}

Failure<Refusal> refused(SystemError error) {
  return fail(Refusal(ExitCode::unavailable, "sockets to ask others with: ", error));
}

}  // namespace

Result<ClientSockets, Refusal> make_client_sockets(u32 streams, bool datagrams) {
  ClientSockets sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    if (datagrams) {
      auto datagram = make_datagram_socket(family);
      if (!datagram.ok() && !no_such_family(datagram.error())) return refused(datagram.error());
      if (datagram.ok()) sockets.datagram.push_back(std::move(datagram).value());
    }
    std::vector<Descriptor>& pool = family == AF_INET ? sockets.stream_v4 : sockets.stream_v6;
    pool.reserve(streams);
    for (u32 i = 0; i < streams; ++i) {
      auto stream = make_stream_socket(family);
      if (!stream.ok() && no_such_family(stream.error())) break;
      if (!stream.ok()) return refused(stream.error());
      pool.push_back(std::move(stream).value());
    }
  }
  return sockets;
}

bool recycle_stream(const Descriptor& fd) {
  SocketAddress none{};
  none.generic.sa_family = AF_UNSPEC;
  return ::connect(fd.get(), &none.generic, sizeof none) == 0;
}

}  // namespace samara::hal
