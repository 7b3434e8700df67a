#include "platform/hal/linux/listen_sockets.h"

#include <netinet/tcp.h>

#include "platform/hal/linux/socket_address.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

// A burst of 4,000 small queries waits here while a worker is away from its processor.
constexpr int receive_buffer = 4 << 20;
// One full batch of the largest answers.
constexpr int send_buffer = 1 << 20;
constexpr int backlog = 1024;
// A client that acknowledges nothing of what was sent for so long is gone, or never reads: the kernel drops it.
constexpr int unacknowledged_ms = 30'000;
// How often another port is tried when the one chosen for TCP is taken on UDP.
constexpr int port_tries = 32;

enum class Kind : u8 { datagram, stream };
enum class Use : u8 {
  claim,  // bound alone for a moment, to see that nobody else has the port
  serve,  // one of the workers' sockets on the port
};

Failure<Refusal> refused(const Endpoint& at, SystemError error) {
  switch (error.number) {
    case EADDRINUSE:
      return fail(Refusal(ExitCode::unavailable, "listen ", at, ": the port is in use by another program (see: ss -lntup)"));
    case EADDRNOTAVAIL: return fail(Refusal(ExitCode::unavailable, "listen ", at, ": the address is not on this machine"));
    case EAFNOSUPPORT:
      return fail(Refusal(ExitCode::unavailable, "listen ", at, ": this system has no ", at.address.is_v4() ? "IPv4" : "IPv6"));
    case EACCES:
    case EPERM:
      return fail(Refusal(ExitCode::no_permission, "listen ", at, ": no permission to use port ", at.port.value(),
                          "; start as root or with CAP_NET_BIND_SERVICE, or choose a port from 1024 up"));
    default: return fail(Refusal(ExitCode::unavailable, "listen ", at, ": ", error));
  }
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// The privileged form ignores the system's limit; without the privilege the limit is what we get.
void set_buffers(int fd) {
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer)) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, send_buffer)) set_option(fd, SOL_SOCKET, SO_SNDBUF, send_buffer);
}

bool set_datagram_options(int fd, const Endpoint& at) {
  set_buffers(fd);
  const bool wildcard = at.address.is_unspecified();
  if (at.address.is_v4()) {
    // A forged ICMP message must not make us fragment answers: the path MTU cache is not looked at, nor DF set.
    return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT) &&
           (!wildcard || set_option(fd, IPPROTO_IP, IP_PKTINFO, 1));
  }
  return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT) &&
         (!wildcard || set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));  // RFC 3542 section 6.2
}

// Set on the listener, inherited by what it accepts.
bool set_stream_options(int fd) {
  return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms);
}

Result<Descriptor, SystemError> make_socket(Kind kind, const Endpoint& at, Use use) {
  const int family = at.address.is_v4() ? AF_INET : AF_INET6;
  const int type = (kind == Kind::datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  Descriptor fd(::socket(family, type, 0));
  if (!fd.open()) return fail(SystemError{});
  bool good = at.address.is_v4() || set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  good = good && (use == Use::claim || set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1));
  good = good && (kind == Kind::datagram ? set_datagram_options(fd.get(), at) : set_stream_options(fd.get()));
  SocketAddress address;
  const socklen_t size = from_endpoint(at, address);
  if (!good || ::bind(fd.get(), &address.generic, size) != 0) return fail(SystemError{});
  if (kind == Kind::stream && use == Use::serve && ::listen(fd.get(), backlog) != 0) return fail(SystemError{});
  return fd;
}

Result<Port, SystemError> port_of(int fd) {
  SocketAddress address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.generic, &size) != 0) return fail(SystemError{});
  return to_endpoint(address).port;
}

// Binds alone, without SO_REUSEPORT, and lets go again: with it the kernel would let us in beside another image of the same
// user, and each would get a part of the queries. Yields the endpoint with its port chosen.
Result<Endpoint, SystemError> claim(const Endpoint& wanted) {
  for (int tries = 1;; ++tries) {
    const Descriptor stream = TRY(make_socket(Kind::stream, wanted, Use::claim));
    const Endpoint at{wanted.address, TRY(port_of(stream.get()))};
    const auto datagram = make_socket(Kind::datagram, at, Use::claim);
    if (datagram.ok()) return at;
    const bool again = wanted.port.value() == 0 && datagram.error().number == EADDRINUSE && tries < port_tries;
    if (!again) return fail(datagram.error());
  }
}

}  // namespace

Result<std::vector<ListenSockets>, Refusal> bind_listen_sockets(const std::vector<Endpoint>& listen, u32 workers) {
  std::vector<ListenSockets> sets(workers);
  for (const Endpoint& wanted : listen) {
    const auto claimed = claim(wanted);
    if (!claimed.ok()) return refused(wanted, claimed.error());
    const Endpoint& at = claimed.value();
    const bool wildcard = at.address.is_unspecified();
    for (ListenSockets& set : sets) {
      auto datagram = make_socket(Kind::datagram, at, Use::serve);
      if (!datagram.ok()) return refused(at, datagram.error());
      auto stream = make_socket(Kind::stream, at, Use::serve);
      if (!stream.ok()) return refused(at, stream.error());
      set.datagram.push_back({std::move(datagram).value(), at, wildcard});
      set.stream.push_back({std::move(stream).value(), at, wildcard});
    }
  }
  return sets;
}

}  // namespace samara::hal
