// StackHost: a host of the simulated world that is nothing but a net::Stack; what it does with it is for who derives from it.
//
//   one turn:  frames -> on_datagram -> on_deadline -> on_stack_event, on_tcp_event -> work -> frames
#pragma once

#include <optional>
#include <vector>

#include "platform/hal/sim/random.h"
#include "platform/hal/sim/world.h"
#include "platform/net/stack/stack.h"

namespace samara::sim {

class StackHost : public hal::FrameHandler {
 public:
  // The card's address and MTU come from the world.
  StackHost(net::StackConfig config, u64 seed) : config_(std::move(config)), rng_(seed) {}
  StackHost(const StackHost&) = delete;
  StackHost& operator=(const StackHost&) = delete;

  net::Stack& stack() { return *stack_; }
  const net::Stack& stack() const { return *stack_; }
  const net::StackConfig& config() const { return config_; }
  u64 turns() const { return turns_; }
  // Everything the stack has told, in order.
  const std::vector<net::StackEvent>& events() const { return events_; }
  bool has_address(const IpAddress& address) const;
  size_t count_of(net::StackEvent::Kind kind) const;

  void prepare(const hal::LinkDescription& link) override;
  void start(Instant now, UnixTime wall, hal::Link& link) override;
  bool turn(Instant now, UnixTime wall, hal::Link& link) override;
  Instant next_deadline() const override;
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return 0; }
  bool poll_ready(TextWriter&) override { return false; }
  bool poll_trouble(TextWriter&) override { return false; }

 protected:
  // Writes the answer, if there is one, into `reply`; how long it is.
  virtual size_t on_datagram(Instant, const net::UdpDatagram&, MutableBytes) { return 0; }
  virtual void on_tcp_event(Instant, const net::tcp::Event&) {}
  virtual void work(Instant) {}
  virtual Instant next_work() const { return Instant::never(); }

 private:
  void transmit(Instant now, hal::Link& link);

  net::StackConfig config_;
  hal::sim::SeededRng rng_;
  std::optional<net::Stack> stack_;
  std::vector<net::StackEvent> events_;
  u64 turns_ = 0;
};

// A stack small enough that ten thousand of them are made in no time, and that its limits are met.
net::StackConfig small_stack();

}  // namespace samara::sim
