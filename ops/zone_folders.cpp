#include "ops/zone_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>

#include "ops/descriptor.h"
#include "ops/diagnostics.h"
#include "ops/image/privileges.h"

namespace samara::ops {

namespace {

constexpr size_t max_links = 40;  // on one way, as the kernel's

std::string with_slash(std::string path) {
  if (!path.ends_with('/')) path += '/';
  return path;
}

// What the system calls an open file.
Result<std::string, FileError> real_path(const Descriptor& file) {
  std::string path(max_path_octets, '\0');
  const ssize_t size = ::readlink(path_of_descriptor(file).c_str(), path.data(), path.size());
  if (size < 0) return fail(unreadable(errno));
  path.resize(static_cast<size_t>(size));
  return path;
}

// The steps of a path, in front of those that are left.
void put_steps(const std::string& path, std::deque<std::string>& steps) {
  std::vector<std::string> found;
  for (const auto& step : std::filesystem::path(path).relative_path()) {
    if (!step.empty() && step != ".") found.push_back(step.string());
  }
  steps.insert(steps.begin(), found.begin(), found.end());
}

bool is_ours(const struct stat& link) {
  return link.st_uid == 0 || link.st_uid == reading_user();
}

// The folder, reached step by step; a link counts when it is root's or ours.
Result<Descriptor, FileError> walk_to(const std::string& folder) {
  std::error_code ignored;
  const std::string absolute = std::filesystem::absolute(folder.empty() ? "." : folder, ignored).string();
  constexpr int how = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  Descriptor at(::open("/", how));
  std::deque<std::string> steps;
  put_steps(absolute, steps);
  for (size_t links = 0; !steps.empty();) {
    const std::string step = steps.front();
    steps.pop_front();
    Descriptor next(::openat(at.get(), step.c_str(), how));
    struct stat status{};
    if (!next.is_open() || ::fstat(next.get(), &status) != 0) return fail(unreadable(errno));
    if (!S_ISLNK(status.st_mode)) {
      at = std::move(next);
      continue;
    }
    if (!is_ours(status)) return fail(FileError{EACCES, "is reached by a link that belongs to another user"});
    if (++links > max_links) return fail(unreadable(ELOOP));
    std::string target(max_path_octets, '\0');
    const ssize_t size = ::readlinkat(next.get(), "", target.data(), target.size());
    if (size < 0) return fail(unreadable(errno));
    target.resize(static_cast<size_t>(size));
    if (target.starts_with('/')) at = Descriptor(::open("/", how));
    put_steps(target, steps);
  }
  struct stat status{};
  if (::fstat(at.get(), &status) != 0) return fail(unreadable(errno));
  if (!S_ISDIR(status.st_mode)) return fail(unreadable(ENOTDIR));
  return at;
}

}  // namespace

Result<void, FileError> ZoneFolders::allow(const std::string& folder) {
  const Descriptor opened = TRY(walk_to(folder));
  std::string path = with_slash(TRY(real_path(opened)));
  if (std::ranges::find(folders_, path) == folders_.end()) folders_.push_back(std::move(path));
  return {};
}

void ZoneFolders::withhold(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) withheld_.emplace_back(status.st_dev, status.st_ino);
}

ZoneFolders ZoneFolders::of_zone(const std::string& path) const {
  ZoneFolders own = *this;
  // Where the folder cannot be had, opening the file says why.
  if (own_folder_counts_) (void)own.allow(std::filesystem::path(path).parent_path().string());
  return own;
}

Result<std::string, FileError> ZoneFolders::read_zone_file(const std::string& path, u64 most) const {
  return any_zone_file_ ? read_file(path, most) : read(path, most);
}

Result<std::string, FileError> ZoneFolders::read(const std::string& path, u64 most) const {
  const RegularFile file = TRY(RegularFile::find(path));
  const std::string real = TRY(real_path(file.descriptor()));
  const bool below = std::ranges::any_of(folders_, [&](const std::string& folder) { return real.starts_with(folder); });
  if (!below) {
    std::error_code ignored;
    const bool led = std::filesystem::absolute(path, ignored).lexically_normal() != real;
    return fail(FileError{EXDEV, led ? "leads to " + in_quotes(real, longest_path) + ", which is not where zones' files may lie"
                                     : "is not where zones' files may lie"});
  }
  if (std::ranges::find(withheld_, file.identity()) != withheld_.end()) {
    return fail(FileError{EXDEV, "holds secrets of the server and is no part of a zone"});
  }
  return file.read(most);
}

std::string ZoneFolders::expectation() const {
  std::string text = "a regular file below ";
  for (size_t i = 0; i < folders_.size(); ++i) {
    if (i != 0) text += i + 1 == folders_.size() ? " or " : ", ";
    text += in_quotes(folders_[i].size() > 1 ? folders_[i].substr(0, folders_[i].size() - 1) : folders_[i], longest_path);
  }
  return text;
}

}  // namespace samara::ops
