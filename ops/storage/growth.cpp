#include "ops/storage/growth.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "ops/descriptor.h"
#include "ops/diagnostics.h"
#include "ops/files.h"
#include "ops/storage/open_store.h"

namespace samara::ops {

namespace {

bool become_owner(u32 user, u32 group) {
  if (::geteuid() != 0) return true;
  return ::setgroups(0, nullptr) == 0 && ::setresgid(group, group, group) == 0 && ::setresuid(user, user, user) == 0;
}

// Says what is wrong. Both descriptors were opened by whoever had the right to.
bool copy_zones(const Descriptor& from, const Descriptor& to, const std::string& path) {
  Diagnostics found;
  std::optional<OpenStore> source = OpenStore::to_write(from, path, found);
  std::optional<OpenStore> target = source ? OpenStore::to_write(to, path, found) : std::nullopt;
  const bool good = target && copy_store(*source, *target, path, found);
  found.print();
  return good;
}

bool copy_in_child(const Descriptor& from, const Descriptor& to, const std::string& path, u32 user, u32 group) {
  const pid_t pid = ::fork();
  if (pid < 0) return false;
  if (pid == 0) ::_exit(become_owner(user, group) && copy_zones(from, to, path) ? 0 : 1);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

void grow_storage(const std::string& name, u64 size, u32 user, u32 group) {
  const std::string path = end_of_links(name);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const auto present = static_cast<u64>(status.st_size);
  if (present == 0 || present >= size) return;
  const auto stays = [&](const std::string& why) {
    complain("storage " + in_quotes(path, longest_path) + ": stays at " + std::to_string(present) + " octets instead of " +
             std::to_string(size) + ": " + why);
  };
  const std::string scratch = path + ".grown";
  const Descriptor from(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  const Descriptor to(::open(scratch.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, owner_only));
  const bool ready = from.is_open() && to.is_open() && ::fchown(to.get(), status.st_uid, status.st_gid) == 0 &&
                     ::fchmod(to.get(), status.st_mode & 0777U) == 0 && ::ftruncate(to.get(), static_cast<off_t>(size)) == 0;
  if (!ready) {
    stays(scratch + " cannot be made: " + std::generic_category().message(errno));
  } else if (!copy_in_child(from, to, path, user, group)) {
    stays("what it has could not be copied");
  } else if (::fsync(to.get()) != 0 || ::rename(scratch.c_str(), path.c_str()) != 0) {
    stays(std::generic_category().message(errno));
  } else {
    complain("storage " + in_quotes(path, longest_path) + ": grown from " + std::to_string(present) + " to " +
             std::to_string(size) + " octets");
    return;
  }
  if (to.is_open()) ::unlink(scratch.c_str());
}

}  // namespace samara::ops
