// A name server of 127.0.0.1 on a free port, whose answers a test makes.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
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
  explicit FakeServer(int type) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), generic, size), 0);
    EXPECT_EQ(::getsockname(socket_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    if (type == SOCK_STREAM) EXPECT_EQ(::listen(socket_.get(), 1), 0);
  }

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
  u16 port_ = 0;
  std::jthread thread_;
};

}  // namespace samara::ops
