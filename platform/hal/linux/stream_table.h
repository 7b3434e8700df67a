// StreamTable: the TCP connections of one worker, from accept or connect to close, over level-triggered epoll. It moves octets
// between sockets and the application's memory and holds none itself. A stream is free, serving or lingering; one of those that
// the application opens is idle or connecting instead of free.
//
//   free --accept, on_stream_open--> serving --stream_finished and all sent--> lingering --FIN, 2 s--> free
//                                     ^ '----------- reset, error, abort --------------------------------^
//   idle --connect--> connecting -----' on_stream_connected (or refused, 10 s: on_stream_closed)
//
// Streams the application opens come behind the others. Their sockets go back to their pool and are used again
// (client_sockets.h); an id belongs to no socket.
//
// Lingering: our FIN is sent and what the client still sends is read and thrown away. Closing at once with input unread would
// send a reset, and that may overtake and destroy the last answers (RFC 1122 section 4.2.2.13).
//
// Interest: EPOLLIN while the application has room, EPOLLOUT while it has output; told to the kernel only when it changes.
// While all streams are in use, the application says which one makes room for a client that connects, or the client is refused.
// Accepting stops for a moment when the system is out of descriptors or memory, so that it cannot make the loop spin.
#pragma once

#include <vector>

#include "platform/hal/hal.h"
#include "platform/hal/linux/client_sockets.h"
#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/listen_sockets.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/runtime/application_ref.h"

namespace samara::hal {

class StreamTable {
 public:
  using Id = runtime::StreamId;

  // Registers the listeners with `epoll`, silent until start(); their events carry `listener_tag` + index, those of streams
  // `stream_tag` + id, and from bit 40 on which of the sockets that had this id one after the other is meant. All memory is
  // taken here. `listeners` outlives the table.
  // `clients`: with sockets for as many streams of the application's own as `client_capacity`.
  StreamTable(int epoll, const std::vector<ListenSocket>& listeners, u32 capacity, u32 client_capacity, ClientSockets& clients,
              runtime::ApplicationRef app, SharedCounters& counters);

  static constexpr u64 listener_tag = u64{1} << 32;
  static constexpr u64 stream_tag = u64{2} << 32;

  void start() { set_accepting(true); }
  // Inputs
  void on_listener_ready(Instant now, size_t listener);
  // `tag`: of the event.
  void on_stream_ready(Instant now, u64 tag, u32 events);
  // After the application's on_deadline: every stream may have output.
  void serve_all(Instant now);
  void on_deadline(Instant now);
  // Commands
  void connect(Instant now, const runtime::Connect& wanted);
  void abort(Instant now, Id id);
  void close_all(Instant now);
  // Getters
  Instant next_deadline() const;
  u32 serving() const { return serving_.size; }
  u32 lingering() const { return lingering_.size; }

 private:
  static constexpr u32 none = 0xffffffff;
  static constexpr int sockets_shift = 40;
  enum class State : u8 { free, idle, connecting, serving, lingering };

  struct Stream {
    Descriptor fd;
    State state = State::free;
    bool input_ended = false;  // the peer's FIN was seen
    u32 interest = 0;          // what epoll watches for
    Id previous = none;
    Id next = none;
    Instant close_at;      // connecting or lingering: until then
    size_t discarded = 0;  // lingering: octets thrown away
    u32 sockets = 0;       // there were before
    bool to_v4 = false;    // connecting and on: the pool its socket goes back to
  };
  // Every stream is in exactly one, by its state. New ones go to the end, so the first lingering one is the first to close.
  struct List {
    Id first = none;
    Id last = none;
    u32 size = 0;
  };
  enum class Moved : u8 { some, nothing, gone };

  bool is_client(Id id) const { return id >= client_base_; }
  u64 tag_of(Id id) const { return stream_tag + id + (u64{streams_[id].sockets} << sockets_shift); }
  void start_list(Id first, Id end, State state);
  void on_connect_ready(Instant now, Id id, u32 events);
  void give_back(Id id);
  List& list_of(State state);
  void move_to(Id id, State state);
  void pump(Instant now, Id id, bool can_read, bool can_write);
  Moved move_input(Instant now, Id id, bool& can_read, size_t& budget);
  Moved move_output(Instant now, Id id, bool& can_write, size_t& budget);
  void watch(Id id, u32 interest);
  void finish(Instant now, Id id);
  void discard_input(Instant now, Id id);
  void close(Instant now, Id id);
  void pause_accepting(Instant now);
  void set_accepting(bool accepting);

  int epoll_;
  const std::vector<ListenSocket>* listeners_;
  runtime::ApplicationRef app_;
  SharedCounters* counters_;
  std::vector<Stream> streams_;
  u32 client_base_;
  ClientSockets* clients_;
  List free_;
  List idle_;
  List connecting_;
  List serving_;
  List lingering_;
  bool accepting_ = false;
  Instant accept_again_ = Instant::never();  // while the system is out of something
};

}  // namespace samara::hal
