#include "ops/image/supervisor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <system_error>

#include "ops/boot_blob.h"
#include "ops/image/back_off.h"
#include "ops/image/control_exchange.h"
#include "ops/image/crash_report.h"
#include "ops/image/image_process.h"
#include "ops/image/privileges.h"
#include "ops/image/signals.h"
#include "ops/image/stop_request.h"
#include "ops/image/storage_file.h"
#include "server/config/control.h"

namespace samara::ops {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds grace{2};  // between the end of the control stream and that of the process
constexpr std::string_view ready_line = "ready ";

std::string in_seconds(std::chrono::seconds time) {
  return std::to_string(time.count()) + (time.count() == 1 ? " second" : " seconds");
}

// The image, when it runs, and what it was started with.
struct Running {
  Running(ImageProcess started, std::string storage_path) : process(std::move(started)), storage(std::move(storage_path)) {}
  ImageProcess process;
  std::string storage;  // its path
  Clock::time_point since = Clock::now();
  bool control_open = true;
  bool was_ready = false;
  std::string line;                                // of its output, not yet whole
  std::optional<ControlExchange> exchange;         // a reload under way
  std::optional<Clock::time_point> control_ended;  // by itself
  StopRequest stop;
};

class Supervisor {
 public:
  Supervisor(const Launch& launch, Descriptor signals, Descriptor output)
      : launch_(launch), signals_(std::move(signals)), output_(std::move(output)) {}

  ExitCode run(std::optional<Deployment> first) {
    if (const auto why = start(std::move(first))) return *why;
    for (;;) {
      wait();
      read_signals();
      if (!image_) {
        if (stopping_) return ExitCode::good;
        if (Clock::now() >= start_at_ && start({})) start_later(back_off_.on_end({}));
        continue;
      }
      read_output();
      if (const std::optional<ProcessEnd> end = image_->process.poll_end()) {
        read_output();
        if (const auto code = ended(*end)) return *code;
        continue;
      }
      watch_stop();
      if (reload_wanted_ && !image_->exchange && !stopping_) begin_reload();
      move_control();
    }
  }

 private:
  // Nothing, or why there is no image.
  std::optional<ExitCode> start(std::optional<Deployment> deployment) {
    reload_wanted_ = false;
    Diagnostics found(Unreadable::leave_out);
    std::optional<std::vector<u8>> blob;
    std::optional<Descriptor> storage;
    std::string storage_path;
    ExitCode why = ExitCode::good;
    // The texts of the zones are not needed any longer once the image has them.
    if (!deployment) deployment = launch_.load(found);
    const bool nothing = deployment && has_nothing_to_serve(*deployment);
    if (deployment && !nothing) {
      blob = compile_blob(deployment->config, launch_.source, found);
      if (blob) storage = open_storage_of(*deployment, launch_.source, why);
      if (const auto& configured = deployment->service().storage) storage_path = std::string(configured->file);
    }
    const bool confined = !storage || give_up_privileges(*deployment);
    deployment.reset();
    found.print();
    if (nothing) complain(launch_.source + ": no zone could be read");
    if (!blob) return found.exit_code();
    if (!storage) return why;
    if (!confined) return ExitCode::no_permission;
    Result<ImageProcess, int> image = ImageProcess::start(launch_.image, *blob, *storage);
    if (!image) {
      complain(launch_.image + ": cannot be started: " + std::generic_category().message(image.error()) +
               " (expected an image made by `ops/build linux`, or --image FILE)");
      return image.error() == EACCES || image.error() == EPERM ? ExitCode::no_permission : ExitCode::unavailable;
    }
    image_.emplace(std::move(image).value(), std::move(storage_path));
    return {};
  }

  // Before the first image is started: what that start lacks the next one would lack as well.
  bool give_up_privileges(const Deployment& deployment) {
    if (std::exchange(confined_, true)) return true;
    const auto confined = keep_for_supervising(deployment.service());
    if (confined) return true;
    complain("privileges cannot be given up (" + std::string(confined.error().step) +
             "): " + std::generic_category().message(confined.error().code));
    return false;
  }

  void start_later(std::chrono::seconds wait) {
    start_at_ = Clock::now() + wait;
    complain(launch_.source + ": the image is started again in " + in_seconds(wait));
  }

  // Sleeps until a signal, output, control traffic, or a deadline.
  void wait() {
    std::array<pollfd, 3> watched{};
    watched[0] = {signals_.get(), POLLIN, 0};
    watched[1] = watched[2] = {-1, 0, 0};
    std::optional<Clock::time_point> deadline;
    const auto not_after = [&](std::optional<Clock::time_point> time) {
      if (time && (!deadline || *time < *deadline)) deadline = time;
    };
    if (!image_) {
      not_after(start_at_);
    } else {
      const bool sending = image_->exchange && !image_->exchange->poll_output().empty();
      if (image_->control_open)
        watched[1] = {image_->process.control().get(), static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN), 0};
      if (image_->process.output().is_open()) watched[2] = {image_->process.output().get(), POLLIN, 0};
      not_after(image_->stop.deadline());
      if (image_->control_ended) not_after(*image_->control_ended + grace);
      // What was asked for while an exchange was under way is not waited for again.
      if (reload_wanted_ && !image_->exchange && !stopping_) not_after(Clock::now());
    }
    int timeout = -1;
    if (deadline) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now());
      timeout = static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count())) + 1;
    }
    ::poll(watched.data(), watched.size(), timeout);
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP) reload_wanted_ = true;
      if (!is_stop(info.ssi_signo)) continue;
      stopping_ = true;
      if (image_) stop_image();
    }
    if (!image_ && reload_wanted_) start_at_ = Clock::now();  // the files were mended, perhaps
  }

  void stop_image() {
    switch (image_->stop.on_signal(Clock::now())) {
      case StopRequest::Then::ask: return image_->process.signal(SIGTERM);
      case StopRequest::Then::end: return image_->process.signal(SIGKILL);
      case StopRequest::Then::wait: return;
    }
  }

  void watch_stop() {
    const Clock::time_point now = Clock::now();
    if (image_->stop.is_too_late(now)) {
      complain("the image did not stop in time and is ended");
      image_->process.signal(SIGKILL);
    }
    if (image_->control_ended && now >= *image_->control_ended + grace) {
      image_->control_ended.reset();
      lose_control("the image has closed it");
    }
  }

  // Passes its lines on, and sees those that say that it answers.
  void read_output() {
    std::array<char, 4096> memory{};
    for (;;) {
      const ssize_t got = ::read(image_->process.output().get(), memory.data(), memory.size());
      if (got < 0 && errno == EINTR) continue;
      if (got == 0) image_->process.close_output();
      if (got <= 0) return;
      const std::string_view octets(memory.data(), static_cast<size_t>(got));
      image_->line += octets;
      if (image_->line.starts_with(ready_line) || image_->line.find("\nready ") != std::string::npos) image_->was_ready = true;
      const size_t last = image_->line.rfind('\n');
      image_->line.erase(0, last == std::string::npos ? 0 : last + 1);
      if (image_->line.size() > memory.size()) image_->line.clear();
      // Nobody may be there to read any more; SIGPIPE is blocked.
      [[maybe_unused]] const ssize_t written =
          ::write(output_.is_open() ? output_.get() : STDOUT_FILENO, octets.data(), octets.size());
    }
  }

  void begin_reload() {
    reload_wanted_ = false;
    Diagnostics found(Unreadable::leave_out);
    std::optional<std::vector<u8>> blob;
    try {
      const std::optional<Deployment> deployment = launch_.load(found);
      if (deployment) blob = compile_blob(deployment->config, launch_.source, found);
    } catch (const std::bad_alloc&) {
      found.error({launch_.source}, "no memory to read what it names");
    }
    found.print();
    if (!blob) {
      complain(launch_.source + ": not reloaded, what is served stays as it is");
      return;
    }
    if (!image_->control_open) return;  // it will be started again, from the files as they are
    image_->exchange.emplace(static_cast<u32>(server::ControlKind::reload), std::move(*blob));
  }

  void move_control() {
    if (!image_->control_open) return;
    std::optional<ControlExchange>& exchange = image_->exchange;
    const int stream = image_->process.control().get();
    while (exchange && !exchange->poll_output().empty()) {
      const Bytes out = exchange->poll_output();
      const ssize_t sent = ::send(stream, out.data(), out.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (sent < 0) return end_of_control();
      exchange->on_sent(static_cast<size_t>(sent));
    }
    std::array<u8, 4096> memory{};
    for (;;) {
      const ssize_t got = ::recv(stream, memory.data(), memory.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return end_of_control();
      if (!exchange) return lose_control("it sends what nobody asked for");
      if (!exchange->on_input(Bytes(memory).first(static_cast<size_t>(got)))) return lose_control("its reply is none");
      if (const std::optional<u32> status = exchange->status()) {
        report(*status, exchange->last_line());
        exchange.reset();
      }
    }
  }

  void report(u32 status, const std::string& summary) const {
    const std::string what = status == 0 ? ": reloaded" : ": reloaded in part, what could not be replaced stays in service";
    complain(launch_.source + what + (summary.empty() ? "" : ": " + summary));
  }

  // An image that ends closes it a moment before.
  void end_of_control() {
    image_->control_open = false;
    image_->control_ended = Clock::now();
  }

  void lose_control(std::string_view why) {
    image_->control_open = false;
    if (image_->exchange) complain(launch_.source + ": the image did not answer the reload");
    image_->exchange.reset();
    if (stopping_) return;
    complain("the control stream to the image is lost (" + std::string(why) + "): it cannot be reloaded and is stopped");
    control_lost_ = true;
    stop_image();
  }

  // Nothing: the image is started again.
  std::optional<ExitCode> ended(const ProcessEnd& end) {
    const Running last = std::move(*image_);
    image_.reset();
    if (last.exchange && !stopping_) complain(launch_.source + ": the image did not answer the reload");
    const bool lost = std::exchange(control_lost_, false);
    const bool in_order = WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0;
    if (!WIFEXITED(end.status)) complain("the image was " + describe_end(end.status));
    const ExitCode code =
        !WIFEXITED(end.status) || (in_order && lost) ? ExitCode::our_bug : static_cast<ExitCode>(WEXITSTATUS(end.status));
    if (stopping_ || code == ExitCode::good) return code;
    was_ready_ = was_ready_ || last.was_ready;
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - last.since);
    const auto wait = back_off_.on_end(life);
    if (!launch_.crash_report.empty() && was_ready_) {
      keep_report(launch_.crash_report,
                  {launch_.image, launch_.source, last.storage, end, last.was_ready, life, back_off_.ends()});
    }
    if (!launch_.restart || !was_ready_) return code;
    if (WIFEXITED(end.status) && !lost) complain("the image " + describe_end(end.status));
    start_later(wait);
    return {};
  }

  const Launch& launch_;
  Descriptor signals_;
  Descriptor output_;
  std::optional<Running> image_;
  Clock::time_point start_at_;  // when there is none
  BackOff back_off_;
  bool was_ready_ = false;  // the image, or one before it
  bool reload_wanted_ = false;
  bool control_lost_ = false;
  bool stopping_ = false;
  bool confined_ = false;  // the supervisor itself
};

}  // namespace

bool has_nothing_to_serve(const Deployment& deployment) {
  const server::PrimaryConfig* config = deployment.primary();
  return config != nullptr && !config->storage && !config->zones.empty() &&
         std::ranges::all_of(config->zones, [](const server::ZoneSource& zone) { return zone.files.empty(); });
}

ExitCode supervise(const Launch& launch, std::optional<Deployment> first, Descriptor output) {
  // Before the image exists, so that no signal falls between.
  return Supervisor(launch, watch_signals(), std::move(output)).run(std::move(first));
}

}  // namespace samara::ops
