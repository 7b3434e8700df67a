// FrameLoop: the loop of a role over the in-tree stack. Frames come in bursts from a Link, datagrams go straight to the
// application, whose answer is composed in the memory the card sends from; streams are TCP connections of the stack.
//
//   link.receive -> stack.on_frame -> application.on_datagram(slot) -> stack.udp_finish -> link.transmit
//                        |
//                        +-> tcp -> poll_event -> application.on_stream_*
//
// What the application asks others (ClientApplication) goes out behind that: connections by tcp().connect(), datagrams from one
// port of each family that is drawn at random at the start, and anew with the other secrets (RFC 6056).
//
// Everything is bounded: a burst a turn, a budget of octets a stream and turn, a few datagrams of its own a turn.
#pragma once

#include <array>
#include <vector>

#include "platform/base/rng.h"
#include "platform/hal/hal.h"
#include "platform/hal/link.h"
#include "platform/hal/mailbox.h"
#include "platform/net/stack/stack.h"
#include "platform/runtime/network_config.h"

namespace samara::runtime {

// What a role asks the Linux target for: nothing where the kernel's sockets are meant.
std::optional<hal::LinkPlan> link_plan(const NetworkConfig& config);

class FrameLoop final : public hal::FrameHandler {
 public:
  // Streams that the application opens, with ids from max_streams up, and whether it has client ports.
  struct Clients {
    u32 streams = 0;
    bool datagrams = false;
  };
  // `config`, `app` and `rng` outlive the loop. `max_streams`: connections of clients at once, their StreamId is below it.
  FrameLoop(const NetworkConfig& config, u32 max_streams, hal::WorkerApplicationRef app, Rng& rng, Clients clients);
  FrameLoop(const NetworkConfig& config, u32 max_streams, hal::WorkerApplicationRef app, Rng& rng)
      : FrameLoop(config, max_streams, app, rng, Clients{}) {}

  [[gnu::cold]] void prepare(const hal::LinkDescription& link) override;
  [[gnu::cold]] void start(Instant now, UnixTime wall, hal::Link& link) override;
  bool turn(Instant now, UnixTime wall, hal::Link& link) override;
  [[gnu::cold]] void on_link_change(Instant now, bool up) override;
  [[gnu::cold]] void on_gap(Instant now) override;
  Instant next_deadline() const override;
  void on_publication(Instant now, u64 generation, u64 root) override;
  u64 oldest_generation() const override { return app_.oldest(app_.object); }
  bool has_messages() const override { return app_.app.is_client(); }
  void use_mailbox(hal::Mailbox& mailbox) override { mailbox_ = &mailbox; }
  bool poll_ready(TextWriter& out) override;
  bool poll_trouble(TextWriter& out) override;
  [[gnu::cold]] void renew_secrets() override;
  [[gnu::cold]] void stop(Instant now, hal::Link& link) override;

  const net::Stack& stack() const { return *stack_; }

 private:
  struct Stream {
    net::tcp::ConnectionId connection;
    Instant close_at;         // while connecting or lingering
    size_t discarded = 0;     // octets, while lingering
    bool open = false;        // the application knows it
    bool ended = false;       // the application was told that no more input comes
    bool marked = false;      // stands in marked_
    bool connecting = false;  // not established yet; by the application
    bool lingering = false;   // our side is shut; what still comes is thrown away
  };

  // Datagrams
  bool receive(Instant now, hal::Link& link);
  void answer(Instant now, const net::UdpDatagram& datagram, hal::Link& link);
  std::optional<FrameSlot> take_slot(hal::Link& link);
  bool transmit(Instant now, hal::Link& link);

  // Streams
  void on_tcp_event(Instant now, const net::tcp::Event& event);
  void open(Instant now, net::tcp::ConnectionId connection);
  void drop(Instant now, StreamId id);
  std::optional<StreamId> stream_of(net::tcp::ConnectionId connection) const;
  void mark(StreamId id);
  void mark_all();
  void pump_marked(Instant now);
  bool pump(Instant now, StreamId id);
  bool move_input(Instant now, StreamId id, size_t& budget);
  bool move_output(Instant now, StreamId id, size_t& budget);
  void discard_input(Instant now, StreamId id);
  void finish(Instant now, StreamId id);
  void forget(Instant now, StreamId id);
  Instant next_linger_end() const;

  // What the application asks others (frame_loop_client.cpp)
  void open_client_ports();
  void take_messages(Instant now);
  bool speak(Instant now);
  bool poll_connects(Instant now);
  void connect(Instant now, const Connect& wanted);
  void give_up_connecting(Instant now);
  bool send_datagrams(Instant now);
  void send_messages();
  Instant next_connect_limit() const;

  bool can_serve() const;
  [[gnu::cold]] void on_stack_event(const net::StackEvent& event);

  const NetworkConfig& config_;
  hal::WorkerApplicationRef app_;
  Rng& rng_;
  u32 max_streams_;
  Clients clients_;
  hal::Mailbox* mailbox_ = nullptr;
  std::optional<net::Stack> stack_;
  std::array<ReceivedFrame, hal::frame_burst> burst_{};  // of this turn
  std::optional<FrameSlot> spare_;                       // taken and not needed yet
  u64 datagrams_unsent_ = 0;                             // no slot was free
  std::vector<Stream> streams_;
  std::vector<StreamId> free_;
  std::vector<StreamId> marked_;                // have something to move; each at most once
  std::vector<StreamId> pumping_;               // marked_ of the turn before, while it is worked on
  std::vector<StreamId> stream_of_connection_;  // by the connection's index
  std::vector<StreamId> lingering_;             // in the order of close_at
  std::vector<StreamId> connecting_;            // too
  Port client_port_v4_{0};                      // 0: none
  Port client_port_v6_{0};
  std::vector<Endpoint> ready_;  // to be announced
  std::array<char, 256> trouble_{};
  size_t trouble_size_ = 0;
};

}  // namespace samara::runtime
