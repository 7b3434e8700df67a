#include "platform/hal/linux/confinement.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "child_process.h"
#include "system_call_tables.h"

namespace samara::hal {
namespace {

TEST(SystemCallTables, HoldAtMostTenCallsEachWithAReason) {
  for (const auto& [kind, calls] : tables) {
    EXPECT_LE(calls.size(), kind == "client worker" ? 11U : 10U) << kind;
    std::set<int> numbers;
    for (const AllowedCall& call : calls) {
      EXPECT_FALSE(call.reason.empty()) << call.name;
      EXPECT_TRUE(numbers.insert(call.number).second) << kind << " lists " << call.name << " twice";
    }
  }
}

TEST(SystemCallTables, AreTheOnesInTheDocument) {
  std::ifstream file(SAMARA_TEST_DATA "/../../docs/linux-target.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string document = text.str();
  ASSERT_FALSE(document.empty());
  size_t rows = 0;
  for (const auto& [kind, calls] : tables) {
    for (const AllowedCall& call : calls) {
      const std::string row = "| " + kind + " | `" + std::string(call.name) + "` | " + std::string(call.reason) + " |";
      EXPECT_NE(document.find(row), std::string::npos) << "missing in docs/linux-target.md: " << row;
      ++rows;
    }
  }
  size_t listed = 0;
  for (const char* kind : {"\n| worker | `", "\n| client worker | `", "\n| loader | `", "\n| tap worker | `",
                           "\n| xdp worker | `", "\n| storage loader | `"}) {
    for (size_t at = document.find(kind); at != std::string::npos; at = document.find(kind, at + 1)) ++listed;
  }
  EXPECT_EQ(listed, rows) << "docs/linux-target.md lists a call the tables do not have";
}

TEST(Privileges, AreGoneForGood) {
  const ChildEnd end = in_child([] {
    const bool root = ::geteuid() == 0;
    if (!drop_privileges(65534, 65534).ok()) ::_exit(2);
    if (root && (::getuid() != 65534 || ::getegid() != 65534 || ::getgroups(0, nullptr) != 0)) ::_exit(3);
    if (::setresuid(0, 0, 0) == 0) ::_exit(4);
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_max != 0) ::_exit(5);
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) ::_exit(6);
    if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) ::_exit(7);
  });
  EXPECT_EQ(end.exit_code, 0);
}

// Only root can be asked to stay root, and everybody is root in a user namespace of their own.
bool become_root() {
  const uid_t user = ::geteuid();
  return user == 0 || (::unshare(CLONE_NEWUSER) == 0 &&
                       std::ofstream("/proc/self/uid_map") << "0 " << user << " 1" << std::flush && ::geteuid() == 0);
}

TEST(Privileges, AreNotDroppedToRoot) {
  const ChildEnd end = in_child([] {
    if (!become_root()) ::_exit(2);
    const auto dropped = drop_privileges(0, 65534);
    ::_exit(!dropped.ok() && dropped.error().code() == ExitCode::bad_data ? 0 : 1);
  });
  EXPECT_NE(end.exit_code, 2) << "needs root, or the right to make user namespaces";
  EXPECT_EQ(end.exit_code, 0);
}

TEST(Descriptors, BeyondTheLimitAreRefusedWithAdvice) {
  const ChildEnd end = in_child([] {
    const rlimit few{.rlim_cur = 64, .rlim_max = 64};
    ::setrlimit(RLIMIT_NOFILE, &few);
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    if (!reserve_descriptors(64).ok()) ::_exit(3);
    const auto more = reserve_descriptors(65);
    ::_exit(!more.ok() && more.error().code() == ExitCode::no_permission ? 0 : 4);
  });
  EXPECT_EQ(end.exit_code, 0);
}

}  // namespace
}  // namespace samara::hal
