#include "platform/hal/linux/boot_blob.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace samara::hal {
namespace {

std::string text_of(const BootBlob& blob) {
  return {blob.bytes().begin(), blob.bytes().end()};
}

int memory_file(const std::string& data, int seals = 0) {
  const int fd = ::memfd_create("boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  EXPECT_EQ(::write(fd, data.data(), data.size()), static_cast<ssize_t>(data.size()));
  if (seals != 0) {
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, seals), 0);
  }
  return fd;
}

TEST(BootBlob, IsReadWholeFromAMemoryFileWhoseWriterLeftThePositionAtTheEnd) {
  const std::string data(100'000, 'c');
  const auto blob = BootBlob::read(memory_file(data));
  ASSERT_TRUE(blob.ok());
  EXPECT_EQ(text_of(blob.value()), data);
}

TEST(BootBlob, IsReadFromASealedMemoryFile) {
  const auto blob = BootBlob::read(memory_file("sealed", F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  ASSERT_TRUE(blob.ok());
  EXPECT_EQ(text_of(blob.value()), "sealed");
}

TEST(BootBlob, DoesNotChangeWhenAnUnsealedFileDoes) {
  const int fd = memory_file("before");
  const int other = ::dup(fd);
  const auto blob = BootBlob::read(fd);
  ASSERT_TRUE(blob.ok());
  EXPECT_EQ(::pwrite(other, "after!", 6, 0), 6);
  EXPECT_EQ(::ftruncate(other, 0), 0);
  EXPECT_EQ(text_of(blob.value()), "before");
  ::close(other);
}

TEST(BootBlob, IsReadFromAPipeAndASocketToTheEnd) {
  for (const bool socket : {false, true}) {
    int ends[2];
    ASSERT_EQ(socket ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : ::pipe(ends), 0);
    const std::string data(3'000'000, 'p');  // more than the first piece of memory
    std::thread writer([&] {
      size_t sent = 0;
      while (sent < data.size()) sent += static_cast<size_t>(::write(ends[1], data.data() + sent, data.size() - sent));
      ::close(ends[1]);
    });
    const auto blob = BootBlob::read(ends[0]);
    writer.join();
    ASSERT_TRUE(blob.ok());
    EXPECT_EQ(text_of(blob.value()), data);
  }
}

TEST(BootBlob, ClosesItsDescriptor) {
  const int fd = memory_file("x");
  ASSERT_TRUE(BootBlob::read(fd).ok());
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST(BootBlob, AcceptsTheLimitAndRefusesOneMore) {
  EXPECT_TRUE(BootBlob::read(memory_file("12345678"), 8).ok());
  const auto file = BootBlob::read(memory_file("123456789"), 8);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), ExitCode::bad_data);
  for (const size_t size : {size_t{8}, size_t{9}}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "123456789", size), static_cast<ssize_t>(size));
    ::close(ends[1]);
    EXPECT_EQ(BootBlob::read(ends[0], 8).ok(), size == 8);
  }
}

TEST(BootBlob, RefusesNothingAtAllAndWhatIsNoFile) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[1]);
  struct Case {
    int fd;
    ExitCode code;
  };
  for (const Case& c : {Case{memory_file(""), ExitCode::bad_data}, Case{ends[0], ExitCode::bad_data},
                        Case{::open("/dev/null", O_RDONLY), ExitCode::usage}, Case{::open("/", O_RDONLY), ExitCode::usage},
                        Case{999'999, ExitCode::usage}, Case{-1, ExitCode::usage}}) {
    const auto blob = BootBlob::read(c.fd);
    ASSERT_FALSE(blob.ok());
    EXPECT_EQ(blob.error().code(), c.code) << blob.error().text();
  }
}

}  // namespace
}  // namespace samara::hal
