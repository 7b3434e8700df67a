#include "ops/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>

namespace samara::ops {
namespace {

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string folder_;
};

TEST_F(Files, WhatIsWrittenIsRead) {
  const std::string content("zero \0 and more", 15);
  ASSERT_TRUE(write_file(path("a"), content).ok());
  EXPECT_EQ(MUST(read_file(path("a"))), content);
  ASSERT_TRUE(write_file(path("a"), "").ok());
  EXPECT_EQ(MUST(read_file(path("a"))), "");
}

TEST_F(Files, NothingElseIsLeftBehind) {
  ASSERT_TRUE(write_file(path("a"), "1").ok());
  ASSERT_TRUE(write_file(path("a"), "2").ok());
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 1U);
}

TEST_F(Files, SecretsAreForTheirOwner) {
  ASSERT_TRUE(write_file(path("a"), "secret", 0600).ok());
  struct stat status{};
  ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(Files, ErrorsSayWhy) {
  const auto missing = read_file(path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ENOENT);
  EXPECT_EQ(missing.error().problem, "cannot be read: No such file or directory");
  const auto folder = read_file(folder_);
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().code, EISDIR);
  EXPECT_FALSE(write_file(path("no/such/folder"), "").ok());
}

TEST_F(Files, AFileHasChangedWhenAnOlderOneTakesItsPlace) {
  const auto now = static_cast<u64>(::time(nullptr));
  ASSERT_TRUE(write_file(path("old"), "1").ok());
  const std::array<timespec, 2> long_ago{{{1'000, 0}, {1'000, 0}}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("old").c_str(), long_ago.data(), 0), 0);
  ASSERT_EQ(::rename(path("old").c_str(), path("new").c_str()), 0);
  const auto changed = changed_at(path("new"));
  ASSERT_TRUE(changed.has_value());
  EXPECT_GE(*changed + 1, now);
  EXPECT_EQ(changed_at(path("new")), changed) << "reading changes nothing";
  EXPECT_EQ(changed_at("-"), std::nullopt);
  EXPECT_EQ(changed_at(folder_), std::nullopt);
  EXPECT_EQ(changed_at(path("missing")), std::nullopt);
}

TEST_F(Files, PipesAreReadToTheirEnd) {
  const std::string fifo = path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    const std::string half(100'000, 'x');
    ::_exit(write_file(fifo, half + half).ok() ? 0 : 1);
  }
  const auto content = read_file(fifo);
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content.value().size(), 200'000U);
}

TEST_F(Files, MoreThanTheLimitIsRefusedWhateverTheSizeSays) {
  ASSERT_TRUE(write_file(path("a"), std::string(11, 'x')).ok());
  EXPECT_EQ(MUST(read_file(path("a"), 11)).size(), 11U);
  // A file of the system's own says 0.
  for (const std::string& name : {path("a"), std::string("/proc/self/status")}) {
    const auto content = read_file(name, 10);
    ASSERT_FALSE(content.ok()) << name;
    EXPECT_EQ(content.error().code, EFBIG) << name;
    EXPECT_EQ(content.error().problem, "has more than 10 octets");
  }
}

TEST(PathBeside, RelativePathsAreSeenFromTheFilesFolder) {
  EXPECT_EQ(path_beside("zones/primary.yaml", "a.zone"), "zones/a.zone");
  EXPECT_EQ(path_beside("primary.yaml", "a.zone"), "a.zone");
  EXPECT_EQ(path_beside("/etc/samara/primary.yaml", "../a.zone"), "/etc/a.zone");
  EXPECT_EQ(path_beside("zones/primary.yaml", "./b/./a.zone"), "zones/b/a.zone");
  EXPECT_EQ(path_beside("zones/primary.yaml", "/srv/a.zone"), "/srv/a.zone");
}

}  // namespace
}  // namespace samara::ops
