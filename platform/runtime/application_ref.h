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
  std::optional<StreamId> stream_in_the_way(Instant now, const Endpoint& peer, bool full) const {
    return calls_->stream_in_the_way(app_, now, peer, full);
  }
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
  void renew_secrets() { calls_->renew_secrets(app_); }

  // Whether it is a ClientApplication; what follows is for those only.
  bool is_client() const { return calls_->client != nullptr; }
  void on_client_datagram(Instant now, const Endpoint& peer, Bytes payload) {
    calls_->client->on_client_datagram(app_, now, peer, payload);
  }
  void on_stream_connected(Instant now, StreamId id) { calls_->client->on_stream_connected(app_, now, id); }
  void on_message(Instant now, Bytes message) { calls_->client->on_message(app_, now, message); }
  std::optional<Connect> poll_connect() { return calls_->client->poll_connect(app_); }
  size_t poll_datagram(Instant now, OutgoingDatagram& out) { return calls_->client->poll_datagram(app_, now, out); }
  size_t poll_message(MutableBytes room) { return calls_->client->poll_message(app_, room); }

 private:
  struct ClientCalls {
    void (*on_client_datagram)(void*, Instant, const Endpoint&, Bytes);
    void (*on_stream_connected)(void*, Instant, StreamId);
    void (*on_message)(void*, Instant, Bytes);
    std::optional<Connect> (*poll_connect)(void*);
    size_t (*poll_datagram)(void*, Instant, OutgoingDatagram&);
    size_t (*poll_message)(void*, MutableBytes);
  };
  struct Calls {
    void (*on_turn)(void*, Instant, UnixTime);
    size_t (*on_datagram)(void*, Instant, const Datagram&);
    std::optional<StreamId> (*stream_in_the_way)(const void*, Instant, const Endpoint&, bool);
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
    void (*renew_secrets)(void*);
    const ClientCalls* client;  // nothing: it is none
  };

  template <class A>
  static A& as(void* app) {
    return *static_cast<A*>(app);
  }

  template <class A>
  static constexpr ClientCalls client_calls_of{
      .on_client_datagram = [](void* app, Instant now, const Endpoint& peer,
                               Bytes payload) { as<A>(app).on_client_datagram(now, peer, payload); },
      .on_stream_connected = [](void* app, Instant now, StreamId id) { as<A>(app).on_stream_connected(now, id); },
      .on_message = [](void* app, Instant now, Bytes message) { as<A>(app).on_message(now, message); },
      .poll_connect = [](void* app) { return as<A>(app).poll_connect(); },
      .poll_datagram = [](void* app, Instant now, OutgoingDatagram& out) { return as<A>(app).poll_datagram(now, out); },
      .poll_message = [](void* app, MutableBytes room) { return as<A>(app).poll_message(room); },
  };

  template <class A>
  static constexpr const ClientCalls* client_calls() {
    if constexpr (ClientApplication<A>) return &client_calls_of<A>;
    return nullptr;
  }

  template <class A>
  static constexpr Calls calls_of{
      .on_turn = [](void* app, Instant now, UnixTime wall) { as<A>(app).on_turn(now, wall); },
      .on_datagram = [](void* app, Instant now, const Datagram& datagram) { return as<A>(app).on_datagram(now, datagram); },
      .stream_in_the_way = [](const void* app, Instant now, const Endpoint& peer,
                              bool full) { return static_cast<const A*>(app)->stream_in_the_way(now, peer, full); },
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
      .renew_secrets =
          [](void* app) {
            if constexpr (HasSecrets<A>) as<A>(app).renew_secrets();
          },
      .client = client_calls<A>(),
  };

  void* app_;
  const Calls* calls_;
};

}  // namespace samara::runtime
