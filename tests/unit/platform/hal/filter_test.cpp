// These tests make system calls that the filter forbids, and ones that it allows. Builds with a sanitizer do not have this
// file: the sanitizer's own calls would be killed, so that nothing is filtered there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include <string>

#include "image_process.h"
#include "loopback.h"
#include "platform/hal/linux/confinement.h"
#include "system_call_tables.h"

namespace samara::hal {
namespace {

// Runs `body` in a child behind a filter.
template <class F>
ChildEnd confined(std::span<const AllowedCall> allowed, F body) {
  return in_child([&] {
    if (!instrumented_by().empty()) ::_exit(98);  // valgrind: nothing would be filtered
    if (!install_filter(allowed).ok()) ::_exit(99);
    body();
    ::syscall(SYS_exit_group, 0);
  });
}

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

TEST(Filter, KillsAProcessThatMakesAForbiddenCall) {
  for (const auto& [kind, calls] : tables) {
    for (const Forbidden& forbidden : forbidden_everywhere) {
      if (kind == "client worker" && std::string_view(forbidden.name) == "connect") continue;
      const ChildEnd end = confined(calls, forbidden.call);
      EXPECT_EQ(end.signal, SIGSYS) << kind << ": " << forbidden.name << " ended with exit code " << end.exit_code;
    }
  }
}

TEST(Filter, KeepsAWorkerFromMemoryFilesAndOtherDescriptors) {
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

TEST(Filter, KeepsTheLoaderFromTheNetwork) {
  const Forbidden forbidden[] = {
      {"recvmmsg", [] { ::syscall(SYS_recvmmsg, 0, nullptr, 0, 0, nullptr); }},
      {"sendmmsg", [] { ::syscall(SYS_sendmmsg, 0, nullptr, 0, 0); }},
      {"accept4", [] { ::syscall(SYS_accept4, 0, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }},
      {"mremap to a fixed place", [] { ::syscall(SYS_mremap, 0, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 0); }},
  };
  for (const Forbidden& f : forbidden) EXPECT_EQ(confined(loader_system_calls, f.call).signal, SIGSYS) << f.name;
}

TEST(Filter, LetsALoaderWithStorageUseThatDescriptorOnly) {
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

TEST(Filter, LetsTheLoaderTakeAndGiveBackMemory) {
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

TEST(Filter, LetsAWorkerLogAndReadTheClock) {
  const ChildEnd end = confined(worker_system_calls, [] {
    timespec t{};
    if (::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) != 0) ::_exit(3);
    if (::syscall(SYS_write, STDERR_FILENO, "", 0) != 0) ::_exit(4);
    ::syscall(SYS_write, loader_wake_fd, "", 0);  // whatever the test has there
  });
  EXPECT_EQ(end.exit_code, 0) << "signal " << end.signal;
}

TEST(Filter, IsInstalledInAllProcessesOfAnImage) {
  Image image(both);
  image.ready();
  std::vector<pid_t> processes = image.workers();
  EXPECT_EQ(processes.size(), 2U);
  processes.push_back(image.process());
  for (const pid_t process : processes) EXPECT_EQ(status_of(process, "Seccomp"), "2");
}

TEST(Filter, MakesAForbiddenCallTheEndOfTheImage) {
  Image image(both);
  Client client = Client::udp(image.ready());
  EXPECT_TRUE(client.send("forbidden"));
  EXPECT_EQ(image.wait().exit_code, 70);
  const std::string errors = image.errors();
  EXPECT_NE(errors.find("a system call that the filter forbids"), std::string::npos) << errors;
  EXPECT_NE(errors.find("the image stops"), std::string::npos) << errors;
}

TEST(Filter, KeepsAWorkerThatAsksOthersFromMakingSockets) {
  Image image("asks\n127.0.0.1:0\n");
  Client client = Client::udp(image.ready());
  EXPECT_TRUE(client.send("forbidden"));
  EXPECT_EQ(image.wait().exit_code, 70);
  EXPECT_NE(image.errors().find("a system call that the filter forbids"), std::string::npos);
}

}  // namespace
}  // namespace samara::hal
