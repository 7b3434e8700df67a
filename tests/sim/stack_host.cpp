#include "tests/sim/stack_host.h"

#include <algorithm>

namespace samara::sim {

net::StackConfig small_stack() {
  net::StackConfig config;
  config.address_secret.assign(16, 7);
  config.neighbors = 32;
  config.reassembly_octets = 1 << 16;
  config.waiting_packets = 32;
  config.large_packets = 2;
  config.tcp = {.connections = 16,
                .half_open = 8,
                .time_wait = 32,
                .listeners = 16,
                .blocks = 128,
                .send_limit = 64 * 1024,
                .receive_limit = 64 * 1024};
  return config;
}

bool StackHost::has_address(const IpAddress& address) const {
  using Condition = net::AssignedAddress::Condition;
  return std::ranges::any_of(stack_->addresses(), [&](const net::AssignedAddress& own) {
    return own.interface.address == address &&
           (own.condition == Condition::preferred || own.condition == Condition::deprecated);
  });
}

size_t StackHost::count_of(net::StackEvent::Kind kind) const {
  return static_cast<size_t>(std::ranges::count(events_, kind, &net::StackEvent::kind));
}

void StackHost::prepare(const hal::LinkDescription& link) {
  config_.mac.octets = link.mac;
  config_.mtu = link.mtu;
  stack_.emplace(config_, rng_);
}

void StackHost::start(Instant now, UnixTime, hal::Link& link) {
  stack_->start(now);
  transmit(now, link);
}

bool StackHost::turn(Instant now, UnixTime, hal::Link& link) {
  ++turns_;
  std::array<ReceivedFrame, hal::frame_burst> burst;
  const size_t count = link.receive(burst);
  for (const ReceivedFrame& frame : std::span(burst).first(count)) {
    const auto datagram = stack_->on_frame(now, frame);
    if (!datagram.has_value()) continue;
    FrameSlot slot = *link.take_slot();
    const size_t size = on_datagram(now, *datagram, slot.payload_room());
    slot.set_payload(size);
    if (size != 0 && stack_->udp_finish(now, *datagram, slot)) {
      link.transmit(slot);
    } else {
      link.drop(slot);
    }
  }
  if (stack_->next_deadline() <= now) stack_->on_deadline(now);
  while (const auto event = stack_->poll_event()) events_.push_back(*event);
  while (const auto event = stack_->tcp().poll_event()) on_tcp_event(now, *event);
  work(now);
  transmit(now, link);
  link.release();
  return count == burst.size();
}

Instant StackHost::next_deadline() const {
  return std::min(stack_->next_deadline(), next_work());
}

void StackHost::transmit(Instant now, hal::Link& link) {
  for (;;) {
    FrameSlot slot = *link.take_slot();
    if (!stack_->poll_frame(now, slot)) {
      link.drop(slot);
      return;
    }
    link.transmit(slot);
  }
}

}  // namespace samara::sim
