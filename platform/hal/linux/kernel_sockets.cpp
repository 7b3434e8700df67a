#include "platform/hal/linux/kernel_sockets.h"

#include <algorithm>
#include <climits>

#include "platform/base/panic.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

// What an event is about: an octet in the middle of its tag (the streams' in stream_table.h), an index in the lower half.
constexpr u64 wake_tag = 0;
constexpr u64 datagram_tag = u64{3} << 32;
constexpr u64 client_datagram_tag = u64{4} << 32;
constexpr u64 kind_mask = u64{0xff} << 32;

// Full batches taken from one socket before the others get their turn.
constexpr int batches_per_turn = 4;

}  // namespace

Result<std::unique_ptr<KernelSockets>, Refusal> KernelSockets::create(Start start, WorkerApplicationRef app,
                                                                      ControlPage& control) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.open()) return fail(Refusal(ExitCode::unavailable, "epoll: ", SystemError{}));
  SharedCounters& counters = control.row(start.worker).counters;
  DatagramBatch batch = TRY(DatagramBatch::create(counters));
  ClientSockets clients = TRY(make_client_sockets(start.client_streams, start.client_datagrams));
  const int wake = start.wake;
  std::unique_ptr<KernelSockets> loop(
      new KernelSockets(std::move(epoll), std::move(start), app, control, std::move(batch), std::move(clients)));
  if (app.app.is_client()) {
    loop->client_datagrams_ = TRY(ClientDatagrams::create(loop->clients_, loop->sockets_, counters));
  }
  // Edge-triggered: each write to it is an event, and it never needs to be read.
  loop->watch(wake, EPOLLIN | EPOLLET, wake_tag);
  return loop;
}

KernelSockets::KernelSockets(Descriptor epoll, Start start, WorkerApplicationRef app, ControlPage& control, DatagramBatch batch,
                             ClientSockets clients)
    : epoll_(std::move(epoll)),
      sockets_(std::move(start.sockets)),
      app_(app),
      control_(&control),
      row_(&control.row(start.worker)),
      batch_(std::move(batch)),
      clients_(std::move(clients)),
      client_streams_(start.client_streams),
      streams_(epoll_.get(), sockets_.stream, start.max_streams, start.client_streams, clients_, app_.app, row_->counters),
      mailbox_(app.app.is_client() ? start.mailbox : nullptr),
      loader_wake_(start.loader_wake),
      events_{} {}

void KernelSockets::watch(int fd, u32 events, u64 tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) panic("epoll refused a socket");
}

void KernelSockets::run() {
  wait_for_publication();
  for (size_t i = 0; i < sockets_.datagram.size(); ++i) watch(sockets_.datagram[i].fd.get(), EPOLLIN, datagram_tag + i);
  for (size_t i = 0; i < clients_.datagram.size(); ++i) watch(clients_.datagram[i].fd.get(), EPOLLIN, client_datagram_tag + i);
  streams_.start();
  Instant now = monotonic_now();
  turn(now, 0);  // the wake for the first publication may have been the one for messages too
  while (!control_->stopping()) {
    const int ready = ::epoll_pwait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), sleep_ms(now), nullptr);
    now = monotonic_now();
    turn(now, ready < 0 ? 0 : static_cast<size_t>(ready));  // negative: interrupted
  }
  close_all();
}

// The ports are free when run() returns: whoever is told that we ended may start the next image on them.
void KernelSockets::close_all() {
  streams_.close_all(monotonic_now());
  for (ListenSocket& socket : sockets_.datagram) socket.fd.close();
  for (ListenSocket& socket : sockets_.stream) socket.fd.close();
  for (ListenSocket& socket : clients_.datagram) socket.fd.close();
}

void KernelSockets::wait_for_publication() {
  while (control_->generation() == 0 && !control_->stopping()) {
    ::epoll_pwait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), -1, nullptr);
  }
  if (control_->generation() != 0) adopt(monotonic_now());
}

void KernelSockets::turn(Instant now, size_t events) {
  const bool messages = mailbox_ != nullptr && mailbox_->look();
  if (control_->generation() != serving_) adopt(now);
  app_.app.on_turn(now, wall_.at(now));
  if (messages) take_messages(now);
  for (size_t i = 0; i < events; ++i) {
    const epoll_event& event = events_[i];
    const u64 tag = event.data.u64;
    const u32 index = static_cast<u32>(tag);
    switch (tag & kind_mask) {
      case datagram_tag:
        for (int n = 0; n < batches_per_turn; ++n) {
          if (batch_.exchange(sockets_.datagram[index], now, app_.app) < DatagramBatch::capacity) break;
        }
        break;
      case client_datagram_tag:
        if (client_datagrams_.has_value()) client_datagrams_->receive(index, now, app_.app);
        break;
      case StreamTable::stream_tag: streams_.on_stream_ready(now, tag, event.events); break;
      case StreamTable::listener_tag: break;  // below
      default: break;                         // woken: the control page is looked at in each turn
    }
  }
  // Newcomers come last: a stream that has just ended leaves its place to one, and nobody else has to.
  for (size_t i = 0; i < events; ++i) {
    const u64 tag = events_[i].data.u64;
    if ((tag & kind_mask) == StreamTable::listener_tag) streams_.on_listener_ready(now, static_cast<u32>(tag));
  }
  if (app_.app.next_deadline() <= now) {
    app_.app.on_deadline(now);
    streams_.serve_all(now);
  }
  if (streams_.next_deadline() <= now) streams_.on_deadline(now);
  while (const auto id = app_.app.poll_stream_abort()) streams_.abort(now, *id);
  if (client_datagrams_.has_value()) speak(now);
  row_->oldest.store(app_.oldest(app_.object), std::memory_order_release);
}

void KernelSockets::take_messages(Instant now) {
  while (const auto message = mailbox_->receive()) app_.app.on_message(now, *message);
  streams_.serve_all(now);
}

// What the application asks others, and tells its loader.
void KernelSockets::speak(Instant now) {
  u32 asked = 0;
  for (; asked < client_streams_; ++asked) {
    const auto wanted = app_.app.poll_connect();
    if (!wanted.has_value()) break;
    streams_.connect(now, *wanted);
  }
  more_to_say_ = client_streams_ != 0 && asked == client_streams_;
  if (client_datagrams_->send(now, app_.app)) more_to_say_ = true;
  if (mailbox_ == nullptr) return;
  for (MutableBytes room = mailbox_->room(); !room.empty(); room = mailbox_->room()) {
    const size_t size = app_.app.poll_message(room);
    if (size == 0) break;
    mailbox_->send_room(size);
  }
  if (!mailbox_->take_wake()) return;
  const u64 one = 1;
  [[maybe_unused]] const ssize_t written = ::write(loader_wake_, &one, sizeof one);
}

void KernelSockets::adopt(Instant now) {
  const Publication latest = control_->latest();
  app_.publish(app_.object, now, latest);
  serving_ = latest.generation;
  row_->oldest.store(app_.oldest(app_.object), std::memory_order_release);
  row_->serving.store(serving_, std::memory_order_release);
}

// Rounded up: waking before a deadline would only mean sleeping again.
int KernelSockets::sleep_ms(Instant now) const {
  if (more_to_say_) return 0;
  const Instant deadline = std::min(app_.app.next_deadline(), streams_.next_deadline());
  if (deadline == Instant::never()) return -1;
  if (deadline <= now) return 0;
  const i64 rounded = ((deadline - now) + Duration::nanoseconds(999'999)).milliseconds();
  return static_cast<int>(std::min<i64>(rounded, INT_MAX));
}

}  // namespace samara::hal
