// Client sockets on loopback. Every wait is bounded.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <string>

#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/socket_address.h"

namespace samara::hal {

inline Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}
inline Endpoint with_port(std::string_view address, Port port) {
  return {IpAddress::parse(address).value(), port};
}

inline std::string text_of(const Endpoint& e) {
  TextBuffer<96> text;
  e.write_text(text.writer());
  return std::string(text.view());
}

class Client {
 public:
  static Client udp(const Endpoint& server) { return Client(SOCK_DGRAM, server); }
  // A connection that was accepted.
  explicit Client(Descriptor fd) : fd_(std::move(fd)) { set_time_limit(5000); }
  static Client tcp(const Endpoint& server, int receive_buffer = 0) { return Client(SOCK_STREAM, server, receive_buffer); }

  int fd() const { return fd_.get(); }
  bool send(std::string_view data) {
    return ::send(fd(), data.data(), data.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(data.size());
  }
  // One datagram, or what is there of a stream; "" at the end of the stream; "(error)" on a time-out or reset.
  std::string receive() {
    std::string data(70'000, '\0');
    const ssize_t n = ::recv(fd(), data.data(), data.size(), 0);
    if (n < 0) return "(error)";
    data.resize(static_cast<size_t>(n));
    return data;
  }
  // Exactly `size` octets of a stream, or fewer at its end.
  std::string receive_exactly(size_t size) {
    std::string data;
    while (data.size() < size) {
      std::string piece(size - data.size(), '\0');
      const ssize_t n = ::recv(fd(), piece.data(), piece.size(), 0);
      if (n <= 0) break;
      data.append(piece, 0, static_cast<size_t>(n));
    }
    return data;
  }
  std::string ask(std::string_view data) { return send(data) ? receive() : "(not sent)"; }
  void end() { ::shutdown(fd(), SHUT_WR); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.close();
  }
  void set_time_limit(int milliseconds) {
    const timeval limit{.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    ::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }

 private:
  Client(int type, const Endpoint& server, int receive_buffer = 0)
      : fd_(::socket(server.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0)) {
    set_time_limit(5000);
    if (receive_buffer != 0) ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    SocketAddress address;
    const socklen_t size = from_endpoint(server, address);
    EXPECT_EQ(::connect(fd(), &address.generic, size), 0) << text_of(server) << ": " << strerror(errno);
  }
  Descriptor fd_;
};

// A TCP port somebody else serves.
class Listener {
 public:
  explicit Listener(std::string_view address, int backlog = 16) {
    SocketAddress at{};
    socklen_t size = from_endpoint(with_port(address, Port(0)), at);
    fd_ = Descriptor(::socket(at.generic.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd_.get(), &at.generic, size), 0);
    EXPECT_EQ(::listen(fd_.get(), backlog), 0);
    EXPECT_EQ(::getsockname(fd_.get(), &at.generic, &size), 0);
    at_ = to_endpoint(at);
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  const Endpoint& at() const { return at_; }
  Client accept() {
    SocketAddress peer{};
    socklen_t size = sizeof peer;
    Descriptor fd(::accept4(fd_.get(), &peer.generic, &size, SOCK_CLOEXEC));
    EXPECT_TRUE(fd.open()) << "nobody connects";
    last_peer = to_endpoint(peer);
    return Client(std::move(fd));
  }
  void close() { fd_.close(); }
  Endpoint last_peer;

 private:
  Descriptor fd_;
  Endpoint at_;
};

}  // namespace samara::hal
