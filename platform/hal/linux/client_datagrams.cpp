#include "platform/hal/linux/client_datagrams.h"

#include <algorithm>
#include <bit>

#include "platform/base/panic.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

constexpr size_t largest_datagram = 65'536;  // no payload is longer
constexpr size_t send_room = 4096;
static_assert(send_room >= runtime::min_reply_room);
// The share of a turn: then clients get theirs.
constexpr int datagrams_per_turn = 64;

// The source address of a datagram from a socket that is bound to all of them. The size of what was written.
size_t write_source(const IpAddress& source, cmsghdr& control) {
  const auto write = [&control](int level, int type, const auto& info) {
    control = {.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = level, .cmsg_type = type};
    std::ranges::copy(std::bit_cast<std::array<u8, sizeof info>>(info), CMSG_DATA(&control));
    return CMSG_SPACE(sizeof info);
  };
  SocketAddress address;
  from_endpoint({source, Port(0)}, address);
  if (source.is_v4())
    return write(IPPROTO_IP, IP_PKTINFO, in_pktinfo{.ipi_ifindex = 0, .ipi_spec_dst = address.v4.sin_addr, .ipi_addr = {}});
  return write(IPPROTO_IPV6, IPV6_PKTINFO, in6_pktinfo{.ipi6_addr = address.v6.sin6_addr, .ipi6_ifindex = 0});
}

}  // namespace

Result<ClientDatagrams, Refusal> ClientDatagrams::create(const ClientSockets& clients, const ListenSockets& listening,
                                                         SharedCounters& counters) {
  auto memory = Mapping::anonymous(std::max(largest_datagram, send_room));
  if (!memory.has_value()) return fail(Refusal(ExitCode::unavailable, "no memory for datagrams: ", SystemError{}));
  return ClientDatagrams(std::move(*memory), clients, listening, counters);
}

void ClientDatagrams::receive(size_t index, Instant now, runtime::ApplicationRef app) {
  const int fd = clients_->datagram[index].fd.get();
  for (int n = 0; n < datagrams_per_turn; ++n) {
    SocketAddress peer{};
    iovec piece{.iov_base = memory_.bytes().data(), .iov_len = largest_datagram};
    mmsghdr message{};
    message.msg_hdr = {.msg_name = &peer,
                       .msg_namelen = sizeof peer,
                       .msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = nullptr,
                       .msg_controllen = 0,
                       .msg_flags = 0};
    if (::recvmmsg(fd, &message, 1, MSG_DONTWAIT, nullptr) <= 0) return;  // no more, or an error kept for the socket
    count(counters_->datagrams_in);
    app.on_client_datagram(now, to_endpoint(peer), memory_.bytes().first(message.msg_len));
  }
}

bool ClientDatagrams::send(Instant now, runtime::ApplicationRef app) {
  for (int n = 0; n < datagrams_per_turn; ++n) {
    runtime::OutgoingDatagram datagram{.peer = {}, .local = std::nullopt, .payload = memory_.bytes().first(send_room)};
    const size_t size = app.poll_datagram(now, datagram);
    if (size == 0) return false;
    if (size > send_room) panic("a datagram is longer than its room");
    const std::optional<Way> way = way_of(datagram);
    const bool gone = way.has_value() && send_one(*way, datagram.peer, memory_.bytes().first(size));
    count(gone ? counters_->datagrams_out : counters_->datagrams_unsent);
  }
  return true;
}

std::optional<ClientDatagrams::Way> ClientDatagrams::way_of(const runtime::OutgoingDatagram& datagram) const {
  const auto family = datagram.peer.address.family();
  if (!datagram.local.has_value()) {
    const auto socket =
        std::ranges::find(clients_->datagram, family, [](const ListenSocket& s) { return s.local.address.family(); });
    if (socket == clients_->datagram.end()) return std::nullopt;
    return Way{&*socket, nullptr};
  }
  const Endpoint& local = *datagram.local;
  if (local.address.family() != family) return std::nullopt;
  for (const ListenSocket& socket : listening_->datagram) {
    if (!socket.wildcard && socket.local == local) return Way{&socket, nullptr};
  }
  for (const ListenSocket& socket : listening_->datagram) {
    if (socket.wildcard && socket.local.port == local.port && socket.local.address.family() == family) {
      return Way{&socket, &datagram.local->address};
    }
  }
  return std::nullopt;
}

// Never waits: what the system has no room for is lost.
bool ClientDatagrams::send_one(const Way& way, const Endpoint& peer, MutableBytes payload) {
  SocketAddress address;
  iovec piece{.iov_base = payload.data(), .iov_len = payload.size()};
  Control control;
  mmsghdr message{};
  message.msg_hdr.msg_name = &address;
  message.msg_hdr.msg_namelen = from_endpoint(peer, address);
  message.msg_hdr.msg_iov = &piece;
  message.msg_hdr.msg_iovlen = 1;
  if (way.source != nullptr) {
    message.msg_hdr.msg_control = &control;
    message.msg_hdr.msg_controllen = write_source(*way.source, *::new (&control) cmsghdr);
  }
  return ::sendmmsg(way.socket->fd.get(), &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

}  // namespace samara::hal
