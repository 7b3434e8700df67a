#include "ops/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>

#include "ops/descriptor.h"

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

}  // namespace

bool FileError::is_permission() const {
  return code == EACCES || code == EPERM;
}

Result<std::string, FileError> read_file(const std::string& path) {
  Descriptor file;
  int fd = 0;
  if (path != "-") {
    file = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return fail(failure("cannot be read", errno));
    fd = file.get();
  }
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail(failure("cannot be read", errno));
  if (S_ISDIR(status.st_mode)) return fail(failure("cannot be read", EISDIR));
  std::string content;
  size_t used = 0;
  content.resize(S_ISREG(status.st_mode) ? static_cast<size_t>(status.st_size) + 1 : 65'536);
  for (;;) {
    if (used == content.size()) content.resize(content.size() * 2);
    const std::span<char> room = std::span(content).subspan(used);
    const ssize_t got = ::read(fd, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(failure("cannot be read", errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > max_file_size) return fail(failure("cannot be read", EFBIG));
  }
  content.resize(used);
  return content;
}

Result<void, FileError> write_file(const std::string& path, std::string_view content, unsigned mode) {
  if (path == "-") {
    if (!write_all(1, content)) return fail(failure("cannot be written", errno));
    return {};
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {  // a pipe or a device cannot be replaced
    const Descriptor target(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!target.is_open() || !write_all(target.get(), content)) return fail(failure("cannot be written", errno));
    return {};
  }
  const std::string scratch = path + ".new-" + std::to_string(::getpid());
  const Descriptor file(::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
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
