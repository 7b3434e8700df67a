#include "platform/hal/linux/control_stream.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "platform/base/byte_order.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

Reply refusal_of(std::string_view text) {
  Reply reply{.status = static_cast<u32>(ExitCode::bad_data), .payload = {}};
  for (const char c : text) reply.payload.push_back(static_cast<u8>(c));
  return reply;
}

}  // namespace

Result<ControlStream, Refusal> ControlStream::adopt(int fd, u32 max_request) {
  struct stat status{};
  if (fd < 0 || ::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return fail(
        Refusal(ExitCode::usage, "--control-fd ", fd, ": a connected unix stream socket is expected on that descriptor"));
  }
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail(Refusal(ExitCode::unavailable, "--control-fd ", fd, ": ", SystemError{}));
  }
  return ControlStream(Descriptor(fd), max_request);
}

size_t ControlStream::read(MutableBytes into) {
  for (;;) {
    const ssize_t n = ::read(fd_.get(), into.data(), into.size());
    if (n > 0) return static_cast<size_t>(n);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || errno != EAGAIN) ended_ = true;
    return 0;
  }
}

std::optional<ControlStream::Request> ControlStream::receive() {
  flush();
  if (!output_.empty()) return std::nullopt;  // who asks must also read
  while (!ended_) {
    if (to_skip_ != 0) {
      std::array<u8, 4096> rubbish;
      const size_t n = read(MutableBytes(rubbish).first(std::min(to_skip_, rubbish.size())));
      if (n == 0) return std::nullopt;
      to_skip_ -= n;
      if (to_skip_ == 0) {
        reply(refusal_of("the request is larger than the limit"));
        if (!output_.empty()) return std::nullopt;
      }
      continue;
    }
    if (header_filled_ < header_size) {
      const size_t n = read(MutableBytes(header_).subspan(header_filled_));
      if (n == 0) return std::nullopt;
      header_filled_ += n;
      if (header_filled_ < header_size) continue;
      const u32 length = load_be32(header_, 4);
      auto memory = length == 0 || length > max_request_ ? std::optional<Mapping>() : Mapping::anonymous(length);
      payload_ = memory.has_value() ? std::move(*memory) : Mapping();
      payload_filled_ = 0;
      if (length != 0 && payload_.size() == 0) {
        to_skip_ = length;
        header_filled_ = 0;
        continue;
      }
    }
    if (payload_filled_ < payload_.size()) {
      const size_t n = read(payload_.bytes().subspan(payload_filled_));
      if (n == 0) return std::nullopt;
      payload_filled_ += n;
      if (payload_filled_ < payload_.size()) continue;
    }
    header_filled_ = 0;
    return Request{.kind = load_be32(header_), .memory = std::move(payload_)};
  }
  return std::nullopt;
}

void ControlStream::reply(const Reply& reply) {
  std::array<u8, header_size> header{};
  store_be32(header, 0, reply.status);
  store_be32(header, 4, static_cast<u32>(reply.payload.size()));
  output_.insert(output_.end(), header.begin(), header.end());
  output_.insert(output_.end(), reply.payload.begin(), reply.payload.end());
  flush();
}

void ControlStream::flush() {
  while (!ended_ && output_sent_ < output_.size()) {
    const Bytes rest = Bytes(output_).subspan(output_sent_);
    const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      ended_ = true;
      return;
    }
    output_sent_ += static_cast<size_t>(n);
  }
  output_.clear();
  output_sent_ = 0;
}

}  // namespace samara::hal
