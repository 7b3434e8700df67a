// ReplyQueue: segments that belong to no connection (RST, SYN cookies, answers out of TIME-WAIT), on their way out. It is
// bounded; when it is full, the newest is not sent: the peer asks again.
#pragma once

#include <optional>
#include <vector>

#include "platform/net/tcp/flow.h"
#include "platform/net/tcp/segment.h"

namespace samara::net::tcp {

struct Reply {
  Flow flow;
  SegmentHeader header;  // without the ports, which are the flow's
  u8 hop_limit = 64;
  u8 traffic_class = 0;
};

class ReplyQueue {
 public:
  // As many as one turn's burst of frames can cause, and some.
  static constexpr size_t capacity = 256;

  ReplyQueue() : replies_(capacity) {}

  bool push(const Reply& reply) {
    if (size_ == capacity) return false;
    replies_[(first_ + size_++) % capacity] = reply;
    return true;
  }
  std::optional<Reply> pop() {
    if (size_ == 0) return std::nullopt;
    const size_t at = first_;
    first_ = (first_ + 1) % capacity;
    --size_;
    return replies_[at];
  }

 private:
  std::vector<Reply> replies_;
  size_t first_ = 0;
  size_t size_ = 0;
};

// The RST that answers a segment for which there is no connection (RFC 9293 section 3.10.7.1). Nothing answers a RST.
inline std::optional<SegmentHeader> reset_for(const Segment& segment) {
  if (segment.has(flag::rst)) return std::nullopt;
  SegmentHeader reset;
  if (segment.has(flag::ack)) {
    reset.seq = segment.header.ack;
    reset.flags = flag::rst;
  } else {
    reset.ack = segment.header.seq + segment.length();
    reset.flags = flag::rst | flag::ack;
  }
  return reset;
}

}  // namespace samara::net::tcp
