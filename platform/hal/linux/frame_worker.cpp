#include "platform/hal/linux/frame_worker.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <climits>

#include "platform/base/panic.h"
#include "platform/hal/linux/clock.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

// The kernel tells when its queue has room again, but not of each frame that comes back: so long the worker sleeps at most
// while there is something it could not send.
constexpr int longest_blocked_ms = 10;

bool set_interest(int epoll, int operation, int fd, u32 events) {
  epoll_event event{};
  event.events = events;
  return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

class FrameWorker {
 public:
  FrameWorker(FrameDevice& device, FrameHandler& handler, ControlPage& control, u32 worker, Mailbox* mailbox, int epoll)
      : device_(device), handler_(handler), control_(control), row_(control.row(worker)), mailbox_(mailbox), epoll_(epoll) {}

  ExitCode run() {
    while (control_.generation() == 0 && !control_.stopping()) wait(-1);
    Instant now = monotonic_now();
    if (control_.generation() != 0) adopt(now);
    handler_.start(now, wall_.at(now), device_);
    bool more = true;
    while (!control_.stopping()) {
      if (!more) {
        watch_device();
        wait(sleep_ms(now));
      }
      now = monotonic_now();
      if (mailbox_ != nullptr) mailbox_->look();
      if (control_.generation() != serving_) adopt(now);
      more = handler_.turn(now, wall_.at(now), device_);
      row_.oldest.store(handler_.oldest_generation(), std::memory_order_release);
      if (mailbox_ != nullptr && mailbox_->take_wake()) wake_loader();
      if (!announce()) return ExitCode::unavailable;
    }
    handler_.stop(now, device_);
    return ExitCode::good;
  }

 private:
  // Edge-triggered while frames could not be sent: an AF_XDP socket counts as writable long before it is of use.
  void watch_device() {
    u32 events = EPOLLIN;
    blocked_ = false;
    if (device_.congested()) {
      events = EPOLLOUT | EPOLLET;  // what came in waits
      blocked_ = true;
    } else if (device_.unsent()) {
      events = EPOLLIN | EPOLLOUT | EPOLLET;
      blocked_ = true;
    }
    if (events == watched_) return;
    watched_ = events;
    if (!set_interest(epoll_, EPOLL_CTL_MOD, device_.descriptor(), events)) panic("epoll does not know the device");
  }

  void wait(int ms) {
    std::array<epoll_event, 2> events;
    ::epoll_pwait(epoll_, events.data(), static_cast<int>(events.size()), ms, nullptr);
  }

  void wake_loader() {
    const u64 one = 1;
    [[maybe_unused]] const ssize_t written = ::write(loader_wake_fd, &one, sizeof one);
  }

  void adopt(Instant now) {
    const Publication latest = control_.latest();
    handler_.on_publication(now, latest.generation, latest.root);
    serving_ = latest.generation;
    row_.oldest.store(handler_.oldest_generation(), std::memory_order_release);
    row_.serving.store(serving_, std::memory_order_release);
  }

  // Rounded up: waking before a deadline would only mean sleeping again.
  int sleep_ms(Instant now) const {
    const i64 longest = blocked_ ? longest_blocked_ms : INT_MAX;
    const Instant deadline = handler_.next_deadline();
    if (deadline == Instant::never()) return blocked_ ? longest_blocked_ms : -1;
    if (deadline <= now) return 0;
    const i64 rounded = ((deadline - now) + Duration::nanoseconds(999'999)).milliseconds();
    return static_cast<int>(std::min(rounded, longest));
  }

  bool announce() {
    for (;;) {
      TextBuffer<128> line;
      line.writer().put("ready ");
      if (!handler_.poll_ready(line.writer())) break;
      line.writer().put('\n');
      [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.view().data(), line.view().size());
    }
    TextBuffer<256> trouble;
    if (!handler_.poll_trouble(trouble.writer())) return true;
    log(Level::error, trouble.view());
    return false;
  }

  FrameDevice& device_;
  FrameHandler& handler_;
  ControlPage& control_;
  WorkerRow& row_;
  Mailbox* mailbox_;
  int epoll_;
  WallClock wall_;
  u64 serving_ = 0;
  u32 watched_ = EPOLLIN;
  bool blocked_ = false;  // frames could not be sent
};

}  // namespace

Result<ExitCode, Refusal> run_frame_worker(FrameDevice& device, int wake, FrameHandler& handler, ControlPage& control,
                                           u32 worker, Mailbox* mailbox) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  // The wake descriptor is edge-triggered: each write to it is an event, and it never needs to be read.
  if (!epoll.open() || !set_interest(epoll.get(), EPOLL_CTL_ADD, device.descriptor(), EPOLLIN) ||
      !set_interest(epoll.get(), EPOLL_CTL_ADD, wake, EPOLLIN | EPOLLET)) {
    return fail(Refusal(ExitCode::unavailable, "epoll: ", SystemError{}));
  }
  handler.prepare(device.description());
  if (mailbox != nullptr) handler.use_mailbox(*mailbox);
  TRY(install_filter(device.system_calls()));
  // From here on nothing may be closed.
  return FrameWorker(device, handler, control, worker, mailbox, epoll.release()).run();
}

}  // namespace samara::hal
