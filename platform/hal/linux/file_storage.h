// FileStorage: a file, or a block device, as a Storage. Whoever starts the image opens it; the image never knows its name.
#pragma once

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/descriptor.h"

namespace samara::hal {

enum class FileAccess : u8 { read, read_and_write };

// How long the lock is waited for: an image whose supervisor was killed ends within a turn of its loop.
constexpr u32 lock_tries = 20;
constexpr u32 lock_try_milliseconds = 50;

class FileStorage final : public Storage {
 public:
  // Takes the descriptor over and locks what it leads to (flock), so that no two images use it; where another still has it,
  // after waiting for a second. The size is the file's. One that is only read may be open for that alone.
  static Result<FileStorage, Refusal> adopt(int fd, FileAccess access = FileAccess::read_and_write);

  FileStorage(FileStorage&&) = default;
  FileStorage& operator=(FileStorage&&) = default;
  ~FileStorage() = default;

  int descriptor() const { return fd_.get(); }
  u64 size() const override { return size_; }
  u32 block_size() const override { return block_size_; }
  Result<void, StorageError> read(u64 offset, MutableBytes into) override;
  Result<void, StorageError> write(u64 offset, Bytes from) override;
  Result<void, StorageError> flush() override;

 private:
  FileStorage(Descriptor fd, u64 size, u32 block_size) : fd_(std::move(fd)), size_(size), block_size_(block_size) {}
  Descriptor fd_;
  u64 size_;
  u32 block_size_;
};

}  // namespace samara::hal
