#include "platform/hal/linux/file_storage.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>

#include "platform/base/log.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

// What the system says is known here alone, so it is logged here; who asked says what comes of it.
StorageError told(std::string_view what, SystemError error) {
  log(Level::error, "storage: ", what, ": ", error);
  return error.number == ENOSPC || error.number == EDQUOT ? StorageError::no_space : StorageError::device;
}

StorageError cut_short() {
  log(Level::error, "storage: its file has become shorter");
  return StorageError::device;
}

bool lock(int fd) {
  for (u32 tries = 1;; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK || tries == lock_tries) return false;
    constexpr timespec pause{.tv_sec = 0, .tv_nsec = lock_try_milliseconds * 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace

Result<FileStorage, Refusal> FileStorage::adopt(int fd, FileAccess access) {
  struct stat status{};
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    return fail(Refusal(ExitCode::usage, "no storage on descriptor ", fd, " (--storage-fd 5 5<>FILE)"));
  }
  Descriptor file(fd);
  if (access == FileAccess::read_and_write && (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR) {
    return fail(Refusal(ExitCode::usage, "the storage on descriptor ", fd, " is not open for reading and writing"));
  }
  u64 size = 0;
  int block_size = static_cast<int>(min_storage_block);
  if (S_ISREG(status.st_mode)) {
    size = static_cast<u64>(status.st_size);
  } else if (!S_ISBLK(status.st_mode) || ::ioctl(fd, BLKGETSIZE64, &size) != 0 || ::ioctl(fd, BLKSSZGET, &block_size) != 0) {
    return fail(
        Refusal(ExitCode::usage, "descriptor ", fd, " is neither a file nor a block device; storage is expected there"));
  }
  if (block_size < static_cast<int>(min_storage_block) || block_size > static_cast<int>(max_storage_block)) {
    return fail(Refusal(ExitCode::unavailable, "the storage has blocks of ", block_size, " octets; at most ", max_storage_block,
                        " are supported"));
  }
  const u64 block = static_cast<u64>(block_size);
  size = size / block * block;
  if (size == 0) return fail(Refusal(ExitCode::unavailable, "the storage on descriptor ", fd, " is empty; give it a size"));
  if (!lock(fd)) {
    if (errno == EWOULDBLOCK) return fail(Refusal(ExitCode::unavailable, "the storage is in use by another image"));
    return fail(Refusal(ExitCode::unavailable, "the storage cannot be locked: ", SystemError{}));
  }
  return FileStorage(std::move(file), size, static_cast<u32>(block));
}

Result<void, StorageError> FileStorage::read(u64 offset, MutableBytes into) {
  if (!fits(*this, offset, into.size())) return fail(StorageError::out_of_range);
  while (!into.empty()) {
    const ssize_t n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(n < 0 ? told("cannot be read", SystemError{}) : cut_short());
    into = into.subspan(static_cast<size_t>(n));
    offset += static_cast<u64>(n);
  }
  return {};
}

Result<void, StorageError> FileStorage::write(u64 offset, Bytes from) {
  if (!fits(*this, offset, from.size())) return fail(StorageError::out_of_range);
  while (!from.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), from.data(), from.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(n < 0 ? told("cannot be written", SystemError{}) : cut_short());
    from = from.subspan(static_cast<size_t>(n));
    offset += static_cast<u64>(n);
  }
  return {};
}

Result<void, StorageError> FileStorage::flush() {
  while (::fdatasync(fd_.get()) != 0) {
    if (errno != EINTR) return fail(told("what was written cannot be made durable", SystemError{}));
  }
  return {};
}

}  // namespace samara::hal
