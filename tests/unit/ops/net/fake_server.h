// A name server of 127.0.0.1 on a free port, whose answers a test makes.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <thread>
#include <vector>

#include "ops/descriptor.h"
#include "platform/base/ip_address.h"

namespace samara::ops {

using Datagrams = std::vector<std::vector<u8>>;

class FakeServer {
 public:
  // On `port`, or a free one; is_bound() tells whether that was to be had.
  explicit FakeServer(int type, u16 port = 0) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    is_bound_ = ::bind(socket_.get(), generic, size) == 0;
    EXPECT_TRUE(is_bound_ || port != 0);
    EXPECT_EQ(::getsockname(socket_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    if (type == SOCK_STREAM) EXPECT_EQ(::listen(socket_.get(), 1), 0);
  }

  bool is_bound() const { return is_bound_; }
  Endpoint endpoint() const { return {IpAddress::v4({127, 0, 0, 1}), Port(port_)}; }

  // Takes one datagram and sends all of `answers` of it back.
  template <class Answers>
  void answer_one(Answers answers) {
    answer(1, answers);
  }
  // The same with so many.
  template <class Answers>
  void answer(size_t count, Answers answers) {
    thread_ = std::jthread([this, count, answers] {
      for (size_t i = 0; i < count; ++i) take_one(answers);
    });
  }
  // Takes one connection and its request, sends the octets of `answer` one by one (as they go over the wire, the length in
  // front), and closes it.
  template <class Answer>
  void answer_stream(Answer answer) {
    thread_ = std::jthread([this, answer] {
      pollfd watched{socket_.get(), POLLIN, 0};
      if (::poll(&watched, 1, 10'000) != 1) return;
      const Descriptor stream(::accept(socket_.get(), nullptr, nullptr));
      const int on = 1;
      ::setsockopt(stream.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      std::array<u8, 2> length{};
      if (::recv(stream.get(), length.data(), length.size(), MSG_WAITALL) != 2) return;
      std::vector<u8> asked(static_cast<size_t>(length[0] << 8 | length[1]));
      if (::recv(stream.get(), asked.data(), asked.size(), MSG_WAITALL) != static_cast<ssize_t>(asked.size())) return;
      for (const u8 octet : answer(asked)) ::send(stream.get(), &octet, 1, MSG_NOSIGNAL);
    });
  }

 private:
  template <class Answers>
  void take_one(const Answers& answers) {
    pollfd watched{socket_.get(), POLLIN, 0};
    if (::poll(&watched, 1, 10'000) != 1) return;
    std::array<u8, 1024> memory{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* generic = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(socket_.get(), memory.data(), memory.size(), 0, generic, &size);
    if (got < 0) return;
    const std::vector<u8> asked(memory.begin(), memory.begin() + got);
    for (const std::vector<u8>& answer : answers(asked)) {
      ::sendto(socket_.get(), answer.data(), answer.size(), 0, generic, size);
    }
  }

  Descriptor socket_;
  bool is_bound_ = false;
  u16 port_ = 0;
  std::jthread thread_;
};

}  // namespace samara::ops
