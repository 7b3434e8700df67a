#include "platform/hal/linux/file_storage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "platform/base/log.h"

namespace samara::hal {
namespace {

using Lines = std::vector<std::string>;
Lines lines;

class FileStorageRefusals : public testing::Test {
 protected:
  void SetUp() override {
    lines.clear();
    set_log_sink([](Level, std::string_view line) { lines.emplace_back(line); });
    fd_ = ::memfd_create("storage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ASSERT_EQ(::ftruncate(fd_, 8192), 0);
    auto adopted = FileStorage::adopt(fd_);
    ASSERT_TRUE(adopted.ok());
    storage_.emplace(std::move(adopted).value());
  }
  void TearDown() override { set_log_sink(nullptr); }

  int fd_ = -1;
  std::optional<FileStorage> storage_;
  std::array<u8, 4096> block_{};
};

TEST_F(FileStorageRefusals, SayWhatTheSystemSaid) {
  EXPECT_TRUE(storage_->write(0, block_).ok());
  ASSERT_EQ(::fcntl(fd_, F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_EQ(storage_->write(0, block_).error(), StorageError::device);
  EXPECT_EQ(lines, Lines{"storage: cannot be written: Operation not permitted"});
}

TEST_F(FileStorageRefusals, SayThatTheFileWasCut) {
  ASSERT_EQ(::ftruncate(fd_, 4096), 0);
  EXPECT_EQ(storage_->read(4096, block_).error(), StorageError::device);
  EXPECT_EQ(lines, Lines{"storage: its file has become shorter"});
}

}  // namespace
}  // namespace samara::hal
