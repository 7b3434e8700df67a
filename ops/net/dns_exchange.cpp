#include "ops/net/dns_exchange.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "dns-core/message/header.h"
#include "ops/descriptor.h"
#include "platform/base/byte_order.h"
#include "platform/base/text_writer.h"

namespace samara::ops {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds first_interval{1000};
constexpr size_t length_size = 2;

std::string seconds_of(milliseconds patience) {
  const auto whole = patience.count() / 1000;
  const auto tenth = patience.count() % 1000 / 100;
  return std::to_string(whole) + (tenth == 0 ? "" : "." + std::to_string(tenth)) + " s";
}

Failure<NoAnswer> system_failure(int code) {
  return fail(NoAnswer{std::generic_category().message(code)});
}
Failure<NoAnswer> too_late(milliseconds patience) {
  return fail(NoAnswer{"no answer within " + seconds_of(patience)});
}

// False: `until` came first.
bool wait_for(const Descriptor& socket, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd watched{socket.get(), events, 0};
    if (::poll(&watched, 1, static_cast<int>(std::min<milliseconds::rep>(left, 60'000))) > 0) return true;
  }
}

// A socket that talks to `server` only, and does not block.
Result<Descriptor, int> connect_to(const Endpoint& server, int type, Clock::time_point until) {
  TextBuffer<64> address;
  server.address.write_text(address.writer());
  addrinfo hints{};
  hints.ai_socktype = type;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(server.port.value());
  if (::getaddrinfo(std::string(address.view()).c_str(), port.c_str(), &hints, &found) != 0) return fail(EADDRNOTAVAIL);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
  Descriptor socket(::socket(list->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return fail(errno);
  if (::connect(socket.get(), list->ai_addr, list->ai_addrlen) == 0) return socket;
  if (errno != EINPROGRESS) return fail(errno);
  if (!wait_for(socket, POLLOUT, until)) return fail(ETIMEDOUT);
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) return fail(errno);
  if (code != 0) return fail(code);
  return socket;
}

// Reads until `into` is full; 0 or errno, ETIMEDOUT when it is too late, ECONNRESET when the peer has closed.
int receive_all(const Descriptor& socket, MutableBytes into, Clock::time_point until) {
  while (!into.empty()) {
    if (!wait_for(socket, POLLIN, until)) return ETIMEDOUT;
    const ssize_t got = ::recv(socket.get(), into.data(), into.size(), 0);
    if (got == 0) return ECONNRESET;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return errno;
    into = into.subspan(static_cast<size_t>(got));
  }
  return 0;
}

int send_all(const Descriptor& socket, Bytes octets, Clock::time_point until) {
  while (!octets.empty()) {
    if (!wait_for(socket, POLLOUT, until)) return ETIMEDOUT;
    const ssize_t sent = ::send(socket.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return errno;
    octets = octets.subspan(static_cast<size_t>(sent));
  }
  return 0;
}

}  // namespace

Result<std::vector<u8>, NoAnswer> exchange_udp(const Endpoint& server, Bytes request, milliseconds patience,
                                               const IsAnswer& is_answer) {
  const Clock::time_point end = Clock::now() + patience;
  const Result<Descriptor, int> socket = connect_to(server, SOCK_DGRAM, end);
  if (!socket) return system_failure(socket.error());
  std::vector<u8> room(dns::max_message_size);
  for (milliseconds interval = first_interval; Clock::now() < end; interval *= 2) {
    // An error that an earlier datagram caused is reported by any call; the server may be up by the next attempt.
    if (::send(socket.value().get(), request.data(), request.size(), 0) < 0 && errno != ECONNREFUSED)
      return system_failure(errno);
    const Clock::time_point until = std::min(end, Clock::now() + interval);
    while (wait_for(socket.value(), POLLIN, until)) {
      const ssize_t got = ::recv(socket.value().get(), room.data(), room.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got < 0) return system_failure(errno);
      const Bytes answer = Bytes(room).first(static_cast<size_t>(got));
      if (is_answer(answer)) return std::vector<u8>(answer.begin(), answer.end());
    }
  }
  return too_late(patience);
}

Result<std::vector<u8>, NoAnswer> exchange_tcp(const Endpoint& server, Bytes request, milliseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  const Result<Descriptor, int> socket = connect_to(server, SOCK_STREAM, end);
  if (!socket) return socket.error() == ETIMEDOUT ? too_late(patience) : system_failure(socket.error());
  std::vector<u8> framed(length_size);
  store_be16(framed, 0, static_cast<u16>(request.size()));
  framed.insert(framed.end(), request.begin(), request.end());
  std::array<u8, length_size> length{};
  std::vector<u8> answer;
  int code = send_all(socket.value(), framed, end);
  if (code == 0) code = receive_all(socket.value(), length, end);
  if (code == 0) {
    answer.resize(load_be16(length, 0));
    code = receive_all(socket.value(), answer, end);
  }
  if (code == ETIMEDOUT) return too_late(patience);
  if (code != 0) return system_failure(code);
  return answer;
}

}  // namespace samara::ops
