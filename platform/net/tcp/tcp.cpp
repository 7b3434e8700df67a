#include "platform/net/tcp/tcp.h"

#include "platform/net/tcp/machine.h"

namespace samara::net::tcp {

Tcp::Tcp(const Capacity& capacity, Rng& rng) : machine_(std::make_unique<Machine>(capacity, rng)) {}
Tcp::~Tcp() = default;

Instant Tcp::next_deadline() const {
  return machine_->next_deadline();
}
std::optional<State> Tcp::state(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? std::optional(connection->state()) : std::nullopt;
}
std::optional<Endpoint> Tcp::peer(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? std::optional(connection->flow().peer) : std::nullopt;
}
std::optional<Endpoint> Tcp::local(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? std::optional(connection->flow().local) : std::nullopt;
}
size_t Tcp::sendable(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? connection->room(std::as_const(*machine_).shared()) : 0;
}
size_t Tcp::receivable(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? connection->readable() : 0;
}
size_t Tcp::unacknowledged(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? connection->queued() : 0;
}
bool Tcp::at_end(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr && connection->at_end();
}
std::optional<u32> Tcp::urgent_ahead(ConnectionId id) const {
  const Connection* connection = std::as_const(*machine_).find(id);
  return connection != nullptr ? connection->urgent_ahead() : std::nullopt;
}
u32 Tcp::connections() const {
  return machine_->connections();
}
u32 Tcp::half_open() const {
  return machine_->half_open();
}
u32 Tcp::blocks_in_use() const {
  return machine_->blocks().in_use();
}
const Counters& Tcp::counters() const {
  return machine_->counters();
}

bool Tcp::on_segment(Instant now, const IpPacket& packet) {
  return machine_->on_segment(now, packet);
}
bool Tcp::on_delivery_error(Instant now, DeliveryError error, const IpAddress& local, const IpAddress& peer, Bytes quoted) {
  return machine_->on_delivery_error(now, error, local, peer, quoted);
}
void Tcp::on_path_mtu(Instant now, const IpAddress& peer, u16 mtu) {
  machine_->on_path_mtu(now, peer, mtu);
}
void Tcp::on_address_removed(Instant now, const IpAddress& address) {
  machine_->on_address_removed(now, address);
}
void Tcp::on_deadline(Instant now) {
  machine_->on_deadline(now);
}

Result<ListenerId, Error> Tcp::listen(const Endpoint& local, u32 backlog, const Options& options) {
  return machine_->listeners().open(local, backlog, options);
}
void Tcp::close(ListenerId id) {
  machine_->close(id);
}
Result<ConnectionId, Error> Tcp::connect(Instant now, const Endpoint& local, const Endpoint& peer, u16 mtu,
                                         const Options& options) {
  return machine_->connect(now, local, peer, mtu, options);
}
Result<size_t, Error> Tcp::send(Instant now, ConnectionId id, Bytes octets, bool push) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return fail(Error::not_connected);
  const auto result = connection->send(octets, push, machine_->shared());
  machine_->settle(now, id);
  return result;
}
Result<size_t, Error> Tcp::receive(Instant now, ConnectionId id, MutableBytes into) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return fail(Error::not_connected);
  const auto result = connection->receive(into, machine_->shared());
  machine_->settle(now, id);
  return result;
}
Result<void, Error> Tcp::shutdown(Instant now, ConnectionId id) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return fail(Error::not_connected);
  const auto result = connection->shutdown();
  machine_->settle(now, id);
  return result;
}
void Tcp::close(Instant now, ConnectionId id) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return;
  connection->close(now, machine_->shared());
  machine_->settle(now, id);
}
Result<void, Error> Tcp::mark_urgent(Instant now, ConnectionId id) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return fail(Error::not_connected);
  const auto result = connection->mark_urgent();
  machine_->settle(now, id);
  return result;
}
void Tcp::abort(Instant now, ConnectionId id) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return;
  connection->abort(now, machine_->shared());
  machine_->settle(now, id);
}
Result<void, Error> Tcp::set_options(ConnectionId id, const Options& options) {
  Connection* connection = machine_->find(id);
  if (connection == nullptr) return fail(Error::not_connected);
  connection->set_options(options);
  machine_->update_deadline(id);
  return {};
}
void Tcp::set_link_mtu(u16 mtu) {
  machine_->set_link_mtu(mtu);
}
void Tcp::renew_secrets(Rng& rng) {
  machine_->renew_secrets(rng);
}
void Tcp::set_ip_layer(const IpLayer* ip) {
  machine_->set_ip_layer(ip);
}

std::optional<OutgoingPacket> Tcp::poll_segment(Instant now, FrameSlot& slot) {
  return machine_->poll_segment(now, slot);
}
void Tcp::set_checksum_offload(bool on) {
  machine_->shared().checksum_offload = on;
}
std::optional<Event> Tcp::poll_event() {
  return machine_->poll_event();
}
std::optional<IpAddress> Tcp::poll_suspect_path() {
  return machine_->poll_suspect_path();
}

}  // namespace samara::net::tcp
