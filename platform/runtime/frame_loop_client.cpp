// FrameLoop's side of a client: what the application asks others, and its messages to and from the loader.
#include <algorithm>

#include "platform/base/panic.h"
#include "platform/runtime/frame_loop.h"

namespace samara::runtime {
namespace {

// Datagrams of the application's own in one turn: a part of what the stack has room for until it has seen the neighbours.
constexpr size_t datagrams_per_turn = 32;
// Ports servers do not listen at (RFC 6056 section 3.2 asks for as many as possible).
constexpr u16 first_client_port = 16'384;

}  // namespace

void FrameLoop::open_client_ports() {
  const auto open = [this](const IpAddress& any) {
    for (;;) {
      const Port port(static_cast<u16>(first_client_port + rng_.below(65'536 - first_client_port)));
      // A port that is listened on, even if on another address only, would make questions of answers.
      const bool listened = std::ranges::any_of(config_.listen, [port](const Endpoint& local) { return local.port == port; });
      if (!listened && stack_->udp_open({any, port}).ok()) return port;
    }
  };
  client_port_v4_ = open(IpAddress());
  client_port_v6_ = open(IpAddress::v6({}));
}

void FrameLoop::take_messages(Instant now) {
  bool any = false;
  while (const auto message = mailbox_->receive()) {
    app_.app.on_message(now, *message);
    any = true;
  }
  if (any) mark_all();
}

// True: the application has more to say at once.
bool FrameLoop::speak(Instant now) {
  const bool connects = poll_connects(now);
  const bool datagrams = send_datagrams(now);
  if (mailbox_ != nullptr) send_messages();
  return connects || datagrams;
}

bool FrameLoop::poll_connects(Instant now) {
  for (u32 asked = 0; asked < clients_.streams; ++asked) {
    const std::optional<Connect> wanted = app_.app.poll_connect();
    if (!wanted.has_value()) return false;
    connect(now, *wanted);
  }
  return clients_.streams != 0;
}

void FrameLoop::connect(Instant now, const Connect& wanted) {
  if (wanted.id < max_streams_ || wanted.id >= streams_.size() || streams_[wanted.id].open) {
    panic("an application connects a stream that is none of its own, or in use");
  }
  const IpAddress any = wanted.peer.address.is_v4() ? IpAddress() : IpAddress::v6({});
  const auto connection = stack_->tcp().connect(now, {any, Port(0)}, wanted.peer, 0, {.no_delay = true});
  if (!connection.ok()) {
    app_.app.on_stream_closed(now, wanted.id);
    return;
  }
  Stream fresh;
  fresh.connection = connection.value();
  fresh.open = true;
  fresh.connecting = true;
  fresh.close_at = now + connect_limit;
  fresh.marked = streams_[wanted.id].marked;
  streams_[wanted.id] = fresh;
  stream_of_connection_[fresh.connection.index] = wanted.id;
  connecting_.push_back(wanted.id);
}

void FrameLoop::give_up_connecting(Instant now) {
  while (!connecting_.empty() && streams_[connecting_.front()].close_at <= now) {
    const StreamId id = connecting_.front();
    stack_->tcp().abort(now, streams_[id].connection);
    forget(now, id);
  }
}

Instant FrameLoop::next_connect_limit() const {
  return connecting_.empty() ? Instant::never() : streams_[connecting_.front()].close_at;
}

bool FrameLoop::send_datagrams(Instant now) {
  SAMARA_UNINITIALIZED std::array<u8, min_reply_room> room;
  for (size_t sent = 0; sent < datagrams_per_turn; ++sent) {
    OutgoingDatagram datagram{.peer = {}, .local = std::nullopt, .payload = room};
    const size_t size = app_.app.poll_datagram(now, datagram);
    if (size == 0) return false;
    const bool v4 = datagram.peer.address.is_v4();
    const Endpoint client{v4 ? IpAddress() : IpAddress::v6({}), v4 ? client_port_v4_ : client_port_v6_};
    const Endpoint local = datagram.local.value_or(client);
    const bool gone = local.port != Port(0) && stack_->udp_send(now, local, datagram.peer, Bytes(room).first(size)).ok();
    if (!gone) ++datagrams_unsent_;
  }
  return true;
}

void FrameLoop::send_messages() {
  for (MutableBytes room = mailbox_->room(); !room.empty(); room = mailbox_->room()) {
    const size_t size = app_.app.poll_message(room);
    if (size == 0) return;
    mailbox_->send_room(size);
  }
}

}  // namespace samara::runtime
