#include "platform/hal/linux/stream_table.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "platform/base/panic.h"
#include "platform/hal/linux/socket_address.h"

namespace samara::hal {
namespace {

// Connections taken from one listener in a turn; the others wait for the next.
constexpr int accept_burst = 16;
// Octets moved for one stream in a turn, so that a transfer does not keep queries waiting.
constexpr size_t turn_budget = 256 * 1024;
constexpr Duration linger_time = Duration::seconds(2);
// A client that sends more than this after we are finished is reset.
constexpr size_t linger_discard_limit = 64 * 1024;
constexpr Duration accept_pause = Duration::milliseconds(100);

// TCP goes through the same two system calls as UDP: the filter has room for ten. Returns octets moved, 0 for the end of
// input, -1 with errno.
ssize_t receive(int fd, MutableBytes into) {
  iovec piece{.iov_base = into.data(), .iov_len = into.size()};
  mmsghdr message{};
  message.msg_hdr.msg_iov = &piece;
  message.msg_hdr.msg_iovlen = 1;
  const int n = ::recvmmsg(fd, &message, 1, MSG_DONTWAIT, nullptr);
  return n < 0 ? -1 : static_cast<ssize_t>(message.msg_len);
}

ssize_t transmit(int fd, Bytes from) {
  iovec piece{.iov_base = const_cast<u8*>(from.data()), .iov_len = from.size()};
  mmsghdr message{};
  message.msg_hdr.msg_iov = &piece;
  message.msg_hdr.msg_iovlen = 1;
  const int n = ::sendmmsg(fd, &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 ? -1 : static_cast<ssize_t>(message.msg_len);
}

bool would_wait(int error) {
  return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM;
}

bool add(int epoll, int fd, u32 interest, u64 tag) {
  epoll_event event{};
  event.events = interest;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void change(int epoll, int fd, u32 interest, u64 tag) {
  epoll_event event{};
  event.events = interest;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0) panic("epoll does not know a socket that is ours");
}

}  // namespace

StreamTable::StreamTable(int epoll, const std::vector<ListenSocket>& listeners, u32 capacity, u32 client_capacity,
                         ClientSockets& clients, runtime::ApplicationRef app, SharedCounters& counters)
    : epoll_(epoll),
      listeners_(&listeners),
      app_(app),
      counters_(&counters),
      streams_(capacity + client_capacity),
      client_base_(capacity),
      clients_(&clients) {
  start_list(0, capacity, State::free);
  start_list(capacity, capacity + client_capacity, State::idle);
  for (size_t i = 0; i < listeners.size(); ++i) {
    if (!add(epoll_, listeners[i].fd.get(), 0, listener_tag + i)) panic("epoll refused a listener");
  }
}

void StreamTable::start_list(Id first, Id end, State state) {
  if (first == end) return;
  for (Id id = first; id < end; ++id) {
    streams_[id].state = state;
    streams_[id].previous = id == first ? none : id - 1;
    streams_[id].next = id + 1 == end ? none : id + 1;
  }
  list_of(state) = {.first = first, .last = end - 1, .size = end - first};
}

StreamTable::List& StreamTable::list_of(State state) {
  switch (state) {
    case State::free: return free_;
    case State::idle: return idle_;
    case State::connecting: return connecting_;
    case State::serving: return serving_;
    case State::lingering: return lingering_;
  }
  return free_;
}

void StreamTable::move_to(Id id, State state) {
  Stream& stream = streams_[id];
  List& from = list_of(stream.state);
  (stream.previous == none ? from.first : streams_[stream.previous].next) = stream.next;
  (stream.next == none ? from.last : streams_[stream.next].previous) = stream.previous;
  --from.size;
  List& to = list_of(state);
  stream.previous = to.last;
  stream.next = none;
  (to.last == none ? to.first : streams_[to.last].next) = id;
  to.last = id;
  ++to.size;
  stream.state = state;
}

void StreamTable::on_listener_ready(Instant now, size_t listener) {
  const ListenSocket& socket = (*listeners_)[listener];
  for (int i = 0; i < accept_burst; ++i) {
    SocketAddress address{};
    socklen_t size = sizeof address;
    Descriptor fd(::accept4(socket.fd.get(), &address.generic, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.open()) {
      switch (errno) {
        case EAGAIN: return;
        case EINTR:
        case ECONNABORTED:  // the client went away while it waited
        case EPROTO:
        case EPERM: continue;  // a firewall rule
        default:               // EMFILE, ENFILE, ENOBUFS, ENOMEM: trying again at once would spin
          pause_accepting(now);
          return;
      }
    }
    const Endpoint peer = to_endpoint(address);
    if (const auto other = app_.stream_in_the_way(now, peer, free_.first == none); other.has_value()) abort(now, *other);
    const Id id = free_.first;
    // A listener on all addresses tells its own endpoint: asking for the connection's would be one more system call.
    if (id == none || !app_.on_stream_open(now, id, peer, socket.local)) {
      count(counters_->streams_refused);
      continue;
    }
    count(counters_->streams_opened);
    Stream& stream = streams_[id];
    stream.fd = std::move(fd);
    stream.input_ended = false;
    stream.interest = EPOLLIN;  // most will want it: one call less
    stream.discarded = 0;
    move_to(id, State::serving);
    if (!add(epoll_, stream.fd.get(), stream.interest, tag_of(id))) {
      close(now, id);  // the system's limit of watched descriptors, or its memory
      pause_accepting(now);
      return;
    }
    pump(now, id, true, true);  // the first query often comes right behind the handshake
  }
}

void StreamTable::on_stream_ready(Instant now, u64 tag, u32 events) {
  const Id id = static_cast<Id>(tag);
  // Its stream may have made room for another earlier in this turn.
  if (id >= streams_.size() || tag != tag_of(id)) return;
  switch (streams_[id].state) {
    case State::free:
    case State::idle: return;
    case State::connecting: on_connect_ready(now, id, events); return;
    case State::lingering: discard_input(now, id); return;
    case State::serving: break;
  }
  // Both are always watched. A hang-up while serving means that the connection is gone in both directions: we have not sent
  // a FIN yet.
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    close(now, id);
    return;
  }
  const bool waiting_to_write = (streams_[id].interest & EPOLLOUT) != 0;
  pump(now, id, (events & EPOLLIN) != 0, !waiting_to_write || (events & EPOLLOUT) != 0);
}

void StreamTable::serve_all(Instant now) {
  for (Id id = serving_.first; id != none;) {
    const Id next = streams_[id].next;  // pump() may move this one to another list, but no other
    pump(now, id, false, (streams_[id].interest & EPOLLOUT) == 0);
    id = next;
  }
}

// Moves what can be moved, within the budget, and says to the kernel what to wait for next.
void StreamTable::pump(Instant now, Id id, bool can_read, bool can_write) {
  Stream& stream = streams_[id];
  size_t budget = turn_budget;
  while (budget != 0) {
    const Moved in = move_input(now, id, can_read, budget);
    if (in == Moved::gone) return;
    const Moved out = move_output(now, id, can_write, budget);
    if (out == Moved::gone) return;
    if (in == Moved::nothing && out == Moved::nothing) break;
  }
  const bool output_left = !app_.stream_output(id).empty();
  const bool finished = app_.stream_finished(id);
  if (finished && !output_left) {
    finish(now, id);
    return;
  }
  const bool wants_input = !stream.input_ended && !finished && !app_.stream_input_space(id).empty();
  watch(id, (wants_input ? u32{EPOLLIN} : 0U) | (output_left ? u32{EPOLLOUT} : 0U));
}

StreamTable::Moved StreamTable::move_input(Instant now, Id id, bool& can_read, size_t& budget) {
  Stream& stream = streams_[id];
  if (!can_read || stream.input_ended || app_.stream_finished(id)) return Moved::nothing;
  MutableBytes space = app_.stream_input_space(id);
  if (space.empty()) return Moved::nothing;
  space = space.first(std::min(space.size(), budget));
  const ssize_t n = receive(stream.fd.get(), space);
  if (n < 0) {
    can_read = false;
    if (would_wait(errno)) return Moved::nothing;
    close(now, id);
    return Moved::gone;
  }
  if (n == 0) {
    stream.input_ended = true;
    app_.on_stream_end(now, id);
    return Moved::some;
  }
  const size_t octets = static_cast<size_t>(n);
  if (octets < space.size()) can_read = false;  // that was all
  budget -= octets;
  app_.on_stream_input(now, id, octets);
  return Moved::some;
}

StreamTable::Moved StreamTable::move_output(Instant now, Id id, bool& can_write, size_t& budget) {
  Stream& stream = streams_[id];
  if (!can_write) return Moved::nothing;
  Bytes output = app_.stream_output(id);
  output = output.first(std::min(output.size(), budget));
  if (output.empty()) return Moved::nothing;
  const ssize_t n = transmit(stream.fd.get(), output);
  if (n <= 0) {
    can_write = false;
    if (n == 0 || would_wait(errno)) return Moved::nothing;
    close(now, id);
    return Moved::gone;
  }
  const size_t octets = static_cast<size_t>(n);
  if (octets < output.size()) can_write = false;  // the socket is full
  budget -= octets;
  app_.on_stream_output_sent(now, id, octets);
  return Moved::some;
}

void StreamTable::watch(Id id, u32 interest) {
  Stream& stream = streams_[id];
  if (stream.interest == interest) return;
  stream.interest = interest;
  change(epoll_, stream.fd.get(), interest, tag_of(id));
}

void StreamTable::finish(Instant now, Id id) {
  Stream& stream = streams_[id];
  if (stream.input_ended || ::shutdown(stream.fd.get(), SHUT_WR) != 0) {
    close(now, id);
    return;
  }
  stream.close_at = now + linger_time;
  move_to(id, State::lingering);
  watch(id, EPOLLIN);
}

void StreamTable::discard_input(Instant now, Id id) {
  Stream& stream = streams_[id];
  std::array<u8, 4096> rubbish;
  for (;;) {
    const ssize_t n = receive(stream.fd.get(), rubbish);
    if (n < 0 && would_wait(errno)) return;
    if (n > 0) stream.discarded += static_cast<size_t>(n);
    if (n <= 0 || stream.discarded > linger_discard_limit) {
      close(now, id);
      return;
    }
  }
}

// The kernel goes on with the handshake; what comes of it is an event, or the limit.
void StreamTable::connect(Instant now, const runtime::Connect& wanted) {
  const Id id = wanted.id;
  if (id >= streams_.size() || streams_[id].state != State::idle) {
    panic("an application connects a stream that is none of its own, or in use");
  }
  std::vector<Descriptor>& pool = clients_->streams_to(wanted.peer.address);
  if (pool.empty()) {  // this system has no such family
    app_.on_stream_closed(now, id);
    return;
  }
  Stream& stream = streams_[id];
  stream.fd = std::move(pool.back());
  pool.pop_back();
  stream.to_v4 = wanted.peer.address.is_v4();
  stream.input_ended = false;
  stream.interest = EPOLLOUT;
  stream.discarded = 0;
  stream.close_at = now + runtime::connect_limit;
  move_to(id, State::connecting);
  SocketAddress address;
  const socklen_t size = from_endpoint(wanted.peer, address);
  const bool begun = ::connect(stream.fd.get(), &address.generic, size) == 0 || errno == EINPROGRESS || errno == EINTR;
  if (!add(epoll_, stream.fd.get(), stream.interest, tag_of(id)) || !begun) close(now, id);
}

void StreamTable::on_connect_ready(Instant now, Id id, u32 events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    close(now, id);
    return;
  }
  move_to(id, State::serving);
  count(counters_->streams_opened);
  app_.on_stream_connected(now, id);
  pump(now, id, true, true);
}

// A socket that cannot be used again is closed, and there is one less.
void StreamTable::give_back(Id id) {
  Stream& stream = streams_[id];
  // A socket without a connection has a hang-up to report, always.
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, stream.fd.get(), nullptr);
  // The peer has ended, so nobody waits for its FIN: ours goes out before the socket is taken back, which would send a reset.
  if (stream.input_ended) ::shutdown(stream.fd.get(), SHUT_WR);
  if (recycle_stream(stream.fd)) (stream.to_v4 ? clients_->stream_v4 : clients_->stream_v6).push_back(std::move(stream.fd));
  stream.fd.close();
}

void StreamTable::close(Instant now, Id id) {
  ++streams_[id].sockets;
  if (is_client(id)) {
    give_back(id);
    move_to(id, State::idle);
    app_.on_stream_closed(now, id);
    return;
  }
  streams_[id].fd.close();  // leaves epoll by itself: nobody else holds this socket
  move_to(id, State::free);
  app_.on_stream_closed(now, id);
}

void StreamTable::abort(Instant now, Id id) {
  if (id >= streams_.size() || streams_[id].state == State::free || streams_[id].state == State::idle) return;
  close(now, id);
}

void StreamTable::close_all(Instant now) {
  accept_again_ = Instant::never();
  set_accepting(false);
  while (serving_.first != none) close(now, serving_.first);
  while (lingering_.first != none) close(now, lingering_.first);
  while (connecting_.first != none) close(now, connecting_.first);
}

void StreamTable::on_deadline(Instant now) {
  while (lingering_.first != none && streams_[lingering_.first].close_at <= now) close(now, lingering_.first);
  while (connecting_.first != none && streams_[connecting_.first].close_at <= now) close(now, connecting_.first);
  if (accept_again_ <= now) {
    accept_again_ = Instant::never();
    set_accepting(true);
  }
}

Instant StreamTable::next_deadline() const {
  const Instant linger = lingering_.first == none ? Instant::never() : streams_[lingering_.first].close_at;
  const Instant connect = connecting_.first == none ? Instant::never() : streams_[connecting_.first].close_at;
  return std::min({linger, connect, accept_again_});
}

void StreamTable::pause_accepting(Instant now) {
  count(counters_->accepts_failed);
  accept_again_ = now + accept_pause;
  set_accepting(false);
}

void StreamTable::set_accepting(bool accepting) {
  if (accepting == accepting_) return;
  accepting_ = accepting;
  for (size_t i = 0; i < listeners_->size(); ++i) {
    change(epoll_, (*listeners_)[i].fd.get(), accepting ? u32{EPOLLIN} : 0U, listener_tag + i);
  }
}

}  // namespace samara::hal
