#include "platform/hal/linux/frame_worker.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <climits>

#include "platform/hal/linux/clock.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

class FrameWorker {
 public:
  FrameWorker(FrameDevice& device, FrameHandler& handler, ControlPage& control, u32 worker, Mailbox* mailbox, Descriptor epoll)
      : device_(device),
        handler_(handler),
        control_(control),
        row_(control.row(worker)),
        mailbox_(mailbox),
        epoll_(std::move(epoll)) {}

  ExitCode run() {
    while (control_.generation() == 0 && !control_.stopping()) wait(-1);
    Instant now = monotonic_now();
    if (control_.generation() != 0) adopt(now);
    handler_.start(now, wall_.at(now), device_);
    bool more = true;
    while (!control_.stopping()) {
      if (!more) wait(sleep_ms(now));
      now = monotonic_now();
      if (mailbox_ != nullptr) mailbox_->look();
      if (control_.generation() != serving_) adopt(now);
      more = handler_.turn(now, wall_.at(now), device_);
      row_.oldest.store(handler_.oldest_generation(), std::memory_order_release);
      if (mailbox_ != nullptr && mailbox_->take_wake()) wake_loader();
      if (!announce()) return ExitCode::unavailable;
    }
    return ExitCode::good;
  }

 private:
  void wait(int ms) {
    std::array<epoll_event, 2> events;
    ::epoll_pwait(epoll_.get(), events.data(), static_cast<int>(events.size()), ms, nullptr);
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
    const Instant deadline = handler_.next_deadline();
    if (deadline == Instant::never()) return -1;
    if (deadline <= now) return 0;
    const i64 rounded = ((deadline - now) + Duration::nanoseconds(999'999)).milliseconds();
    return static_cast<int>(std::min<i64>(rounded, INT_MAX));
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
  Descriptor epoll_;
  WallClock wall_;
  u64 serving_ = 0;
};

bool watch(int epoll, int fd, u32 events) {
  epoll_event event{};
  event.events = events;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<ExitCode, Refusal> run_frame_worker(FrameDevice& device, int wake, FrameHandler& handler, ControlPage& control,
                                           u32 worker, Mailbox* mailbox) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  // The wake descriptor is edge-triggered: each write to it is an event, and it never needs to be read.
  if (!epoll.open() || !watch(epoll.get(), device.descriptor(), EPOLLIN) || !watch(epoll.get(), wake, EPOLLIN | EPOLLET)) {
    return fail(Refusal(ExitCode::unavailable, "epoll: ", SystemError{}));
  }
  handler.prepare(device.description());
  if (mailbox != nullptr) handler.use_mailbox(*mailbox);
  TRY(install_filter(device.system_calls()));
  return FrameWorker(device, handler, control, worker, mailbox, std::move(epoll)).run();
}

}  // namespace samara::hal
