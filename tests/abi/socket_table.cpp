#include "tests/abi/socket_table.h"

#include <algorithm>

namespace samara::abi {

using net::tcp::Event;

int error_code(net::tcp::Error error) {
  switch (error) {
    case net::tcp::Error::address_in_use: return SAMARA_NET_ADDRESS_IN_USE;
    case net::tcp::Error::table_full: return SAMARA_NET_NO_MEMORY;
    case net::tcp::Error::not_connected: return SAMARA_NET_NOT_CONNECTED;
    case net::tcp::Error::no_port: return SAMARA_NET_NO_PORT;
    case net::tcp::Error::reset: return SAMARA_NET_RESET;
    case net::tcp::Error::timed_out: return SAMARA_NET_TIMED_OUT;
    case net::tcp::Error::unreachable: return SAMARA_NET_UNREACHABLE;
    case net::tcp::Error::refused: return SAMARA_NET_REFUSED;
    case net::tcp::Error::bad_address: return SAMARA_NET_NO_ADDRESS;
  }
  return SAMARA_NET_INVALID;
}

int error_code(net::UdpError error) {
  switch (error) {
    case net::UdpError::port_in_use: return SAMARA_NET_ADDRESS_IN_USE;
    case net::UdpError::table_full: return SAMARA_NET_NO_MEMORY;
    case net::UdpError::no_address: return SAMARA_NET_NO_ADDRESS;
    case net::UdpError::no_route: return SAMARA_NET_NO_ROUTE;
    case net::UdpError::too_long: return SAMARA_NET_TOO_LONG;
    case net::UdpError::no_memory: return SAMARA_NET_NO_MEMORY;
  }
  return SAMARA_NET_INVALID;
}

int SocketTable::add(Socket::Kind kind) {
  auto free = std::ranges::find(sockets_, Socket::Kind::unused, &Socket::kind);
  if (free == sockets_.end()) {
    if (sockets_.size() >= max_sockets) return SAMARA_NET_NO_MEMORY;
    free = sockets_.emplace(sockets_.end());
  }
  free->kind = kind;
  return (free->generation << 16) | static_cast<int>(free - sockets_.begin());
}

void SocketTable::remove(Socket& socket) {
  const auto next = static_cast<u16>((socket.generation + 1) & 0x7fff);
  socket = {};
  socket.generation = next;
}

const Socket* SocketTable::find(int number) const {
  const auto index = static_cast<size_t>(number & 0xffff);
  if (number < 0 || index >= sockets_.size()) return nullptr;
  const Socket& socket = sockets_[index];
  return socket.kind == Socket::Kind::unused || socket.generation != number >> 16 ? nullptr : &socket;
}
Socket* SocketTable::find(int number) {
  return const_cast<Socket*>(std::as_const(*this).find(number));
}

Socket* SocketTable::owner_of(net::tcp::ConnectionId id) {
  const auto found =
      std::ranges::find_if(sockets_, [&](const Socket& s) { return s.kind == Socket::Kind::connection && s.connection == id; });
  return found == sockets_.end() ? nullptr : &*found;
}

void SocketTable::take_tcp_events(Instant now) {
  while (const std::optional<Event> event = stack_.tcp().poll_event()) {
    switch (event->kind) {
      case Event::Kind::accepted: on_accepted(now, *event); break;
      case Event::Kind::connected:
        if (Socket* socket = owner_of(event->connection); socket != nullptr) socket->connected = true;
        break;
      case Event::Kind::closed: on_closed(*event); break;
      // What these say can be asked for at any time.
      case Event::Kind::readable:
      case Event::Kind::writable:
      case Event::Kind::end:
      case Event::Kind::urgent:
      case Event::Kind::trouble: break;
    }
  }
}

void SocketTable::on_accepted(Instant now, const Event& event) {
  const auto listener = std::ranges::find_if(
      sockets_, [&](const Socket& s) { return s.kind == Socket::Kind::listener && s.listener == event.listener; });
  if (listener == sockets_.end() || listener->accepted.size() >= listener->backlog) {
    stack_.tcp().abort(now, event.connection);
  } else {
    listener->accepted.push_back(event.connection);
  }
}

void SocketTable::on_closed(const Event& event) {
  if (Socket* socket = owner_of(event.connection); socket != nullptr) {
    socket->closed = true;
    socket->error = event.error.has_value() ? error_code(*event.error) : 0;
    return;
  }
  for (Socket& socket : sockets_) std::erase(socket.accepted, event.connection);
}

void SocketTable::deliver(const net::UdpDatagram& datagram) {
  // The socket bound to this very address goes before the one for all of them.
  Socket* taker = nullptr;
  for (Socket& socket : sockets_) {
    if (socket.kind != Socket::Kind::datagram || !socket.local.has_value()) continue;
    if (socket.local->port != datagram.local.port) continue;
    if (socket.local->address == datagram.local.address) {
      taker = &socket;
      break;
    }
    const bool same_family = socket.local->address.family() == datagram.local.address.family();
    if (same_family && socket.local->address.is_unspecified()) taker = &socket;
  }
  if (taker == nullptr || taker->datagrams.size() >= Socket::max_datagrams) return;
  if (taker->peer.has_value() && *taker->peer != datagram.peer) return;
  taker->datagrams.push_back({datagram.peer, datagram.local, {datagram.payload.begin(), datagram.payload.end()}});
}

}  // namespace samara::abi
