// samara_net.h over net::Stack: translation only. What a socket is, is in socket_table.h.
#include "tests/abi/samara_net.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "platform/base/frame.h"
#include "platform/base/rng.h"
#include "platform/net/stack/stack.h"
#include "tests/abi/socket_table.h"

using namespace samara;
using abi::Datagram;
using abi::error_code;
using abi::Socket;
using net::tcp::Options;

namespace {

class CallbackRng final : public Rng {
 public:
  CallbackRng(samara_net_random random, void* context) : random_(random), context_(context) {}
  void fill(MutableBytes out) override { random_(context_, out.data(), out.size()); }

 private:
  samara_net_random random_;
  void* context_;
};

constexpr size_t ethernet_header = 14;
constexpr u16 default_mtu = 1500;
constexpr size_t max_mtu = 9216;

Instant instant(uint64_t now) {
  return Instant::since_boot(Duration::nanoseconds(static_cast<i64>(std::min<uint64_t>(now, INT64_MAX))));
}

std::optional<IpAddress> read(const samara_net_address& from) {
  if (from.family == 4) return IpAddress::v4({from.octets[0], from.octets[1], from.octets[2], from.octets[3]});
  if (from.family != 6) return std::nullopt;
  return IpAddress::v6(std::to_array(from.octets));
}
std::optional<Endpoint> read(const samara_net_endpoint* from) {
  if (from == nullptr) return std::nullopt;
  const auto address = read(from->address);
  if (!address.has_value()) return std::nullopt;
  return Endpoint{*address, Port(from->port)};
}
samara_net_address written(const IpAddress& address) {
  samara_net_address out{};
  out.family = static_cast<u8>(address.family());
  std::ranges::copy(address.octets(), out.octets);
  return out;
}
void write(const Endpoint& endpoint, samara_net_endpoint* out) {
  if (out != nullptr) *out = {written(endpoint.address), endpoint.port.value()};
}

// What the configuration says, checked; the stack's own bounds are its own business.
std::optional<net::StackConfig> read(const samara_net_config& from) {
  if (from.size != sizeof(samara_net_config) || from.random == nullptr) return std::nullopt;
  if (from.mtu > max_mtu || (from.mac[0] & 1) != 0) return std::nullopt;
  net::StackConfig config;
  config.mac = {std::to_array(from.mac)};
  config.mtu = from.mtu == 0 ? default_mtu : from.mtu;
  config.dhcp = (from.flags & SAMARA_NET_DHCP) != 0;
  config.ipv6 = (from.flags & SAMARA_NET_NO_IPV6) == 0;
  config.router_advertisements = (from.flags & SAMARA_NET_NO_ROUTER_ADVERTISEMENTS) == 0;
  for (const samara_net_interface& one : std::span(from.addresses, from.address_count)) {
    const auto address = read(one.address);
    if (!address.has_value() || one.prefix_length > address->octets().size() * 8) return std::nullopt;
    config.addresses.push_back({*address, one.prefix_length});
  }
  for (const samara_net_route& one : std::span(from.routes, from.route_count)) {
    const auto destination = read(one.destination);
    const auto gateway = read(one.gateway);
    if (!destination.has_value() || !gateway.has_value()) return std::nullopt;
    const auto prefix = IpPrefix::create(*destination, one.prefix_length);
    if (!prefix.has_value()) return std::nullopt;
    config.routes.push_back({*prefix, *gateway, one.metric});
  }
  const auto bound = [](u32& into, u32 value) { into = value == 0 ? into : value; };
  bound(config.tcp.connections, from.tcp_connections);
  bound(config.tcp.half_open, from.tcp_half_open);
  bound(config.tcp.time_wait, from.tcp_time_wait);
  bound(config.tcp.listeners, from.tcp_listeners);
  bound(config.tcp.blocks, from.tcp_blocks);
  bound(config.tcp.send_limit, from.tcp_send_limit);
  bound(config.tcp.receive_limit, from.tcp_receive_limit);
  return config;
}

}  // namespace

struct samara_net {
  samara_net(const net::StackConfig& config, samara_net_random random, void* context, uint64_t start)
      : rng(random, context), mtu(config.mtu), stack(config, rng), sockets(stack), now(instant(start)) {
    stack.start(now);
    settle();
  }

  // After any call that may have made the stack speak.
  void settle() { sockets.take_tcp_events(now); }

  CallbackRng rng;
  size_t mtu;
  net::Stack stack;
  abi::SocketTable sockets;
  Instant now;
  std::array<u8, FrameSlot::headroom + ethernet_header + max_mtu> room{};
  std::vector<u8> arrived;
};

namespace {

// Binds a datagram socket to a port nobody has (RFC 6056 section 3.3.1), or to the one asked for.
int open_port(samara_net& net, Socket& socket, Endpoint local) {
  constexpr u16 first = 49152;
  const bool any = local.port.value() == 0;
  for (int tries = 0; tries < 64; ++tries) {
    if (any) local.port = Port(static_cast<u16>(first + net.rng.below(65536 - first)));
    const auto opened = net.stack.udp_open(local);
    if (opened.ok()) {
      socket.local = local;
      return 0;
    }
    if (!any || opened.error() != net::UdpError::port_in_use) return error_code(opened.error());
  }
  return SAMARA_NET_NO_PORT;
}

long send_datagram(samara_net& net, Socket& socket, const Endpoint& peer, Bytes data) {
  if (!socket.local.has_value()) {
    const IpAddress any = peer.address.is_v4() ? IpAddress() : IpAddress::v6({});
    const int bound = open_port(net, socket, {any, Port(0)});
    if (bound < 0) return bound;
  }
  const auto sent = net.stack.udp_send(net.now, *socket.local, peer, data);
  if (!sent.ok()) return error_code(sent.error());
  return static_cast<long>(data.size());
}

// Where a stream's connection is gone, what its calls return.
int gone(const Socket& socket) {
  return socket.error != 0 ? socket.error : SAMARA_NET_NOT_CONNECTED;
}

}  // namespace

uint32_t samara_net_version(void) {
  return SAMARA_NET_VERSION;
}

const char* samara_net_error_text(int error) {
  switch (error) {
    case SAMARA_NET_WOULD_BLOCK: return "nothing to do now";
    case SAMARA_NET_INVALID: return "invalid argument";
    case SAMARA_NET_BAD_SOCKET: return "no such socket";
    case SAMARA_NET_ADDRESS_IN_USE: return "address in use";
    case SAMARA_NET_NO_ADDRESS: return "no address to use";
    case SAMARA_NET_NO_ROUTE: return "no route";
    case SAMARA_NET_TOO_LONG: return "too long";
    case SAMARA_NET_NO_MEMORY: return "a bound was reached";
    case SAMARA_NET_NO_PORT: return "no port is free";
    case SAMARA_NET_NOT_CONNECTED: return "not connected";
    case SAMARA_NET_RESET: return "reset by the peer";
    case SAMARA_NET_REFUSED: return "refused by the peer";
    case SAMARA_NET_TIMED_OUT: return "timed out";
    case SAMARA_NET_UNREACHABLE: return "unreachable";
    default: return error >= 0 ? "no error" : "unknown error";
  }
}

samara_net* samara_net_create(const samara_net_config* config, uint64_t now) {
  if (config == nullptr) return nullptr;
  const auto stack_config = read(*config);
  if (!stack_config.has_value()) return nullptr;
  return new samara_net(*stack_config, config->random, config->random_context, now);
}

void samara_net_destroy(samara_net* net) {
  delete net;
}

void samara_net_set_time(samara_net* net, uint64_t now) {
  net->now = std::max(net->now, instant(now));
  if (net->now >= net->stack.next_deadline()) net->stack.on_deadline(net->now);
  net->settle();
}

uint64_t samara_net_next_deadline(const samara_net* net) {
  const Instant next = net->stack.next_deadline();
  return next == Instant::never() ? UINT64_MAX : static_cast<uint64_t>(next.since_boot().nanoseconds());
}

void samara_net_feed_frame(samara_net* net, const uint8_t* frame, size_t size) {
  // Copied: the stack may write into what arrived.
  net->arrived.assign(frame, frame + size);
  const auto datagram = net->stack.on_frame(net->now, {net->arrived, FrameChecksum::unchecked});
  if (datagram.has_value()) net->sockets.deliver(*datagram);
  net->settle();
}

long samara_net_poll_frame(samara_net* net, uint8_t* out, size_t capacity) {
  if (capacity < net->mtu + ethernet_header) return SAMARA_NET_TOO_LONG;
  FrameSlot slot(net->room);
  const bool built = net->stack.poll_frame(net->now, slot);
  net->settle();
  if (!built) return 0;
  std::ranges::copy(slot.octets(), out);
  return static_cast<long>(slot.size());
}

size_t samara_net_addresses(const samara_net* net, samara_net_interface* out, size_t capacity) {
  const auto all = net->stack.addresses();
  for (size_t i = 0; i < std::min(capacity, all.size()); ++i) {
    const net::AssignedAddress& one = all[i];
    std::span(out, capacity)[i] = {written(one.interface.address), one.interface.prefix_length, static_cast<u8>(one.origin),
                                   static_cast<u8>(one.condition)};
  }
  return all.size();
}

int samara_net_path_mtu(const samara_net* net, const samara_net_address* peer) {
  const auto address = read(*peer);
  if (!address.has_value()) return SAMARA_NET_INVALID;
  return net->stack.path_mtu(*address);
}

int samara_net_poll_event(samara_net* net, samara_net_event* out) {
  while (const auto event = net->stack.poll_event()) {
    using Kind = net::StackEvent::Kind;
    switch (event->kind) {
      case Kind::address_up: out->kind = SAMARA_NET_ADDRESS_UP; break;
      case Kind::address_down: out->kind = SAMARA_NET_ADDRESS_DOWN; break;
      case Kind::address_conflict: out->kind = SAMARA_NET_ADDRESS_CONFLICT; break;
      case Kind::address_duplicate: out->kind = SAMARA_NET_ADDRESS_DUPLICATE; break;
      case Kind::dhcp_unusable: out->kind = SAMARA_NET_DHCP_UNUSABLE; break;
      case Kind::dhcp_failed: out->kind = SAMARA_NET_DHCP_FAILED; break;
      case Kind::gateway_unreachable: out->kind = SAMARA_NET_GATEWAY_UNREACHABLE; break;
      case Kind::udp_unreachable: continue;
    }
    out->address = written(event->address);
    return 1;
  }
  return 0;
}

int samara_net_open(samara_net* net, int type) {
  if (type == SAMARA_NET_DATAGRAM) return net->sockets.add(Socket::Kind::datagram);
  if (type == SAMARA_NET_STREAM) return net->sockets.add(Socket::Kind::stream);
  return SAMARA_NET_INVALID;
}

int samara_net_bind(samara_net* net, int number, const samara_net_endpoint* endpoint) {
  Socket* socket = net->sockets.find(number);
  const auto local = read(endpoint);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (!local.has_value() || socket->local.has_value()) return SAMARA_NET_INVALID;
  if (socket->kind == Socket::Kind::datagram) return open_port(*net, *socket, *local);
  if (socket->kind != Socket::Kind::stream) return SAMARA_NET_INVALID;
  socket->local = local;
  return 0;
}

int samara_net_listen(samara_net* net, int number, uint32_t backlog) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind != Socket::Kind::stream || !socket->local.has_value() || socket->local->port.value() == 0)
    return SAMARA_NET_INVALID;
  const auto listener = net->stack.tcp().listen(*socket->local, backlog, socket->options);
  if (!listener.ok()) return error_code(listener.error());
  socket->kind = Socket::Kind::listener;
  socket->listener = listener.value();
  socket->backlog = backlog;
  return 0;
}

int samara_net_connect(samara_net* net, int number, const samara_net_endpoint* endpoint) {
  Socket* socket = net->sockets.find(number);
  const auto peer = read(endpoint);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (!peer.has_value() || peer->port.value() == 0) return SAMARA_NET_INVALID;
  const IpAddress any = peer->address.is_v4() ? IpAddress() : IpAddress::v6({});
  const Endpoint local = socket->local.value_or(Endpoint{any, Port(0)});
  if (local.address.family() != peer->address.family()) return SAMARA_NET_INVALID;
  if (socket->kind == Socket::Kind::datagram) {
    if (!socket->local.has_value()) {
      const int bound = open_port(*net, *socket, local);
      if (bound < 0) return bound;
    }
    socket->peer = peer;
    std::erase_if(socket->datagrams, [&](const Datagram& datagram) { return datagram.peer != *peer; });
    return 0;
  }
  if (socket->kind != Socket::Kind::stream) return SAMARA_NET_INVALID;
  const auto connection = net->stack.tcp().connect(net->now, local, *peer, net->stack.path_mtu(peer->address), socket->options);
  if (!connection.ok()) return error_code(connection.error());
  socket->kind = Socket::Kind::connection;
  socket->connection = connection.value();
  net->settle();
  return 0;
}

int samara_net_accept(samara_net* net, int number, samara_net_endpoint* peer) {
  Socket* listener = net->sockets.find(number);
  if (listener == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (listener->kind != Socket::Kind::listener) return SAMARA_NET_INVALID;
  if (listener->accepted.empty()) return SAMARA_NET_WOULD_BLOCK;
  const int accepted = net->sockets.add(Socket::Kind::connection);
  if (accepted < 0) return accepted;
  listener = net->sockets.find(number);  // the table may have moved
  Socket& socket = *net->sockets.find(accepted);
  socket.connection = listener->accepted.front();
  socket.options = listener->options;
  socket.connected = true;
  listener->accepted.pop_front();
  if (const auto from = net->stack.tcp().peer(socket.connection)) write(*from, peer);
  return accepted;
}

long samara_net_send(samara_net* net, int number, const uint8_t* data, size_t size, int flags) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind == Socket::Kind::datagram) {
    if (!socket->peer.has_value()) return SAMARA_NET_NOT_CONNECTED;
    return send_datagram(*net, *socket, *socket->peer, {data, size});
  }
  if (socket->kind != Socket::Kind::connection) return SAMARA_NET_NOT_CONNECTED;
  if (socket->closed) return gone(*socket);
  net::tcp::Tcp& tcp = net->stack.tcp();
  const auto sent = tcp.send(net->now, socket->connection, {data, size}, (flags & SAMARA_NET_MORE) == 0);
  if (!sent.ok()) return error_code(sent.error());
  if ((flags & SAMARA_NET_URGENT) != 0) {
    if (const auto marked = tcp.mark_urgent(net->now, socket->connection); !marked.ok()) return error_code(marked.error());
  }
  net->settle();
  if (sent.value() == 0 && size > 0) return SAMARA_NET_WOULD_BLOCK;
  return static_cast<long>(sent.value());
}

long samara_net_receive(samara_net* net, int number, uint8_t* into, size_t capacity) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind == Socket::Kind::datagram) return samara_net_recvfrom(net, number, into, capacity, nullptr, nullptr);
  if (socket->kind != Socket::Kind::connection) return SAMARA_NET_NOT_CONNECTED;
  if (socket->closed) return socket->error;  // 0: the end
  net::tcp::Tcp& tcp = net->stack.tcp();
  const auto received = tcp.receive(net->now, socket->connection, {into, capacity});
  net->settle();
  if (!received.ok()) return error_code(received.error());
  if (received.value() > 0 || capacity == 0) return static_cast<long>(received.value());
  if (tcp.at_end(socket->connection) || socket->closed) return socket->error;
  return SAMARA_NET_WOULD_BLOCK;
}

long samara_net_sendto(samara_net* net, int number, const uint8_t* data, size_t size, const samara_net_endpoint* endpoint) {
  Socket* socket = net->sockets.find(number);
  const auto peer = read(endpoint);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind != Socket::Kind::datagram || !peer.has_value()) return SAMARA_NET_INVALID;
  return send_datagram(*net, *socket, *peer, {data, size});
}

long samara_net_recvfrom(samara_net* net, int number, uint8_t* into, size_t capacity, samara_net_endpoint* peer,
                         samara_net_endpoint* local) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind != Socket::Kind::datagram) return SAMARA_NET_INVALID;
  if (socket->datagrams.empty()) return SAMARA_NET_WOULD_BLOCK;
  const Datagram datagram = std::move(socket->datagrams.front());
  socket->datagrams.pop_front();
  const size_t size = std::min(capacity, datagram.payload.size());
  std::copy_n(datagram.payload.begin(), size, into);
  write(datagram.peer, peer);
  write(datagram.local, local);
  return static_cast<long>(size);
}

int samara_net_shutdown(samara_net* net, int number) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind != Socket::Kind::connection) return SAMARA_NET_NOT_CONNECTED;
  if (socket->closed) return gone(*socket);
  const auto done = net->stack.tcp().shutdown(net->now, socket->connection);
  net->settle();
  return done.ok() ? 0 : error_code(done.error());
}

namespace {

int end(samara_net* net, int number, bool by_reset) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  net::tcp::Tcp& tcp = net->stack.tcp();
  if (socket->kind == Socket::Kind::datagram && socket->local.has_value()) net->stack.udp_close(*socket->local);
  if (socket->kind == Socket::Kind::listener) {
    tcp.close(socket->listener);
    for (const net::tcp::ConnectionId waiting : socket->accepted) tcp.abort(net->now, waiting);
  }
  if (socket->kind == Socket::Kind::connection && !socket->closed) {
    if (by_reset) {
      tcp.abort(net->now, socket->connection);
    } else {
      tcp.close(net->now, socket->connection);
    }
  }
  net->sockets.remove(*socket);
  net->settle();
  return 0;
}

}  // namespace

int samara_net_close(samara_net* net, int number) {
  return end(net, number, false);
}
int samara_net_reset(samara_net* net, int number) {
  return end(net, number, true);
}

int samara_net_set_option(samara_net* net, int number, int option, int64_t value) {
  Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind != Socket::Kind::stream && socket->kind != Socket::Kind::connection) return SAMARA_NET_INVALID;
  constexpr int64_t longest = int64_t{1000} * 86400 * 365;
  if (value < 0 || value > longest) return SAMARA_NET_INVALID;
  Options options = socket->options;
  const Duration time = Duration::milliseconds(value);
  switch (option) {
    case SAMARA_NET_NO_DELAY: options.no_delay = value != 0; break;
    case SAMARA_NET_KEEP_ALIVE: options.keep_alive = value != 0; break;
    case SAMARA_NET_KEEP_ALIVE_IDLE: options.keep_alive_idle = time; break;
    case SAMARA_NET_KEEP_ALIVE_INTERVAL: options.keep_alive_interval = time; break;
    case SAMARA_NET_KEEP_ALIVE_PROBES: options.keep_alive_probes = static_cast<u32>(std::min<int64_t>(value, 255)); break;
    case SAMARA_NET_USER_TIMEOUT: options.user_timeout = time; break;
    case SAMARA_NET_HOP_LIMIT:
      if (value < 1 || value > 255) return SAMARA_NET_INVALID;
      options.hop_limit = static_cast<u8>(value);
      break;
    case SAMARA_NET_TRAFFIC_CLASS:
      if (value > 255) return SAMARA_NET_INVALID;
      options.traffic_class = static_cast<u8>(value);
      break;
    default: return SAMARA_NET_INVALID;
  }
  if (socket->kind == Socket::Kind::connection && !socket->closed) {
    const auto set = net->stack.tcp().set_options(socket->connection, options);
    if (!set.ok()) return error_code(set.error());
    net->settle();
  }
  socket->options = options;
  return 0;
}

int samara_net_get_option(const samara_net* net, int number, int option, int64_t* value) {
  const Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind == Socket::Kind::datagram) return SAMARA_NET_INVALID;
  const Options& options = socket->options;
  switch (option) {
    case SAMARA_NET_NO_DELAY: *value = options.no_delay ? 1 : 0; return 0;
    case SAMARA_NET_KEEP_ALIVE: *value = options.keep_alive ? 1 : 0; return 0;
    case SAMARA_NET_KEEP_ALIVE_IDLE: *value = options.keep_alive_idle.milliseconds(); return 0;
    case SAMARA_NET_KEEP_ALIVE_INTERVAL: *value = options.keep_alive_interval.milliseconds(); return 0;
    case SAMARA_NET_KEEP_ALIVE_PROBES: *value = options.keep_alive_probes; return 0;
    case SAMARA_NET_USER_TIMEOUT: *value = options.user_timeout.milliseconds(); return 0;
    case SAMARA_NET_HOP_LIMIT: *value = options.hop_limit; return 0;
    case SAMARA_NET_TRAFFIC_CLASS: *value = options.traffic_class; return 0;
    default: return SAMARA_NET_INVALID;
  }
}

int samara_net_readiness(const samara_net* net, int number) {
  const Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  const net::tcp::Tcp& tcp = net->stack.tcp();
  switch (socket->kind) {
    case Socket::Kind::datagram: return SAMARA_NET_WRITABLE | (socket->datagrams.empty() ? 0 : SAMARA_NET_READABLE);
    case Socket::Kind::listener: return socket->accepted.empty() ? 0 : SAMARA_NET_READABLE;
    case Socket::Kind::connection: break;
    case Socket::Kind::stream:
    case Socket::Kind::unused: return 0;
  }
  const bool ended = socket->closed || tcp.at_end(socket->connection);
  int ready = socket->connected ? SAMARA_NET_CONNECTED : 0;
  if (socket->closed) return ready | SAMARA_NET_CLOSED | SAMARA_NET_READABLE | (socket->error == 0 ? SAMARA_NET_END : 0);
  if (ended) ready |= SAMARA_NET_END;
  if (ended || tcp.receivable(socket->connection) > 0) ready |= SAMARA_NET_READABLE;
  if (tcp.sendable(socket->connection) > 0) ready |= SAMARA_NET_WRITABLE;
  return ready;
}

int samara_net_last_error(const samara_net* net, int number) {
  const Socket* socket = net->sockets.find(number);
  return socket == nullptr ? SAMARA_NET_BAD_SOCKET : socket->error;
}

int samara_net_state(const samara_net* net, int number) {
  const Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind == Socket::Kind::datagram) return SAMARA_NET_INVALID;
  if (socket->kind == Socket::Kind::listener) return SAMARA_NET_STATE_LISTEN;
  if (socket->kind != Socket::Kind::connection) return SAMARA_NET_STATE_CLOSED;
  // The numbers of the header are those of tcp::State.
  static_assert(static_cast<int>(net::tcp::State::time_wait) == SAMARA_NET_STATE_TIME_WAIT);
  const auto state = net->stack.tcp().state(socket->connection);
  return state.has_value() ? static_cast<int>(*state) : SAMARA_NET_STATE_CLOSED;
}

long samara_net_unacknowledged(const samara_net* net, int number) {
  const Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  if (socket->kind != Socket::Kind::connection || socket->closed) return 0;
  return static_cast<long>(net->stack.tcp().unacknowledged(socket->connection));
}

int samara_net_local(const samara_net* net, int number, samara_net_endpoint* out) {
  const Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  const auto local = socket->kind == Socket::Kind::connection ? net->stack.tcp().local(socket->connection) : socket->local;
  if (!local.has_value()) return SAMARA_NET_NOT_CONNECTED;
  write(*local, out);
  return 0;
}

int samara_net_peer(const samara_net* net, int number, samara_net_endpoint* out) {
  const Socket* socket = net->sockets.find(number);
  if (socket == nullptr) return SAMARA_NET_BAD_SOCKET;
  const auto peer = socket->kind == Socket::Kind::connection ? net->stack.tcp().peer(socket->connection) : socket->peer;
  if (!peer.has_value()) return SAMARA_NET_NOT_CONNECTED;
  write(*peer, out);
  return 0;
}
