#include "ops/image/storage_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace samara::ops {
namespace {

class StorageFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-storage-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/zones.store";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct stat status() const {
    struct stat status{};
    EXPECT_EQ(::stat(path_.c_str(), &status), 0);
    return status;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(StorageFile, ANewOneHasItsSizeAndIsItsOwnersAlone) {
  const auto file = open_storage(path_, 1 << 20);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file.value().is_open());
  EXPECT_EQ(status().st_size, 1 << 20);
  EXPECT_EQ(status().st_mode & 0777, 0600U);
  EXPECT_EQ(status().st_blocks, 0);
}

TEST_F(StorageFile, OneThatIsThereStaysAsItIs) {
  ASSERT_TRUE(write_file(path_, "what was kept").ok());
  ASSERT_TRUE(open_storage(path_, 1 << 20).ok());
  EXPECT_EQ(MUST(read_file(path_)), "what was kept");
}

TEST_F(StorageFile, AnEmptyOneIsGivenItsSize) {
  ASSERT_TRUE(write_file(path_, "").ok());
  ASSERT_TRUE(open_storage(path_, 4096).ok());
  EXPECT_EQ(status().st_size, 4096);
}

TEST_F(StorageFile, WhatIsNoFileIsRefused) {
  const auto folder = open_storage(folder_, 4096);
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().problem, "cannot be opened as storage: Is a directory");
  EXPECT_FALSE(open_storage("/dev/null", 4096).ok());
  EXPECT_FALSE(open_storage(folder_ + "/no/such/folder", 4096).ok());
}

}  // namespace
}  // namespace samara::ops
