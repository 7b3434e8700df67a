// StreamHost: a host whose applications are ends of TCP connections. Each end sends octets of a pattern, checks that what
// arrives is its peer's, and ends the connection in the way it is told. It works only when TCP says that there is something to
// do, so that an event that does not come is a connection that does not end.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/stack_host.h"

namespace samara::sim {

// The octet at `at` of the stream called `key`.
u8 pattern(u64 key, u64 at);

// What one end does.
struct StreamPlan {
  enum class Finish : u8 {
    after_sending,  // half-closes when all is sent, and reads on to the peer's end
    after_end,      // half-closes when all is sent and the peer has ended
    abort,          // resets the connection when `abort_after` octets were sent and received
    vanish,         // lets go of the connection there, without reading the rest
  };
  u64 key_out = 0;
  u64 key_in = 0;
  u64 sends = 0;
  bool echo = false;  // sends what arrives instead, which is then known by `key_in`
  Finish finish = Finish::after_sending;
  u64 abort_after = 0;
  size_t send_at_once = 65536;
  size_t read_at_once = 65536;
  Duration read_pause;                // between two reads: lets the window close
  std::optional<u64> wrong_octet_at;  // breaks the pattern on purpose
  net::tcp::Options options;
};

// One end and how far it has come.
struct StreamEnd {
  StreamPlan plan;
  std::optional<net::tcp::ConnectionId> connection;
  u64 sent = 0;
  u64 received = 0;
  bool ended = false;    // the peer has ended, and all was read
  bool shut = false;     // nothing more will be sent
  bool gave_up = false;  // aborted or let go, by plan
  bool closed = false;   // TCP has said so
  bool established = false;
  std::optional<net::tcp::Error> error;
  std::optional<std::string> wrong;  // what should never have happened
  Instant next_read;                 // after a pause
  bool reading_pauses = false;
  std::vector<u8> to_echo;
};

class StreamHost final : public StackHost {
 public:
  using StackHost::StackHost;

  // Accepts one connection at `port`. Ends are numbered as they are made.
  size_t listen(const Endpoint& local, const StreamPlan& plan);
  size_t connect(Instant now, const Endpoint& peer, const StreamPlan& plan);
  const StreamEnd& end(size_t number) const { return ends_[number]; }
  size_t ends() const { return ends_.size(); }
  // Every end is closed.
  bool all_closed() const;
  // Resets what is left.
  void abort_all(Instant now);
  u32 most_blocks() const { return most_blocks_; }
  u32 most_connections() const { return most_connections_; }

 protected:
  void on_tcp_event(Instant now, const net::tcp::Event& event) override;
  void work(Instant now) override;
  Instant next_work() const override;

 private:
  struct Listening {
    net::tcp::ListenerId listener;
    size_t end;
  };
  void pump(Instant now, StreamEnd& end);
  bool read(Instant now, StreamEnd& end);
  bool write(Instant now, StreamEnd& end);
  void finish(Instant now, StreamEnd& end);

  std::deque<StreamEnd> ends_;
  std::vector<Listening> listening_;
  u32 most_blocks_ = 0;
  u32 most_connections_ = 0;
};

}  // namespace samara::sim
