#include "ops/image/image_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "ops/image/boot_file.h"

namespace samara::ops {

namespace {

constexpr int config_fd = 3;
constexpr int control_fd = 4;
constexpr int first_free_fd = 10;  // beyond the numbers we hand out

// In the child, between fork and exec. Gives errno to `report` when the program cannot be started.
[[noreturn]] void become_image(const std::string& image, int config, int control, int output, int report, pid_t parent) {
  std::array<std::string, 5> words{"samara-primary", "--config-fd", std::to_string(config_fd), "--control-fd",
                                   std::to_string(control_fd)};
  std::array<char*, 6> arguments{};
  for (size_t i = 0; i < words.size(); ++i) arguments.at(i) = words.at(i).data();
  const std::array<char*, 1> environment{nullptr};
  sigset_t none;
  ::sigemptyset(&none);
  // A Ctrl-C at the terminal is ours to pass on; the image stops when we say so, or when we are gone.
  const bool ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && ::getppid() == parent &&
                     (output < 0 || ::dup2(output, STDOUT_FILENO) >= 0) && ::dup2(config, config_fd) >= 0 &&
                     ::dup2(control, control_fd) >= 0 && ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  if (ready) ::execve(image.c_str(), arguments.data(), environment.data());
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof code);
  ::_exit(127);
}

// A duplicate that is out of the way of the numbers the image expects.
Descriptor out_of_the_way(int fd) {
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, first_free_fd));
}

}  // namespace

Result<ImageProcess, int> ImageProcess::start(const std::string& image, Bytes blob, const Descriptor& output) {
  const Descriptor boot = TRY(sealed_memory_file(blob));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno);
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno);
  const Descriptor outcome(ends[0]);
  Descriptor report(ends[1]);
  const Descriptor config_copy = out_of_the_way(boot.get());
  const Descriptor control_copy = out_of_the_way(theirs.get());
  Descriptor report_copy = out_of_the_way(report.get());
  const Descriptor output_copy = output.is_open() ? out_of_the_way(output.get()) : Descriptor();
  if (!config_copy.is_open() || !control_copy.is_open() || !report_copy.is_open()) return fail(errno);
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail(errno);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno);
  if (pid == 0) become_image(image, config_copy.get(), control_copy.get(), output_copy.get(), report_copy.get(), parent);
  report.reset();
  report_copy.reset();
  int code = 0;
  if (::read(outcome.get(), &code, sizeof code) == static_cast<ssize_t>(sizeof code)) {
    ::waitpid(pid, nullptr, 0);
    return fail(code);
  }
  return ImageProcess(pid, std::move(ours));
}

void ImageProcess::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<int> ImageProcess::poll_end() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return {};
  return status;
}

}  // namespace samara::ops
