#include "ops/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>

namespace samara::ops {

namespace {

FileError failure(std::string_view what, int code) {
  return {code, std::string(what) + ": " + std::generic_category().message(code)};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

FileError file_too_large(u64 most) {
  return {EFBIG, "has more than " + std::to_string(most) + " octets"};
}

Result<std::string, FileError> read_descriptor(int fd, u64 most) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail(unreadable(errno));
  if (S_ISDIR(status.st_mode)) return fail(unreadable(EISDIR));
  const bool regular = S_ISREG(status.st_mode);
  if (regular && static_cast<u64>(status.st_size) > most) return fail(file_too_large(most));
  std::string content;
  size_t used = 0;
  content.resize(regular ? static_cast<size_t>(status.st_size) + 1 : 65'536);
  for (;;) {
    if (used == content.size()) content.resize(std::min<u64>(content.size() * 2, most + 1));
    const std::span<char> room = std::span(content).subspan(used);
    const ssize_t got = ::read(fd, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(unreadable(errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > most) return fail(file_too_large(most));
  }
  content.resize(used);
  return content;
}

}  // namespace

bool FileError::is_permission() const {
  return code == EACCES || code == EPERM;
}

FileError unreadable(int code) {
  return failure("cannot be read", code);
}

Result<std::string, FileError> read_file(const std::string& path, u64 most) {
  Descriptor file;
  int fd = 0;
  if (path != "-") {
    file = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file.is_open()) return fail(unreadable(errno));
    fd = file.get();
  }
  return read_descriptor(fd, most);
}

Result<RegularFile, FileError> RegularFile::find(const std::string& path) {
  Descriptor found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (!found.is_open() || ::fstat(found.get(), &status) != 0) return fail(unreadable(errno));
  if (S_ISDIR(status.st_mode)) return fail(unreadable(EISDIR));
  if (!S_ISREG(status.st_mode)) return fail(FileError{EINVAL, "is not a regular file"});
  return RegularFile(std::move(found), {status.st_dev, status.st_ino});
}

Result<std::string, FileError> RegularFile::read(u64 most) const {
  // Some regular files of the system's own (/proc/kmsg) are waited for like pipes.
  const Descriptor file(::open(path_of_descriptor(found_).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) return fail(unreadable(errno));
  return read_descriptor(file.get(), most);
}

std::string path_of_descriptor(const Descriptor& file) {
  return "/proc/self/fd/" + std::to_string(file.get());
}

// The change time: unlike the time of modification nobody can set it back, and it moves when an older file is put in its place.
std::optional<u64> changed_at(const std::string& path) {
  struct stat status{};
  if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  time_t latest = status.st_ctim.tv_sec;
  if (::lstat(path.c_str(), &status) == 0) latest = std::max(latest, status.st_ctim.tv_sec);
  return static_cast<u64>(std::max<time_t>(latest, 0));
}

std::string end_of_links(const std::string& path) {
  std::error_code problem;
  const std::filesystem::path end = std::filesystem::canonical(path, problem);
  return problem ? path : end.string();
}

Result<void, FileError> write_file(const std::string& name, std::string_view content, unsigned mode) {
  if (name == "-") {
    if (!write_all(1, content)) return fail(failure("cannot be written", errno));
    return {};
  }
  const std::string path = end_of_links(name);
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {  // a pipe or a device cannot be replaced
    const Descriptor target(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!target.is_open() || !write_all(target.get(), content)) return fail(failure("cannot be written", errno));
    return {};
  }
  const std::string scratch = path + ".new-" + std::to_string(::getpid());
  ::unlink(scratch.c_str());  // of a process that had our number
  const Descriptor file(::open(scratch.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.is_open()) return fail(failure("cannot be written", errno));
  if (!write_all(file.get(), content) || ::rename(scratch.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(scratch.c_str());
    return fail(failure("cannot be written", code));
  }
  return {};
}

std::string path_beside(std::string_view from, std::string_view path) {
  const std::filesystem::path wanted(path);
  if (wanted.is_absolute()) return wanted.lexically_normal().string();
  return (std::filesystem::path(from).parent_path() / wanted).lexically_normal().string();
}

}  // namespace samara::ops
