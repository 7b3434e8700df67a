// Mailbox: one side of the two lanes between a worker and its loader. A lane is a ring of messages with one sender and one
// receiver, in memory that two processes may share, so what stands there is not to be believed: each side keeps its own place
// for itself, reads an index or a length once, checks it, and copies a message before anybody looks at it. A lane that is
// damaged ends the process with our_bug: the other side has gone wrong.
//
//   in the ring:  u32 length (big-endian), length octets; the next message follows at once, around the end
//
// Order of calls:  look() once a turn, receive() until it yields nothing; room() and send_room(), or send(); then
//                  take_wake(), and the other side is woken if it says so. A worker takes up publications between look() and
//                  receive(): what was published before a message is then served before the message is told.
//
// Capacity: whatever the ring's memory has, at least min_ring. A sender is refused when the longest message would not fit, so
// that what is refused never depends on what is sent; it is woken when there is room again.
#pragma once

#include <atomic>
#include <optional>

#include "platform/base/types.h"
#include "platform/runtime/application.h"

namespace samara::hal {

// What both sides of a lane see of each other. Octets are counted from the start; a count modulo the ring's size is a place.
struct LaneIndices {
  alignas(64) std::atomic<u64> written{0};  // by the sender
  std::atomic<u32> sender_waits{0};         // the sender was refused; the receiver takes this back when it wakes it
  alignas(64) std::atomic<u64> read{0};     // by the receiver
};

struct Lane {
  LaneIndices* indices = nullptr;
  MutableBytes ring;
};

constexpr size_t message_header = 4;
constexpr size_t min_ring = message_header + runtime::max_message;

class Mailbox {
 public:
  // `scratch` has runtime::max_message octets; all mailboxes of a process may share it.
  Mailbox(Lane in, Lane out, MutableBytes scratch);

  // Whether something has come. receive() gives what had come by then.
  bool look();
  // The next message; lives until the next call of anything here.
  std::optional<Bytes> receive();

  // Where to write a message; empty: the other side is behind.
  MutableBytes room();
  // Sends the first `count` octets of room().
  void send_room(size_t count) { put(scratch_.first(count)); }
  // False: the other side is behind.
  bool send(Bytes message);

  // We were refused, and there is room by now. True once.
  bool take_room_again();
  // The other side should be woken: it has something to receive, or waits for the room that is there now. True once.
  bool take_wake();

 private:
  bool has_room();
  bool fits(const Lane& lane, u64 written, u64 read) const;
  void put(Bytes message);
  void copy_in(u64 at, Bytes octets);
  void copy_out(u64 at, MutableBytes octets) const;

  Lane in_;
  Lane out_;
  MutableBytes scratch_;
  u64 taken_ = 0;  // octets of `in` that we are through with
  u64 seen_ = 0;   // and how far it was filled at the last look()
  u64 put_ = 0;    // octets of `out`
  bool sent_ = false;
  bool refused_ = false;
};

}  // namespace samara::hal
