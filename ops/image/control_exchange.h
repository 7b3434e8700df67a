// ControlExchange: one request to an image and its reply, as octets. A state machine without I/O; the supervisor moves the
// octets. Frames in both directions are {kind or status: u32, length: u32, payload}, big-endian (platform/hal).
//
//   poll_output()        what is to be sent next; empty when all of it is gone
//   on_sent(count)       the first `count` octets of it are on their way
//   on_input(octets)     what came back
//   status()             of the reply, once it is whole
//   last_line()          of its text, which sums it up; the rest is what the image has logged as well
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/base/types.h"

namespace samara::ops {

constexpr size_t control_frame_header = 8;
constexpr u32 max_control_reply = u32{1} << 20;

class ControlExchange {
 public:
  ControlExchange(u32 kind, std::vector<u8> payload);

  Bytes poll_output() const { return Bytes(request_).subspan(sent_); }
  void on_sent(size_t count) { sent_ += count; }
  // False when what comes back is no reply: the stream is of no further use.
  bool on_input(Bytes octets);
  // 0: done; otherwise an exit code's number.
  std::optional<u32> status() const;
  std::string last_line() const;

 private:
  std::vector<u8> request_;
  size_t sent_ = 0;
  std::vector<u8> input_;
};

}  // namespace samara::ops
