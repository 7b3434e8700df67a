#include "platform/hal/linux/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "child_process.h"

namespace samara::hal {
namespace {

using Tables = std::vector<std::pair<std::string, std::span<const AllowedCall>>>;
const Tables tables{{"worker", worker_system_calls},  {"client worker", client_system_calls},
                    {"loader", loader_system_calls},  {"tap worker", tap_system_calls},
                    {"xdp worker", xdp_system_calls}, {"storage loader", storage_system_calls}};

// Runs `body` in a child that is confined first.
template <class F>
ChildEnd confined(std::span<const AllowedCall> allowed, F body) {
  return in_child([&] {
    if (!install_filter(allowed).ok()) ::_exit(99);
    body();
    ::syscall(SYS_exit_group, 0);
  });
}

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

class Filter : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!instrumented_by().empty()) GTEST_SKIP() << "no filter under " << instrumented_by();
  }
};

struct Forbidden {
  const char* name;
  void (*call)();
};

const Forbidden forbidden_everywhere[] = {
    {"open", [] { ::syscall(SYS_open, "/etc/passwd", O_RDONLY); }},
    {"openat", [] { ::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"socket", [] { ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"connect", [] { ::syscall(SYS_connect, 0, nullptr, 0); }},
    {"bind", [] { ::syscall(SYS_bind, 0, nullptr, 0); }},
    {"execve", [] { ::syscall(SYS_execve, "/bin/true", nullptr, nullptr); }},
    {"fork", [] { ::syscall(SYS_fork); }},
    {"clone", [] { ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
    {"ptrace", [] { ::syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"mprotect", [] { ::syscall(SYS_mprotect, 0, 4096, PROT_READ | PROT_EXEC); }},
    {"mmap executable", [] { ::syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
    {"mmap of a file", [] { ::syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 0, 0); }},
    {"madvise otherwise", [] { ::syscall(SYS_madvise, 0, 4096, MADV_DONTNEED); }},
    {"kill", [] { ::syscall(SYS_kill, 1, 0); }},
    {"prctl", [] { ::syscall(SYS_prctl, 0, 0, 0, 0, 0); }},
    {"seccomp", [] { ::syscall(SYS_seccomp, 0, 0, nullptr); }},
    {"a number of the x32 kind", [] { ::syscall(0x40000000 + SYS_write, 2, "", 0); }},
};

TEST_F(Filter, KillsAProcessThatMakesAForbiddenCall) {
  for (const auto& [kind, calls] : tables) {
    for (const Forbidden& forbidden : forbidden_everywhere) {
      if (kind == "client worker" && std::string_view(forbidden.name) == "connect") continue;
      const ChildEnd end = confined(calls, forbidden.call);
      EXPECT_EQ(end.signal, SIGSYS) << kind << ": " << forbidden.name << " ended with exit code " << end.exit_code;
    }
  }
}

TEST_F(Filter, KeepsAWorkerFromMemoryFilesAndOtherDescriptors) {
  const Forbidden forbidden[] = {
      {"mmap", [] { ::syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
      {"brk", [] { ::syscall(SYS_brk, 0); }},
      {"read", [] { ::syscall(SYS_read, 0, nullptr, 0); }},
      {"write to standard output", [] { ::syscall(SYS_write, STDOUT_FILENO, "", 0); }},
      {"accept4 without its flags", [] { ::syscall(SYS_accept4, 0, nullptr, nullptr, 0); }},
      {"write to any other descriptor", [] { ::syscall(SYS_write, loader_wake_fd + 1, "", 0); }},
      {"shutdown of both directions", [] { ::syscall(SYS_shutdown, 0, SHUT_RDWR); }},
  };
  for (const Forbidden& f : forbidden) EXPECT_EQ(confined(worker_system_calls, f.call).signal, SIGSYS) << f.name;
  for (const Forbidden& f : forbidden) EXPECT_EQ(confined(client_system_calls, f.call).signal, SIGSYS) << f.name;
}

TEST_F(Filter, KeepsTheLoaderFromTheNetwork) {
  const Forbidden forbidden[] = {
      {"recvmmsg", [] { ::syscall(SYS_recvmmsg, 0, nullptr, 0, 0, nullptr); }},
      {"sendmmsg", [] { ::syscall(SYS_sendmmsg, 0, nullptr, 0, 0); }},
      {"accept4", [] { ::syscall(SYS_accept4, 0, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }},
      {"mremap to a fixed place", [] { ::syscall(SYS_mremap, 0, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 0); }},
  };
  for (const Forbidden& f : forbidden) EXPECT_EQ(confined(loader_system_calls, f.call).signal, SIGSYS) << f.name;
}

TEST_F(Filter, LetsALoaderWithStorageUseThatDescriptorOnly) {
  const int storage = ::memfd_create("storage", 0);
  const int other = ::memfd_create("other", 0);
  ASSERT_EQ(::ftruncate(storage, 4096), 0);
  const auto calls = loader_system_calls_with(storage);
  ASSERT_EQ(calls.size(), loader_system_calls.size() + storage_system_calls.size());
  static int descriptor;
  descriptor = storage;
  const auto use = [] {
    char octet = 1;
    if (::syscall(SYS_pwrite64, descriptor, &octet, 1, 5) != 1) ::_exit(3);
    if (::syscall(SYS_fdatasync, descriptor) != 0) ::_exit(4);
    if (::syscall(SYS_pread64, descriptor, &octet, 1, 5) != 1) ::_exit(5);
  };
  EXPECT_EQ(confined(calls, use).exit_code, 0);
  EXPECT_EQ(confined(loader_system_calls, use).signal, SIGSYS);
  descriptor = other;
  const Forbidden forbidden[] = {
      {"pwrite64", [] { ::syscall(SYS_pwrite64, descriptor, "", 0, 0); }},
      {"pread64", [] { ::syscall(SYS_pread64, descriptor, nullptr, 0, 0); }},
      {"fdatasync", [] { ::syscall(SYS_fdatasync, descriptor); }},
  };
  for (const Forbidden& f : forbidden) EXPECT_EQ(confined(calls, f.call).signal, SIGSYS) << f.name;
  for (const Forbidden& f : forbidden_everywhere) EXPECT_EQ(confined(calls, f.call).signal, SIGSYS) << f.name;
  ::close(storage);
  ::close(other);
}

TEST_F(Filter, LetsTheLoaderTakeAndGiveBackMemory) {
  const ChildEnd end = confined(loader_system_calls, [] {
    void* at = reinterpret_cast<void*>(
        ::syscall(SYS_mmap, 0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    *static_cast<volatile char*>(at) = 1;
    if (::syscall(SYS_madvise, at, 4096, MADV_REMOVE) != 0) ::_exit(3);
    if (*static_cast<volatile char*>(at) != 0) ::_exit(4);
    if (::syscall(SYS_munmap, at, 8192) != 0) ::_exit(5);
  });
  EXPECT_EQ(end.exit_code, 0) << "signal " << end.signal;
}

TEST_F(Filter, LetsAWorkerLogAndReadTheClock) {
  const ChildEnd end = confined(worker_system_calls, [] {
    timespec t{};
    if (::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) != 0) ::_exit(3);
    if (::syscall(SYS_write, STDERR_FILENO, "", 0) != 0) ::_exit(4);
    ::syscall(SYS_write, loader_wake_fd, "", 0);  // whatever the test has there
  });
  EXPECT_EQ(end.exit_code, 0) << "signal " << end.signal;
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

TEST(Privileges, AreNotDroppedToRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be asked to stay root";
  const ChildEnd end = in_child([] {
    const auto dropped = drop_privileges(0, 65534);
    ::_exit(!dropped.ok() && dropped.error().code() == ExitCode::bad_data ? 0 : 1);
  });
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
