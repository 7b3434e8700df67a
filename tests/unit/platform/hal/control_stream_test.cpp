#include "platform/hal/linux/control_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "platform/base/byte_order.h"

namespace samara::hal {
namespace {

std::string frame(u32 kind, const std::string& payload) {
  std::array<u8, 8> header{};
  store_be32(header, 0, kind);
  store_be32(header, 4, static_cast<u32>(payload.size()));
  return std::string(header.begin(), header.end()) + payload;
}

std::string text_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

class ControlStreamTest : public ::testing::Test {
 protected:
  static constexpr u32 limit = 100'000;
  ControlStreamTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    supervisor_ = Descriptor(ends[0]);
    stream_.emplace(std::move(ControlStream::adopt(ends[1], limit)).value());
  }
  void send(const std::string& data) {
    EXPECT_EQ(::send(supervisor_.get(), data.data(), data.size(), MSG_DONTWAIT), static_cast<ssize_t>(data.size()));
  }
  std::string receive(size_t limit_of_read = 1 << 20) {
    std::string data(limit_of_read, '\0');
    const ssize_t n = ::recv(supervisor_.get(), data.data(), data.size(), MSG_DONTWAIT);
    data.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return data;
  }
  Descriptor supervisor_;
  std::optional<ControlStream> stream_;
};

TEST_F(ControlStreamTest, YieldsARequestWhenItsLastOctetIsThere) {
  const std::string whole = frame(3, "reload");
  for (const char c : whole) {
    EXPECT_FALSE(stream_->receive().has_value());
    send(std::string(1, c));
  }
  const auto request = stream_->receive();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->kind, 3U);
  EXPECT_EQ(text_of(request->payload()), "reload");
  EXPECT_FALSE(stream_->ended());
}

TEST_F(ControlStreamTest, YieldsRequestsThatCameTogetherOneByOne) {
  send(frame(1, "") + frame(2, "two") + frame(3, "three"));
  EXPECT_EQ(text_of(stream_->receive()->payload()), "");
  EXPECT_EQ(text_of(stream_->receive()->payload()), "two");
  EXPECT_EQ(stream_->receive()->kind, 3U);
  EXPECT_FALSE(stream_->receive().has_value());
}

TEST_F(ControlStreamTest, TakesARequestOfTheLimitAndSkipsALargerOne) {
  send(frame(1, std::string(limit, 'l')));
  EXPECT_EQ(stream_->receive()->payload().size(), limit);
  send(frame(2, std::string(limit + 1, 'm')));
  EXPECT_FALSE(stream_->receive().has_value());
  send(frame(3, "next"));
  EXPECT_EQ(text_of(stream_->receive()->payload()), "next");
  const std::string refusal = receive();
  ASSERT_GT(refusal.size(), 8U);
  EXPECT_EQ(refusal.substr(0, 4), std::string("\0\0\0\x41", 4)) << "bad data";
  EXPECT_NE(refusal.find("limit"), std::string::npos);
}

TEST_F(ControlStreamTest, FramesReplies) {
  stream_->reply({.status = 0, .payload = {'o', 'k'}});
  stream_->reply({.status = 65, .payload = {}});
  EXPECT_EQ(receive(), frame(0, "ok") + frame(65, ""));
}

TEST_F(ControlStreamTest, KeepsAReplyThatDoesNotFitAndTakesNothingNewMeanwhile) {
  const size_t size = 4'000'000;
  stream_->reply({.status = 0, .payload = std::vector<u8>(size, 'r')});
  send(frame(9, "later"));
  EXPECT_FALSE(stream_->receive().has_value());
  std::string got;
  while (got.size() < size + 8) {
    got += receive();
    stream_->flush();
  }
  EXPECT_EQ(got, frame(0, std::string(size, 'r')));
  EXPECT_EQ(text_of(stream_->receive()->payload()), "later");
}

TEST_F(ControlStreamTest, SaysWhenTheSupervisorIsGone) {
  send(frame(4, "last"));
  send("half");
  supervisor_.close();
  EXPECT_EQ(stream_->receive()->kind, 4U);
  EXPECT_FALSE(stream_->ended());
  EXPECT_FALSE(stream_->receive().has_value());
  EXPECT_TRUE(stream_->ended());
}

TEST(ControlStream, RefusesADescriptorThatIsNoSocket) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  for (const int fd : {ends[0], -1, 999'999}) {
    const auto stream = ControlStream::adopt(fd, 10);
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code(), ExitCode::usage);
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace samara::hal
