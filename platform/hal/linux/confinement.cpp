#include "platform/hal/linux/confinement.h"

#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

bool drop_capabilities() {
  // Ambient capabilities are how a service manager lends the right to a port to an unprivileged user. Kernels before 4.3 have
  // none; nothing to drop there.
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

}  // namespace

Result<void, Refusal> reserve_descriptors(u32 count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail(Refusal(ExitCode::unavailable, "file limit: ", SystemError{}));
  if (limit.rlim_cur >= count) return {};
  rlimit wanted{.rlim_cur = count, .rlim_max = std::max<rlim_t>(limit.rlim_max, count)};
  if (::setrlimit(RLIMIT_NOFILE, &wanted) == 0) return {};
  return fail(Refusal(ExitCode::no_permission, "needs ", count, " open files and may have ", limit.rlim_max,
                      "; raise the limit (ulimit -n, LimitNOFILE=) or configure fewer TCP connections or workers"));
}

Result<void, Refusal> drop_privileges(u32 user_id, u32 group_id) {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);  // a core dump would hold keys
  // Valgrind writes its findings as the user it was started by, at the end of each process.
  const bool keep_user = RUNNING_ON_VALGRIND != 0;
  if (::geteuid() == 0 && keep_user) log(Level::warning, "instrumented by valgrind: keeps its user. Never serve like this");
  if (::geteuid() == 0 && !keep_user) {
    if (user_id == 0 || group_id == 0) {
      return fail(Refusal(ExitCode::bad_data, "refuses to run as root; configure another user and group"));
    }
    if (::setgroups(0, nullptr) != 0 || ::setresgid(group_id, group_id, group_id) != 0 ||
        ::setresuid(user_id, user_id, user_id) != 0) {
      return fail(Refusal(ExitCode::no_permission, "cannot become user ", user_id, ", group ", group_id, ": ", SystemError{}));
    }
    if (::setresuid(0, 0, 0) == 0) return fail(Refusal(ExitCode::our_bug, "root came back after it was given up"));
  }
  if (!drop_capabilities()) {
    return fail(Refusal(ExitCode::no_permission, "cannot give up capabilities: ", SystemError{}));
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail(Refusal(ExitCode::unavailable, "no_new_privs: ", SystemError{}));
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return {};
}

std::string_view instrumented_by() {
  if (RUNNING_ON_VALGRIND != 0) return "valgrind";
#ifdef SAMARA_SANITIZED
  return "a sanitizer";
#else
  return {};
#endif
}

Result<void, Refusal> install_filter(std::span<const AllowedCall> allowed) {
  if (const std::string_view tool = instrumented_by(); !tool.empty()) {
    log(Level::warning, "instrumented by ", tool, ": NO system call filter. Never serve like this");
    return {};
  }
  const auto refused = [](int error) {
    return fail(Refusal(ExitCode::unavailable, "system call filter: ", SystemError{-error},
                        "; the kernel needs CONFIG_SECCOMP_FILTER"));
  };
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return refused(-ENOMEM);
  // Calls by another architecture's numbers (32 bit, x32) are forbidden ones, too.
  int status = ::seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  for (const AllowedCall& call : allowed) {
    std::array<scmp_arg_cmp, 2> comparisons{};
    for (size_t i = 0; i < call.rule_count; ++i) {
      const ArgumentRule& rule = call.rules[i];
      comparisons[i] = {.arg = rule.argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = rule.mask, .datum_b = rule.value};
    }
    if (status == 0) {
      status = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call.number, call.rule_count, comparisons.data());
    }
  }
  if (status == 0) status = ::seccomp_load(filter);
  // The filter's memory is kept: giving it back could need a call that is forbidden by now.
  if (status != 0) return refused(status);
  return {};
}

}  // namespace samara::hal
