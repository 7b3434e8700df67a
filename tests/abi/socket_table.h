// The sockets of samara_net.h over one net::Stack: what a socket is between the calls, and whom an event or a datagram is for.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "platform/net/stack/stack.h"
#include "tests/abi/samara_net.h"

namespace samara::abi {

struct Datagram {
  Endpoint peer;
  Endpoint local;
  std::vector<u8> payload;
};

struct Socket {
  static constexpr size_t max_datagrams = 256;

  enum class Kind : u8 { unused, datagram, stream, listener, connection };
  Kind kind = Kind::unused;
  u16 generation = 0;
  std::optional<Endpoint> local;  // bound
  std::optional<Endpoint> peer;   // datagram: connected
  std::deque<Datagram> datagrams;
  net::tcp::Options options;
  net::tcp::ListenerId listener;
  size_t backlog = 0;
  std::deque<net::tcp::ConnectionId> accepted;
  net::tcp::ConnectionId connection;
  bool connected = false;
  bool closed = false;
  int error = 0;
};

class SocketTable {
 public:
  static constexpr size_t max_sockets = 4096;

  explicit SocketTable(net::Stack& stack) : stack_(stack) {}

  // A number, or an error.
  int add(Socket::Kind kind);
  void remove(Socket& socket);
  Socket* find(int number);
  const Socket* find(int number) const;

  // Takes what TCP has to say, after any call that may have made it speak.
  void take_tcp_events(Instant now);
  void deliver(const net::UdpDatagram& datagram);

 private:
  Socket* owner_of(net::tcp::ConnectionId id);
  void on_accepted(Instant now, const net::tcp::Event& event);
  void on_closed(const net::tcp::Event& event);

  net::Stack& stack_;
  std::vector<Socket> sockets_;
};

int error_code(net::tcp::Error error);
int error_code(net::UdpError error);

}  // namespace samara::abi
