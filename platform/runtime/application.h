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
// and of an application that also speaks first (ClientApplication), where its image asked for that:
//
//   on_message(now, message)                   behind on_turn: what its loader sends it
//   on_client_datagram(now, peer, payload)     among the turn's input; so are on_stream_connected and the rest of such streams
//   poll_connect(), poll_datagram(), poll_message()   in this order behind poll_stream_abort(), each until it yields nothing or
//                                              the turn's share is used up; the rest is asked for in the next turn, at once
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
//   std::optional<StreamId> stream_in_the_way(now, peer, full)   `peer` has connected: which stream of a client must end
//   without
//                                              ceremony so that it gets in, because all are in use (`full`) or because of a
//                                              limit of the application. Nothing: none; where all are in use `peer` is refused.
//                                              on_stream_closed and then on_stream_open follow. Changes nothing
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
//   void renew_secrets()                       if it has that: between two turns, in an image with one worker: its machine
//                                              may have been copied, and what nobody is to foresee is drawn anew
//
// Outputs
//   std::optional<StreamId> poll_stream_abort()   a stream to drop without ceremony (idle too long, too slow, over a limit);
//                                              output that is left is thrown away
//
// Apart from on_deadline and on_message, output appears on a stream only through on_stream_* calls for that stream.
//
// ---- ClientApplication: connections and datagrams of its own, and messages to and from the loader of its image (platform/hal/
// hal.h). An application without these functions costs its loop nothing.
//
// Inputs
//   void on_client_datagram(now, peer, payload)   a datagram that arrived at a client port. From anybody: whether `peer` was
//                                              asked anything, and whether this answers it, is for the application to check
//   void on_stream_connected(now, id)          the stream that poll_connect() asked for is established; from here on all that
//                                              is said of streams above holds for it
//   void on_stream_closed(now, id)             as above: exactly once for each stream that poll_connect() asked for, last, also
//                                              when it was never connected: refused, no way there, no answer within
//                                              connect_limit, or no room. The id may be asked for again from now on
//   void on_message(now, message)              from the loader; at most max_message octets. May make output appear on any
//                                              stream; the loop asks each open stream after it
//
// Outputs
//   std::optional<Connect> poll_connect()      a stream to open. Its id is the application's choice among the closed ones at
//                                              or above max_streams and below max_streams + client_streams of the plan.
//                                              poll_stream_abort() may name it while it is still connecting
//   size_t poll_datagram(now, out)             fills out.peer, out.payload, and out.local for a late answer; returns the octets
//                                              of payload, 0: none. Sent at once or lost, as datagrams are
//   size_t poll_message(room)                  a message to the loader, written to `room` of max_message octets; its length, 0:
//                                              none. Not called while the loader is behind with what it has
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

// The place of a stream in the application's table: below the number of streams agreed on at start, those it opens itself
// behind those its clients open.
using StreamId = u32;

// A datagram the application sends of its own accord. `payload` has at least `min_reply_room` octets, with unspecified
// contents.
struct OutgoingDatagram {
  Endpoint peer;
  std::optional<Endpoint> local;  // Datagram::local of the question this answers late; nothing: the client port of its family
  MutableBytes payload;
};

// A stream the application wants.
struct Connect {
  StreamId id = 0;
  Endpoint peer;
};
constexpr Duration connect_limit = Duration::seconds(10);  // a peer that is slower is down, or as good as

// A message between a worker and its loader: as much as one DNS message over TCP, and what is said about it.
constexpr size_t max_message = 65'536;

// An application that has secrets of its own.
template <class A>
concept HasSecrets = requires(A& app) {
  { app.renew_secrets() } -> std::same_as<void>;
};

template <class A>
concept Application = requires(A& app, const A& fixed, Instant now, UnixTime wall, const Datagram& datagram, StreamId id,
                               const Endpoint& endpoint, size_t count) {
  { app.on_turn(now, wall) } -> std::same_as<void>;
  { app.on_datagram(now, datagram) } -> std::same_as<size_t>;
  { fixed.stream_in_the_way(now, endpoint, true) } -> std::same_as<std::optional<StreamId>>;
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

template <class A>
concept ClientApplication = Application<A> && requires(A& app, Instant now, StreamId id, const Endpoint& peer, Bytes octets,
                                                       OutgoingDatagram& datagram, MutableBytes room) {
  { app.on_client_datagram(now, peer, octets) } -> std::same_as<void>;
  { app.on_stream_connected(now, id) } -> std::same_as<void>;
  { app.on_message(now, octets) } -> std::same_as<void>;
  { app.poll_connect() } -> std::same_as<std::optional<Connect>>;
  { app.poll_datagram(now, datagram) } -> std::same_as<size_t>;
  { app.poll_message(room) } -> std::same_as<size_t>;
};

}  // namespace samara::runtime
