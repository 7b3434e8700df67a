// ApplicationRef: any Application behind one table of functions, so that a loop is compiled once, where the unsafe code may
// live, and not in each image. Refers to the application; does not own it. A call costs one indirect jump.
#pragma once

#include "platform/runtime/application.h"

namespace samara::runtime {

class ApplicationRef {
 public:
  template <Application A>
    requires(!std::same_as<A, ApplicationRef>)
  explicit ApplicationRef(A& app) : app_(&app), calls_(&calls_of<A>) {}

  void on_turn(Instant now, UnixTime wall) { calls_->on_turn(app_, now, wall); }
  size_t on_datagram(Instant now, const Datagram& datagram) { return calls_->on_datagram(app_, now, datagram); }
  bool on_stream_open(Instant now, StreamId id, const Endpoint& peer, const Endpoint& local) {
    return calls_->on_stream_open(app_, now, id, peer, local);
  }
  MutableBytes stream_input_space(StreamId id) { return calls_->stream_input_space(app_, id); }
  void on_stream_input(Instant now, StreamId id, size_t count) { calls_->on_stream_input(app_, now, id, count); }
  Bytes stream_output(StreamId id) { return calls_->stream_output(app_, id); }
  void on_stream_output_sent(Instant now, StreamId id, size_t count) { calls_->on_stream_output_sent(app_, now, id, count); }
  bool stream_finished(StreamId id) { return calls_->stream_finished(app_, id); }
  void on_stream_end(Instant now, StreamId id) { calls_->on_stream_end(app_, now, id); }
  void on_stream_closed(Instant now, StreamId id) { calls_->on_stream_closed(app_, now, id); }
  std::optional<StreamId> poll_stream_abort() { return calls_->poll_stream_abort(app_); }
  Instant next_deadline() const { return calls_->next_deadline(app_); }
  void on_deadline(Instant now) { calls_->on_deadline(app_, now); }

 private:
  struct Calls {
    void (*on_turn)(void*, Instant, UnixTime);
    size_t (*on_datagram)(void*, Instant, const Datagram&);
    bool (*on_stream_open)(void*, Instant, StreamId, const Endpoint&, const Endpoint&);
    MutableBytes (*stream_input_space)(void*, StreamId);
    void (*on_stream_input)(void*, Instant, StreamId, size_t);
    Bytes (*stream_output)(void*, StreamId);
    void (*on_stream_output_sent)(void*, Instant, StreamId, size_t);
    bool (*stream_finished)(void*, StreamId);
    void (*on_stream_end)(void*, Instant, StreamId);
    void (*on_stream_closed)(void*, Instant, StreamId);
    std::optional<StreamId> (*poll_stream_abort)(void*);
    Instant (*next_deadline)(const void*);
    void (*on_deadline)(void*, Instant);
  };

  template <class A>
  static A& as(void* app) {
    return *static_cast<A*>(app);
  }

  template <class A>
  static constexpr Calls calls_of{
      .on_turn = [](void* app, Instant now, UnixTime wall) { as<A>(app).on_turn(now, wall); },
      .on_datagram = [](void* app, Instant now, const Datagram& datagram) { return as<A>(app).on_datagram(now, datagram); },
      .on_stream_open = [](void* app, Instant now, StreamId id, const Endpoint& peer,
                           const Endpoint& local) { return as<A>(app).on_stream_open(now, id, peer, local); },
      .stream_input_space = [](void* app, StreamId id) { return as<A>(app).stream_input_space(id); },
      .on_stream_input = [](void* app, Instant now, StreamId id, size_t count) { as<A>(app).on_stream_input(now, id, count); },
      .stream_output = [](void* app, StreamId id) { return as<A>(app).stream_output(id); },
      .on_stream_output_sent = [](void* app, Instant now, StreamId id,
                                  size_t count) { as<A>(app).on_stream_output_sent(now, id, count); },
      .stream_finished = [](void* app, StreamId id) { return as<A>(app).stream_finished(id); },
      .on_stream_end = [](void* app, Instant now, StreamId id) { as<A>(app).on_stream_end(now, id); },
      .on_stream_closed = [](void* app, Instant now, StreamId id) { as<A>(app).on_stream_closed(now, id); },
      .poll_stream_abort = [](void* app) { return as<A>(app).poll_stream_abort(); },
      .next_deadline = [](const void* app) { return static_cast<const A*>(app)->next_deadline(); },
      .on_deadline = [](void* app, Instant now) { as<A>(app).on_deadline(now); },
  };

  void* app_;
  const Calls* calls_;
};

}  // namespace samara::runtime
