// run_in_background: a child becomes the supervisor in a session of its own; this process reads the image's standard
// output until every endpoint is ready.
#include <fcntl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "ops/files.h"
#include "ops/image/pid_file.h"
#include "ops/image/supervisor.h"

namespace samara::ops {

namespace {

[[noreturn]] void become_supervisor(const Supervise& supervise, const PidFile& pid_file, const Descriptor& log,
                                    Descriptor output) {
  ::setsid();
  const Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(nothing.get(), STDIN_FILENO);
  ::dup2(nothing.get(), STDOUT_FILENO);
  ::dup2(log.get(), STDERR_FILENO);
  const ExitCode code = supervise(std::move(output));
  pid_file.remove(::getpid());
  ::_exit(static_cast<int>(code));
}

// Passes lines on until `wanted` of them say that an endpoint is ready; false when the stream ended before.
bool pass_on_until_ready(const Descriptor& from, size_t wanted) {
  std::string pending;
  size_t ready = 0;
  while (ready < wanted) {
    std::array<char, 4096> memory{};
    const ssize_t got = ::read(from.get(), memory.data(), memory.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    pending.append(memory.data(), static_cast<size_t>(got));
    for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      const std::string line = pending.substr(0, end + 1);
      pending.erase(0, end + 1);
      std::fwrite(line.data(), 1, line.size(), stdout);
      if (line.starts_with("ready ")) ++ready;
    }
    std::fflush(stdout);
  }
  return true;
}

// What the supervisor had to say, shown by the one who asked for it.
void show_log(const std::string& path, size_t from) {
  const Result<std::string, FileError> log = read_file(path);
  if (log && log.value().size() > from) std::fwrite(&log.value().at(from), 1, log.value().size() - from, stderr);
}

}  // namespace

ExitCode run_in_background(const Background& background, size_t endpoints, const Supervise& supervise) {
  std::error_code unknown;
  if (std::filesystem::equivalent(background.log_file, background.manifest, unknown)) {
    complain(background.log_file + ": the manifest is no place for the log (expected --log-file FILE)");
    return ExitCode::usage;
  }
  // Before anything else: another server's traces are not ours to touch.
  const auto pid_file = PidFile::claim(background.pid_file);
  if (!pid_file) {
    complain(background.pid_file + ": " + pid_file.error().problem + " (expected --pid-file FILE)");
    return pid_file.error().code;
  }
  const Descriptor log(::open(background.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log.is_open()) {
    complain(background.log_file + ": cannot be written: " + std::generic_category().message(errno) +
             " (expected --log-file FILE)");
    pid_file.value().remove(::getpid());
    return ExitCode::no_permission;
  }
  const off_t log_start = ::lseek(log.get(), 0, SEEK_END);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ExitCode::unavailable;
  const Descriptor lines(ends[0]);
  Descriptor output(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return ExitCode::unavailable;
  if (pid == 0) become_supervisor(supervise, pid_file.value(), log, std::move(output));
  output.reset();

  if (!pass_on_until_ready(lines, endpoints)) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    pid_file.value().remove(pid);  // where it was killed and could not
    show_log(background.log_file, static_cast<size_t>(log_start));
    return WIFEXITED(status) ? static_cast<ExitCode>(WEXITSTATUS(status)) : ExitCode::our_bug;
  }
  if (!pid_file.value().write(pid)) {
    complain(background.pid_file + ": cannot be written: " + std::generic_category().message(errno) +
             " (expected --pid-file FILE)");
    ::kill(pid, SIGTERM);
    ::waitpid(pid, nullptr, 0);
    return ExitCode::unavailable;
  }
  std::printf("pid %d\n", pid);
  return ExitCode::good;
}

}  // namespace samara::ops
