#include "ops/image/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace samara::ops {

namespace {

constexpr mode_t readable_by_all = 0644;
constexpr size_t longest_content = 32;

Failure<PidFileError> refused(int code) {
  const bool permission = code == EACCES || code == EPERM || code == EROFS;
  return fail(PidFileError{permission ? ExitCode::no_permission : ExitCode::unavailable,
                           "cannot be written: " + std::generic_category().message(code)});
}

}  // namespace

Result<PidFile, PidFileError> PidFile::claim(const std::string& path) {
  for (;;) {
    constexpr int how = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    PidFile claimed(path, Descriptor(::open(path.c_str(), how, readable_by_all)));
    struct stat status{};
    if (!claimed.file_.is_open() || ::fstat(claimed.file_.get(), &status) != 0) return refused(errno);
    if (!S_ISREG(status.st_mode)) return fail(PidFileError{ExitCode::unavailable, "is not a regular file"});
    if (::flock(claimed.file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return refused(errno);
      const std::string pid = claimed.content();
      return fail(
          PidFileError{ExitCode::unavailable, pid.empty() ? "another start is under way" : "already running as pid " + pid});
    }
    if (!claimed.is_in_place()) continue;  // it was removed before we had the lock
    if (!claimed.has_only_a_pid()) {
      return fail(PidFileError{ExitCode::usage, "is no pid file: there is something else in it, which stays"});
    }
    return claimed;
  }
}

bool PidFile::is_in_place() const {
  struct stat ours{};
  struct stat there{};
  return ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

std::string PidFile::content() const {
  std::array<char, longest_content> memory{};
  const ssize_t size = ::pread(file_.get(), memory.data(), memory.size(), 0);
  const std::string text(memory.data(), size < 0 ? 0 : static_cast<size_t>(size));
  return text.substr(0, text.find_first_not_of("0123456789"));
}

bool PidFile::has_only_a_pid() const {
  std::array<char, longest_content> memory{};
  const ssize_t size = ::pread(file_.get(), memory.data(), memory.size(), 0);
  if (size < 0 || size == static_cast<ssize_t>(memory.size())) return false;
  const std::string_view text(memory.data(), static_cast<size_t>(size));
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1).find_first_not_of("0123456789") == std::string_view::npos;
}

bool PidFile::write(pid_t pid) const {
  const std::string line = std::to_string(pid) + "\n";
  return ::ftruncate(file_.get(), 0) == 0 &&
         ::pwrite(file_.get(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
}

void PidFile::remove(pid_t pid) const {
  const std::string said = content();
  if (is_in_place() && (said.empty() || said == std::to_string(pid))) ::unlink(path_.c_str());
}

}  // namespace samara::ops
