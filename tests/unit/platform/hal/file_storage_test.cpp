// FileStorage: what flush() promises is fdatasync's to keep, so an error of it must come back.
#include "platform/hal/linux/file_storage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

namespace samara::hal {
namespace {

constexpr size_t file_size = 4096;

// From now on this system call of the process ends with `error`.
bool make_fail(unsigned call, unsigned error) {
  std::array<sock_filter, 4> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// In a child whose fdatasync ends with `error` (0: as it does), a block is written and flushed; what comes of the flush.
std::string flush_in_child(unsigned error) {
  std::string path = ::testing::TempDir() + "file_storage_XXXXXX";
  const int fd = ::mkstemp(path.data());
  EXPECT_GE(fd, 0);
  ::unlink(path.c_str());
  EXPECT_EQ(::ftruncate(fd, file_size), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto storage = FileStorage::adopt(fd);
    if (!storage.ok() || (error != 0 && !make_fail(SYS_fdatasync, error))) ::_exit(100);
    const std::vector<u8> block(file_size, 7);
    if (!storage.value().write(0, block).ok()) ::_exit(101);
    const auto flushed = storage.value().flush();
    ::_exit(flushed.ok() ? 0 : 1 + static_cast<int>(flushed.error()));
  }
  ::close(fd);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (!WIFEXITED(status)) return "killed";
  const int code = WEXITSTATUS(status);
  if (code == 0) return "flushed";
  return code < 100 ? std::string(describe(static_cast<StorageError>(code - 1))) : "cannot be tested";
}

TEST(FileStorageTest, flush_asks_the_kernel_and_hands_its_errors_on) {
  EXPECT_EQ(flush_in_child(0), "flushed");
  EXPECT_EQ(flush_in_child(EIO), describe(StorageError::device));
  EXPECT_EQ(flush_in_child(ENOSPC), describe(StorageError::no_space));
}

}  // namespace
}  // namespace samara::hal
