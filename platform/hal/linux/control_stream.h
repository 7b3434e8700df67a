// ControlStream: the loader's end of a unix stream socket over which the supervisor asks for things (a new configuration, a
// report). Integers are big-endian.
//
//   request   u32 kind    u32 length   length octets      kinds belong to the role
//   reply     u32 status  u32 length   length octets      status 0: done; otherwise an exit code, and the octets say why
//
// One request is worked on at a time; replies come in the order of requests. A request over the limit is skipped and answered
// with 65 (bad data). The socket is non-blocking and watched edge-triggered: receive() and flush() until they yield nothing.
#pragma once

#include <optional>
#include <vector>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/mapping.h"

namespace samara::hal {

class ControlStream {
 public:
  struct Request {
    u32 kind;
    Mapping memory;
    Bytes payload() const { return memory.bytes(); }
  };

  // A stream socket, made non-blocking here; anything else is refused.
  static Result<ControlStream, Refusal> adopt(int fd, u32 max_request);

  int fd() const { return fd_.get(); }
  // The supervisor is gone, or what it sends makes no sense any more.
  bool ended() const { return ended_; }

  // The next whole request, once it is there.
  std::optional<Request> receive();
  // Sends a reply, or keeps what does not fit now for flush().
  void reply(const Reply& reply);
  void flush();

 private:
  static constexpr size_t header_size = 8;

  ControlStream(Descriptor fd, u32 max_request) : fd_(std::move(fd)), max_request_(max_request) {}
  // Octets read into `into`; 0 when there are none now or ever.
  size_t read(MutableBytes into);

  Descriptor fd_;
  u32 max_request_;
  bool ended_ = false;
  std::array<u8, header_size> header_{};
  size_t header_filled_ = 0;
  Mapping payload_;
  size_t payload_filled_ = 0;
  size_t to_skip_ = 0;  // of a request over the limit
  std::vector<u8> output_;
  size_t output_sent_ = 0;
};

}  // namespace samara::hal
