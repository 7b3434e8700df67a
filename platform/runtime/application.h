// Application: the contract between a role (an authoritative server, a resolver) and the loop that runs it. The loop owns the
// sockets or the frames and the clock; the application owns what they mean and does no I/O. A loop over kernel sockets and a
// loop over the in-tree stack drive the same application. One loop, one application, one thread; nothing here is re-entered.
//
// The order of one turn:
//
//   on_turn(now, wall)                         once, first: the only place where time is given for the whole turn
//   on_datagram(now, datagram)                 for each datagram that came in; the answer is complete when it returns
//   on_stream_open / _input / _output_sent / _end / _closed      what happened on streams, in the order it happened on each
//   on_deadline(now)                           when now >= next_deadline(), after the turn's input
//   poll_stream_abort()                        until it yields nothing
//   next_deadline()                            how long the loop may sleep
//
// `now` never goes back. Nothing of what is passed in (spans, endpoints) may be kept after the call returns.
//
// Getters (the loop may ask at any time, any number of times; they change nothing)
//   Instant next_deadline() const              the next moment on_deadline is wanted; Instant::never() when there is none
//   MutableBytes stream_input_space(id)        where the next input of the stream goes. Empty: do not read now, which closes
//                                              the peer's window in the end (back pressure). Valid until the next on_* call
//                                              for this stream. The loop asks again after each on_* call for the stream
//   Bytes stream_output(id)                    what is to be sent next. Empty: nothing now. Valid until the next on_* call
//                                              for this stream. May be generated on demand (a transfer), piece by piece
//   bool stream_finished(id)                   true: close the stream in an orderly way once stream_output(id) is empty; no
//                                              input is delivered any more
//
// Inputs
//   size_t on_datagram(now, datagram)          the number of octets written to datagram.reply; 0 sends nothing
//   bool on_stream_open(now, id, peer, local)  false: refuse the stream. It is closed and nothing else is said about the id.
//                                              Kernel sockets that listen on all addresses tell those as `local` (0.0.0.0)
//   void on_stream_input(now, id, count)       the first `count` octets of the last stream_input_space(id) are filled; >= 1
//   void on_stream_output_sent(now, id, count) the first `count` octets of the last stream_output(id) are on their way; >= 1
//   void on_stream_end(now, id)                the peer sends nothing more (FIN). Output still goes out; the application says
//                                              stream_finished when it has no more
//   void on_stream_closed(now, id)             the stream is gone, whatever the reason: finished, aborted, reset by the peer.
//                                              Comes exactly once for each stream that was opened, and last; the id may be
//                                              opened again from now on
//   void on_deadline(now)                      may make output appear on any stream; the loop asks each open stream after it
//
// Outputs
//   std::optional<StreamId> poll_stream_abort()   a stream to drop without ceremony (idle too long, too slow, over a limit);
//                                              output that is left is thrown away
//
// Apart from on_deadline, output appears on a stream only through on_stream_* calls for that stream.
#pragma once

#include <concepts>
#include <optional>

#include "platform/base/ip_address.h"
#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::runtime {

// One datagram and the room for its answer. The payload (at most 65,535 octets, possibly none) and the reply never alias.
// `reply` has at least `min_reply_room` and at most `max_reply_room` octets, with unspecified contents.
struct Datagram {
  const Endpoint& peer;
  const Endpoint& local;  // the address that was asked, even where the socket listens on all
  Bytes payload;
  MutableBytes reply;
};
constexpr size_t min_reply_room = 3968;    // what a memory page holds beside a frame's headers
constexpr size_t max_reply_room = 65'507;  // what an IPv4 datagram can carry

// The place of a stream in the application's table: below the number of streams agreed on at start.
using StreamId = u32;

template <class A>
concept Application = requires(A& app, const A& fixed, Instant now, UnixTime wall, const Datagram& datagram, StreamId id,
                               const Endpoint& endpoint, size_t count) {
  { app.on_turn(now, wall) } -> std::same_as<void>;
  { app.on_datagram(now, datagram) } -> std::same_as<size_t>;
  { app.on_stream_open(now, id, endpoint, endpoint) } -> std::same_as<bool>;
  { app.stream_input_space(id) } -> std::same_as<MutableBytes>;
  { app.on_stream_input(now, id, count) } -> std::same_as<void>;
  { app.stream_output(id) } -> std::same_as<Bytes>;
  { app.on_stream_output_sent(now, id, count) } -> std::same_as<void>;
  { app.stream_finished(id) } -> std::same_as<bool>;
  { app.on_stream_end(now, id) } -> std::same_as<void>;
  { app.on_stream_closed(now, id) } -> std::same_as<void>;
  { app.poll_stream_abort() } -> std::same_as<std::optional<StreamId>>;
  { fixed.next_deadline() } -> std::same_as<Instant>;
  { app.on_deadline(now) } -> std::same_as<void>;
};

}  // namespace samara::runtime
