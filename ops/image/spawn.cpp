#include "ops/image/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "ops/descriptor.h"

namespace samara::ops {

namespace {

constexpr int first_free_fd = 10;  // beyond the numbers we hand out

// In the child, between fork and exec. Gives errno to `report` when the program cannot be started.
[[noreturn]] void become(const std::vector<char*>& arguments, std::span<const GivenDescriptor> given, Environment environment,
                         int report, pid_t parent) {
  std::array<char*, 1> nothing{nullptr};
  sigset_t none;
  ::sigemptyset(&none);
  // A Ctrl-C at the terminal is ours to pass on; the child stops when we say so, or when we are gone.
  bool ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && ::getppid() == parent;
  for (const GivenDescriptor& descriptor : given) ready = ready && ::dup2(descriptor.fd, descriptor.as) >= 0;
  ready = ready && ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  if (ready) ::execvpe(arguments.front(), arguments.data(), environment == Environment::empty ? nothing.data() : environ);
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof code);
  ::_exit(127);
}

// A duplicate that is out of the way of the numbers the child expects.
Descriptor out_of_the_way(int fd) {
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, first_free_fd));
}

}  // namespace

Result<pid_t, int> spawn(const std::vector<std::string>& words, std::span<const GivenDescriptor> given,
                         Environment environment) {
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<Descriptor> duplicates;
  std::vector<GivenDescriptor> moved;
  for (const GivenDescriptor& descriptor : given) {
    duplicates.push_back(out_of_the_way(descriptor.fd));
    if (!duplicates.back().is_open()) return fail(errno);
    moved.push_back({duplicates.back().get(), descriptor.as});
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno);
  const Descriptor outcome(ends[0]);
  Descriptor report(ends[1]);
  Descriptor report_copy = out_of_the_way(report.get());
  if (!report_copy.is_open()) return fail(errno);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno);
  if (pid == 0) become(arguments, moved, environment, report_copy.get(), parent);
  report.reset();
  report_copy.reset();
  int code = 0;
  if (::read(outcome.get(), &code, sizeof code) == static_cast<ssize_t>(sizeof code)) {
    ::waitpid(pid, nullptr, 0);
    return fail(code);
  }
  return pid;
}

}  // namespace samara::ops
