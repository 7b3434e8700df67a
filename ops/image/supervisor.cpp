#include "ops/image/supervisor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

#include "ops/boot_blob.h"
#include "ops/image/control_exchange.h"
#include "ops/image/image_process.h"
#include "ops/image/storage_file.h"
#include "server/config/control.h"

namespace samara::ops {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{10};  // between a request to stop and the end of it

class Supervisor {
 public:
  Supervisor(const Launch& launch, ImageProcess image, Descriptor signals)
      : launch_(launch), image_(std::move(image)), signals_(std::move(signals)) {}

  ExitCode run() {
    for (;;) {
      wait();
      read_signals();
      if (const std::optional<int> status = image_.poll_end()) return ended(*status);
      if (stop_before_ && Clock::now() >= *stop_before_) {
        complain("the image did not stop in time and is ended");
        image_.signal(SIGKILL);
        stop_before_.reset();
      }
      if (reload_wanted_ && !exchange_ && !stopping_) begin_reload();
      move_control();
    }
  }

 private:
  // Sleeps until a signal, control traffic, or the end of patience.
  void wait() {
    const bool sending = exchange_ && !exchange_->poll_output().empty();
    std::array<pollfd, 2> watched{};
    watched[0] = {signals_.get(), POLLIN, 0};
    watched[1] = {control_open_ ? image_.control().get() : -1, static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN), 0};
    // What was asked for while an exchange was under way is not waited for again.
    int timeout = reload_wanted_ && !exchange_ && !stopping_ ? 0 : -1;
    if (stop_before_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*stop_before_ - Clock::now());
      timeout = static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count())) + 1;
    }
    ::poll(watched.data(), watched.size(), timeout);
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP) reload_wanted_ = true;
      if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
        image_.signal(stopping_ ? SIGKILL : SIGTERM);
        if (!stopping_) stop_before_ = Clock::now() + patience;
        stopping_ = true;
      }
    }
  }

  void begin_reload() {
    reload_wanted_ = false;
    Diagnostics found(Unreadable::leave_out);
    const std::optional<Deployment> deployment = launch_.load(found);
    std::optional<std::vector<u8>> blob;
    if (deployment) blob = compile_blob(deployment->config, launch_.source, found);
    found.print();
    if (!blob) {
      complain(launch_.source + ": not reloaded, what is served stays as it is");
      return;
    }
    if (!control_open_) return;
    exchange_.emplace(static_cast<u32>(server::ControlKind::reload), std::move(*blob));
  }

  void move_control() {
    if (!control_open_) return;
    const int stream = image_.control().get();
    while (exchange_ && !exchange_->poll_output().empty()) {
      const Bytes out = exchange_->poll_output();
      const ssize_t sent = ::send(stream, out.data(), out.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (sent < 0) return lose_control();
      exchange_->on_sent(static_cast<size_t>(sent));
    }
    std::array<u8, 4096> memory{};
    for (;;) {
      const ssize_t got = ::recv(stream, memory.data(), memory.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return lose_control();
      if (!exchange_ || !exchange_->on_input(Bytes(memory).first(static_cast<size_t>(got)))) return lose_control();
      if (const std::optional<u32> status = exchange_->status()) {
        report(*status);
        exchange_.reset();
      }
    }
  }

  void report(u32 status) const {
    complain(launch_.source + (status == 0 ? ": reloaded" : ": reloaded in part, what could not be replaced stays in service"));
  }

  void lose_control() {
    control_open_ = false;
    if (exchange_) complain(launch_.source + ": the image did not answer the reload");
    exchange_.reset();
  }

  static ExitCode ended(int status) {
    if (WIFEXITED(status)) return static_cast<ExitCode>(WEXITSTATUS(status));
    complain("the image was ended by signal " + std::to_string(WTERMSIG(status)));
    return ExitCode::our_bug;
  }

  const Launch& launch_;
  ImageProcess image_;
  Descriptor signals_;
  bool control_open_ = true;
  bool reload_wanted_ = false;
  bool stopping_ = false;
  std::optional<Clock::time_point> stop_before_;
  std::optional<ControlExchange> exchange_;
};

Descriptor watch_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  return Descriptor(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
}

}  // namespace

ExitCode supervise(const Launch& launch, Descriptor output) {
  Diagnostics found;
  // The texts of the zones are not needed any longer once the image has them.
  std::optional<std::vector<u8>> blob;
  std::optional<Descriptor> storage;
  ExitCode why = ExitCode::good;
  if (const std::optional<Deployment> deployment = launch.load(found)) {
    blob = compile_blob(deployment->config, launch.source, found);
    if (blob) storage = open_storage_of(*deployment, launch.source, why);
  }
  found.print();
  if (!blob) return found.exit_code();
  if (!storage) return why;
  // Before the image exists, so that no signal falls between.
  Descriptor signals = watch_signals();
  Result<ImageProcess, int> image = ImageProcess::start(launch.image, *blob, output, *storage);
  if (!image) {
    complain(launch.image + ": cannot be started: " + std::generic_category().message(image.error()) +
             " (expected an image made by `ops/build linux`, or --image FILE)");
    return image.error() == EACCES || image.error() == EPERM ? ExitCode::no_permission : ExitCode::unavailable;
  }
  output.reset();
  storage.reset();
  blob.reset();
  return Supervisor(launch, std::move(image).value(), std::move(signals)).run();
}

}  // namespace samara::ops
