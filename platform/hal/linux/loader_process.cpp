#include "platform/hal/linux/loader_process.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "platform/hal/linux/clock.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

enum Tag : u64 { signals_tag, control_tag, messages_tag };

// Workers say in the shared page that they took a publication over, or let an old one go; they do not wake us. So we look,
// often while somebody waits, seldom for memory to be given back.
constexpr int adoption_poll_ms = 1;
constexpr int release_poll_ms = 50;
// Workers end after their current turn; one that hangs is killed with us.
constexpr Duration stop_patience = Duration::seconds(1);

bool watch(int epoll, int fd, u32 events, u64 tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

std::string_view advice(int signal) {
  switch (signal) {
    case SIGSYS: return "; it made a system call that the filter forbids";
    case SIGILL:
    case SIGTRAP: return "; an internal check failed";
    case SIGKILL: return "; from outside, or the system ran out of memory";
    default: return "";
  }
}

void log_worker_end(u32 index, const signalfd_siginfo& info) {
  if (info.ssi_code == CLD_EXITED) {
    log(Level::error, "worker ", index, " (process ", info.ssi_pid, ") ended with exit code ", info.ssi_status,
        "; the image stops and should be started again");
    return;
  }
  const char* name = ::sigdescr_np(info.ssi_status);
  log(Level::error, "worker ", index, " (process ", info.ssi_pid, ") was killed by signal ", info.ssi_status, " (",
      name != nullptr ? name : "unknown", ")", advice(info.ssi_status), "; the image stops and should be started again");
}

}  // namespace

Result<std::optional<LoaderProcess>, Refusal> LoaderProcess::create(Start start) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  bool good = epoll.open() && watch(epoll.get(), start.signals.get(), EPOLLIN, signals_tag);
  // Edge-triggered: each write to it is an event, and it never needs to be read.
  good = good && watch(epoll.get(), loader_wake_fd, EPOLLIN | EPOLLET, messages_tag);
  if (start.control.has_value()) {
    // Edge-triggered in both directions: what to wait for never has to be changed.
    good = good && watch(epoll.get(), start.control->fd(), EPOLLIN | EPOLLOUT | EPOLLET, control_tag);
  }
  if (!good) return fail(Refusal(ExitCode::unavailable, "epoll: ", SystemError{}));
  return std::optional<LoaderProcess>(LoaderProcess(std::move(start), std::move(epoll)));
}

LoaderProcess::LoaderProcess(Start start, Descriptor epoll)
    : start_(std::move(start)), epoll_(std::move(epoll)), message_(runtime::max_message) {
  for (u32 i = 0; i < workers(); ++i) mailboxes_.push_back(start_.lanes->loader_side(i, message_));
}

Instant LoaderProcess::now() const {
  return monotonic_now();
}
UnixTime LoaderProcess::wall() const {
  return wall_now();
}

u64 LoaderProcess::publish(u64 root) {
  page().publish(root);
  wake_workers();
  return generation();
}

bool LoaderProcess::send(u32 worker, Bytes message) {
  return worker < workers() && mailboxes_[worker].send(message);
}

void LoaderProcess::wake(u32 worker) {
  const u64 one = 1;
  [[maybe_unused]] const ssize_t written = ::write(start_.workers[worker].wake.get(), &one, sizeof one);
}

void LoaderProcess::wake_workers() {
  for (u32 i = 0; i < workers(); ++i) wake(i);
}

void LoaderProcess::wake_for_messages() {
  for (u32 i = 0; i < workers(); ++i) {
    if (mailboxes_[i].take_wake()) wake(i);
  }
}

// What has come by now; then deadlines, so that a worker that sends without end does not keep the role from them.
void LoaderProcess::take_messages(Role& role) {
  bool room_again = false;
  for (u32 i = 0; i < workers(); ++i) {
    Mailbox& mailbox = mailboxes_[i];
    mailbox.look();
    while (const auto message = mailbox.receive()) role.on_message(i, *message, *this);
    if (mailbox.take_room_again()) room_again = true;
  }
  if (room_again || role.next_deadline() <= now()) role.on_deadline(*this);
}

void LoaderProcess::tell_released(Role& role) {
  const u64 oldest = oldest_in_use();
  if (oldest <= released_) return;
  released_ = oldest;
  role.on_released(*this);
}

void LoaderProcess::take_turn() {
  take_messages(*role_);
  tell_released(*role_);
  wake_for_messages();
}

ExitCode LoaderProcess::run(Role& role) {
  role_ = &role;
  const auto with_storage = loader_system_calls_with(start_.storage.has_value() ? start_.storage->descriptor() : -1);
  const auto confined = start_.storage.has_value() ? install_filter(with_storage) : install_filter(loader_system_calls);
  if (!confined.ok()) {
    log(Level::error, confined.error().text());
    return confined.error().code();
  }
  const auto root = role.load(start_.blob->bytes(), *this);
  if (!root.ok()) {
    log(Level::error, root.error().text());
    return root.error().code();
  }
  publish(root.value());
  for (;;) {
    wake_for_messages();
    std::array<epoll_event, 4> events;
    const int ready = ::epoll_pwait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms(role), nullptr);
    std::optional<ExitCode> end;
    for (int i = 0; i < ready && !end.has_value(); ++i) {
      if (events[static_cast<size_t>(i)].data.u64 == signals_tag) end = take_signals();
    }
    if (!announced_ && page().all_serve(1, workers())) announce();
    if (pending_.has_value() && page().all_serve(pending_generation_, workers())) {
      start_.control->reply(*pending_);
      pending_.reset();
    }
    if (!end.has_value() && announced_ && start_.control.has_value()) end = take_requests(role);
    if (end.has_value()) {
      if (*end == ExitCode::good) stop_workers();
      return *end;
    }
    take_messages(role);
    tell_released(role);
  }
}

int LoaderProcess::wait_ms(Role& role) const {
  int limit = -1;
  if (!announced_ || pending_.has_value() || !page().all_serve(generation(), workers())) {
    limit = adoption_poll_ms;
  } else if (released_ < generation()) {
    limit = release_poll_ms;
  }
  const Instant deadline = role.next_deadline();
  if (deadline == Instant::never()) return limit;
  const Instant at = now();
  if (deadline <= at) return 0;
  // Rounded up: waking before a deadline would only mean sleeping again.
  const i64 rounded = ((deadline - at) + Duration::nanoseconds(999'999)).milliseconds();
  const int until_deadline = static_cast<int>(std::min<i64>(rounded, INT_MAX));
  return limit < 0 ? until_deadline : std::min(limit, until_deadline);
}

std::optional<ExitCode> LoaderProcess::take_signals() {
  signalfd_siginfo info{};
  while (::read(start_.signals.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
      log(Level::info, "told to stop");
      return ExitCode::good;
    }
    if (info.ssi_signo == SIGCHLD) {
      for (u32 i = 0; i < workers(); ++i) {
        if (start_.workers[i].process == static_cast<pid_t>(info.ssi_pid)) log_worker_end(i, info);
      }
      // A worker that finds out late that it cannot serve (its address belongs to another machine) has said why.
      const bool unavailable = info.ssi_code == CLD_EXITED && info.ssi_status == static_cast<int>(ExitCode::unavailable);
      return unavailable ? ExitCode::unavailable : ExitCode::our_bug;
    }
  }
  return std::nullopt;
}

// Also called when no event came: a request may have waited for the reply to the one before.
std::optional<ExitCode> LoaderProcess::take_requests(Role& role) {
  ControlStream& control = *start_.control;
  while (!pending_.has_value()) {
    const auto request = control.receive();
    if (!request.has_value()) break;
    const u64 before = generation();
    Reply reply = role.on_request(request->kind, request->payload(), *this);
    if (generation() != before) {
      pending_ = std::move(reply);
      pending_generation_ = generation();
    } else {
      control.reply(reply);
    }
  }
  if (!control.ended()) return std::nullopt;
  log(Level::info, "the control stream ended");
  return ExitCode::good;
}

void LoaderProcess::announce() {
  announced_ = true;
  for (const Endpoint& at : start_.listen) {
    TextBuffer<96> line;
    line.writer().put("ready ");
    at.write_text(line.writer());
    line.writer().put('\n');
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.view().data(), line.view().size());
  }
}

void LoaderProcess::stop_workers() {
  page().stop();
  wake_workers();
  const Instant limit = monotonic_now() + stop_patience;
  epoll_event event;
  signalfd_siginfo info;  // a signal left unread would keep the wait from waiting
  while (!page().all_ended(workers()) && monotonic_now() < limit) {
    ::epoll_pwait(epoll_.get(), &event, 1, 1, nullptr);
    while (::read(start_.signals.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo != SIGCHLD || info.ssi_code == CLD_EXITED) continue;
      for (u32 i = 0; i < workers(); ++i) {
        if (start_.workers[i].process == static_cast<pid_t>(info.ssi_pid)) log_worker_end(i, info);
      }
    }
  }
}

}  // namespace samara::hal
