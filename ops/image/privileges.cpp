#include "ops/image/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "platform/base/types.h"

namespace samara::ops {

namespace {

using CapabilitySet = u64;

// A set of capabilities that the kernel's headers of the build may not know all of: CAP_BPF came with Linux 5.8.
constexpr CapabilitySet capabilities(auto... numbers) {
  return ((CapabilitySet{1} << numbers) | ...);
}

constexpr int cap_bpf = 39;

// To find what a person named, wherever it lies and whoever owns it.
constexpr CapabilitySet for_reading = capabilities(CAP_DAC_READ_SEARCH);
// To start an image: its port, the sizes of its socket buffers, the number of its descriptors, its user. To stop it: that
// user's process. To write a log, a report and a pid file where a person said, in a folder that may be another user's.
constexpr CapabilitySet for_image = capabilities(CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_SYS_RESOURCE, CAP_SETUID, CAP_SETGID,
                                                 CAP_KILL, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH);
// To give a storage that grows its owner and mode again.
constexpr CapabilitySet for_storage = capabilities(CAP_CHOWN, CAP_FOWNER);
// To open an interface in the image's stead (docs/linux-target.md); memory is locked for rings on kernels before 5.11.
constexpr CapabilitySet for_link = capabilities(CAP_NET_RAW, cap_bpf, CAP_SYS_ADMIN, CAP_IPC_LOCK);

// The user nobody of every Linux system, and its group: the kernel's own number for who has none.
constexpr uid_t nobody = 65'534;

constexpr int most_descriptors = 1024;  // more than a supervisor ever has

std::optional<uid_t>& started_as() {
  static std::optional<uid_t> user;
  return user;
}

Failure<PrivilegeError> privilege_error(std::string_view step) {
  return fail(PrivilegeError{step, errno});
}

// Of the bounding set: what is not in it no program that is started from here has, either. Without the right to narrow it, it
// stays: no_new_privs holds then.
void narrow_bounding_set(CapabilitySet kept) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if ((kept >> capability & 1) == 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return;
  }
}

bool keep_capabilities(CapabilitySet kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (size_t i = 0; i < sets.size(); ++i) {
    const auto mask = static_cast<u32>(kept >> (32 * i));
    sets.at(i).permitted &= mask;
    sets.at(i).effective = sets.at(i).permitted;
    sets.at(i).inheritable &= mask;
  }
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

bool gain_nothing_more() {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

// Descriptors that this program opened are closed when a program is started, and are for none but the supervisor; those that it
// was given may be what a path on the command line names (/dev/fd/63).
void close_own_descriptors(int kept) {
  for (int fd = STDERR_FILENO + 1; fd < most_descriptors; ++fd) {
    if (fd != kept && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == FD_CLOEXEC && ::fcntl(fd, F_GETFD) >= 0) ::close(fd);
  }
}

}  // namespace

Result<void, PrivilegeError> keep_for_supervising(const server::ServiceConfig& config) {
  CapabilitySet kept = for_image;
  if (config.storage) kept |= for_storage;
  if (config.network && config.network->mode != runtime::NetworkMode::sockets) kept |= for_link;
  narrow_bounding_set(kept);
  if (!keep_capabilities(kept)) return privilege_error("capabilities");
  if (!gain_nothing_more()) return privilege_error("no_new_privs");
  return {};
}

Result<void, PrivilegeError> keep_for_reading(int kept) {
  started_as() = ::geteuid();
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);  // it would hold keys
  close_own_descriptors(kept);
  narrow_bounding_set(for_reading);
  if (::geteuid() == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0) return privilege_error("groups");
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setresuid(nobody, nobody, nobody) != 0) return privilege_error("user");
    ::setrlimit(RLIMIT_NPROC, &none);
  }
  if (!keep_capabilities(for_reading)) return privilege_error("capabilities");
  if (!gain_nothing_more()) return privilege_error("no_new_privs");
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return {};
}

uid_t reading_user() {
  return started_as().value_or(::geteuid());
}

}  // namespace samara::ops
