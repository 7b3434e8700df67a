#include "platform/net/stack/stack.h"

#include "platform/net/stack/host.h"

namespace samara::net {

Stack::Stack(const StackConfig& config, Rng& rng) : host_(std::make_unique<Host>(config, rng)) {}
Stack::~Stack() = default;

std::span<const AssignedAddress> Stack::addresses() const {
  return host_->addresses();
}
Instant Stack::next_deadline() const {
  return host_->next_deadline();
}
const StackCounters& Stack::counters() const {
  return host_->counters();
}
u16 Stack::path_mtu(const IpAddress& peer) const {
  return host_->path_mtu(peer);
}

void Stack::start(Instant now) {
  host_->start(now);
}
void Stack::on_link_up(Instant now) {
  host_->on_link_up(now);
}
std::optional<UdpDatagram> Stack::on_frame(Instant now, const ReceivedFrame& frame) {
  return host_->on_frame(now, frame);
}
void Stack::on_deadline(Instant now) {
  host_->on_deadline(now);
}

void Stack::release_lease(Instant now) {
  host_->release_lease(now);
}
Result<void, UdpError> Stack::udp_open(const Endpoint& local) {
  return host_->udp_open(local);
}
void Stack::udp_close(const Endpoint& local) {
  host_->udp_close(local);
}
bool Stack::udp_finish(Instant now, const UdpDatagram& to, FrameSlot& slot) {
  return host_->udp_finish(now, to, slot);
}
Result<void, UdpError> Stack::udp_send(Instant now, const Endpoint& local, const Endpoint& peer, Bytes payload) {
  return host_->udp_send(now, local, peer, payload);
}
void Stack::renew_secrets() {
  host_->renew_secrets();
}
tcp::Tcp& Stack::tcp() {
  return host_->tcp();
}
const tcp::Tcp& Stack::tcp() const {
  return host_->tcp();
}

bool Stack::poll_frame(Instant now, FrameSlot& slot) {
  return host_->poll_frame(now, slot);
}
std::optional<StackEvent> Stack::poll_event() {
  return host_->poll_event();
}

}  // namespace samara::net
