#include "platform/runtime/frame_loop.h"

#include <algorithm>

#include "platform/base/log.h"

namespace samara::runtime {
namespace {

// Octets moved for one stream in a turn, so that a transfer does not keep queries waiting.
constexpr size_t turn_budget = 256 * 1024;
// Frames sent in one turn beside the answers to datagrams.
constexpr size_t transmit_budget = 256;
// How long a client may take to read the rest and close its side after we closed ours.
constexpr Duration linger_time = Duration::seconds(2);
// A client that sends more than this after we are finished is reset.
constexpr size_t linger_discard_limit = 64 * 1024;
// Connections beyond the application's streams: half open, or with a last answer under way that nobody waits for here; and so
// many may be established in one turn.
constexpr u32 backlog_of(u32 streams) {
  return std::clamp<u32>(streams, 16, 64);
}
constexpr StreamId no_stream = ~StreamId{0};
// So many frames ahead of the one at hand: enough to hide the way from another core's cache, few enough to stay in ours.
constexpr size_t fetched_ahead = 4;

// Another core, or the card, has just written the frame: what every answer reads of it comes here meanwhile.
void fetch(const ReceivedFrame& frame) {
  constexpr size_t cache_line = 64;
  if (frame.octets.size() <= cache_line) return;
  __builtin_prefetch(&frame.octets[0]);
  __builtin_prefetch(&frame.octets[cache_line]);
}

// RFC 7217 wants addresses that are the same at every start, and a secret so that nobody can tell them from the MAC address. A
// machine without storage cannot keep one by itself: without a configured one the addresses are stable all the same, as a name
// server's must be, and tell as much as those of RFC 4291 to whoever knows both MAC address and host name.
std::vector<u8> address_secret(const NetworkConfig& config, const net::MacAddress& mac) {
  if (config.address_secret.has_value()) return {config.address_secret->begin(), config.address_secret->end()};
  constexpr std::string_view label = "samara stable addresses";
  static_assert(label.size() >= address_secret_size, "the stack draws a secret of its own when it is told a shorter one");
  std::vector<u8> secret(label.begin(), label.end());
  secret.insert(secret.end(), mac.octets.begin(), mac.octets.end());
  secret.insert(secret.end(), config.host_name.begin(), config.host_name.end());
  return secret;
}

net::StackConfig stack_config(const NetworkConfig& config, const hal::LinkDescription& link, u32 max_streams) {
  net::StackConfig stack;
  stack.mac.octets = config.mac.value_or(link.mac);
  stack.mtu = std::min(config.mtu, link.mtu);
  for (const NetworkAddress& own : config.addresses) stack.addresses.push_back({own.address, own.prefix_length});
  for (const NetworkRoute& route : config.routes) stack.routes.push_back({route.destination, route.gateway});
  stack.dhcp = config.dhcp;
  stack.dhcp_address = config.dhcp_address;
  stack.host_name = config.host_name;
  stack.address_secret = address_secret(config, stack.mac);
  stack.router_advertisements = config.router_advertisements;
  stack.mirror_neighbors = link.shared_with_kernel;
  stack.checksum_offload = link.transmit_checksum;
  stack.tcp.connections = max_streams + backlog_of(max_streams);
  // What is not asked for by its number follows the number of clients, which the target fits to its memory.
  stack.tcp.blocks = std::clamp<u32>(max_streams, 64, 8192);
  // A question needs no more; and what nobody fills is not lent to a connection that is idle.
  stack.tcp.first_window = net::tcp::block_size;
  stack.tcp.time_wait = std::clamp<u32>(4 * max_streams, 128, stack.tcp.time_wait);
  stack.reassembly_octets = std::clamp<u32>(1024 * max_streams, 128 * 1024, stack.reassembly_octets);
  stack.large_packets = std::clamp<u32>(max_streams / 128, 2, stack.large_packets);
  return stack;
}

bool is_link_local(const IpAddress& address) {  // RFC 4291 section 2.5.6: fe80::/10
  const Bytes octets = address.octets();
  return !address.is_v4() && octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
}

std::string_view describe(net::UdpError error) {
  switch (error) {
    case net::UdpError::port_in_use: return "stands twice";
    case net::UdpError::table_full: return "too many endpoints";
    case net::UdpError::no_address: return "is not an address of this image";
    case net::UdpError::no_route:
    case net::UdpError::too_long:
    case net::UdpError::no_memory: break;
  }
  return "cannot be used";
}

}  // namespace

std::optional<hal::LinkPlan> link_plan(const NetworkConfig& config) {
  if (config.mode == NetworkMode::sockets) return std::nullopt;
  hal::LinkPlan link;
  link.kind = config.mode == NetworkMode::tap ? hal::LinkPlan::Kind::tap : hal::LinkPlan::Kind::xdp;
  link.interface = config.interface;
  for (const Endpoint& local : config.listen) {
    if (!local.address.is_unspecified()) {
      link.serve.push_back(local);
      continue;
    }
    for (const NetworkAddress& own : config.addresses) {
      if (own.address.family() == local.address.family()) link.serve.push_back({own.address, local.port});
    }
  }
  return link;
}

FrameLoop::FrameLoop(const NetworkConfig& config, u32 max_streams, hal::WorkerApplicationRef app, Rng& rng, Clients clients)
    : config_(config),
      app_(app),
      rng_(rng),
      max_streams_(max_streams),
      clients_(app.app.is_client() ? clients : Clients{}),
      streams_(max_streams + clients_.streams),
      stream_of_connection_(streams_.size() + backlog_of(static_cast<u32>(streams_.size())), no_stream) {
  free_.reserve(max_streams);
  for (StreamId id = max_streams; id > 0; --id) free_.push_back(id - 1);
  marked_.reserve(streams_.size());
  pumping_.reserve(streams_.size());
  lingering_.reserve(streams_.size());
  connecting_.reserve(clients_.streams);
  ready_.reserve(hal::max_listen_endpoints);
}

void FrameLoop::prepare(const hal::LinkDescription& link) {
  const u32 max_streams = static_cast<u32>(streams_.size());
  stack_.emplace(stack_config(config_, link, max_streams), rng_);
  TextWriter trouble(trouble_);
  for (const Endpoint& local : config_.listen) {
    const auto datagrams = stack_->udp_open(local);
    const auto streams = stack_->tcp().listen(local, backlog_of(max_streams), {.no_delay = true});
    if (datagrams.ok() && streams.ok()) continue;
    trouble.put("cannot listen on ");
    local.write_text(trouble);
    trouble.put(": ");
    trouble.put(datagrams.ok() ? std::string_view("TCP has no room for it") : describe(datagrams.error()));
    break;
  }
  if (clients_.datagrams) open_client_ports();
  if (config_.listen.empty()) trouble.put("the boot configuration has no network section: nothing to listen on");
  trouble_size_ = trouble.size();
}

void FrameLoop::start(Instant now, UnixTime wall, hal::Link& link) {
  app_.app.on_turn(now, wall);
  stack_->start(now);
  transmit(now, link);
  link.flush();
}

bool FrameLoop::turn(Instant now, UnixTime wall, hal::Link& link) {
  app_.app.on_turn(now, wall);
  if (mailbox_ != nullptr) take_messages(now);
  bool more = receive(now, link);
  if (stack_->next_deadline() <= now) stack_->on_deadline(now);
  while (const auto event = stack_->poll_event()) on_stack_event(*event);
  while (const auto event = stack_->tcp().poll_event()) on_tcp_event(now, *event);
  if (app_.app.next_deadline() <= now) {
    app_.app.on_deadline(now);
    mark_all();
  }
  give_up_connecting(now);
  for (const StreamId id : lingering_) {
    if (streams_[id].close_at > now) break;
    mark(id);
  }
  pump_marked(now);
  while (const auto id = app_.app.poll_stream_abort()) drop(now, *id);
  if (app_.app.is_client() && speak(now)) more = true;
  if (transmit(now, link)) more = true;
  if (spare_.has_value()) {
    link.drop(*spare_);
    spare_.reset();
  }
  link.flush();
  link.release();
  return more || !marked_.empty();
}

void FrameLoop::on_link_change(Instant now, bool up) {
  if (!up) return log(Level::warning, "the network card has lost its link");
  log(Level::info, "the network card has a link; addresses are announced");
  stack_->on_link_up(now);
}

// To the stack a machine that is somewhere else is what a link that was down is: another switch, perhaps another server's
// lease.
void FrameLoop::on_gap(Instant now) {
  stack_->on_link_up(now);
}

Instant FrameLoop::next_deadline() const {
  return std::min({stack_->next_deadline(), app_.app.next_deadline(), next_linger_end(), next_connect_limit()});
}

void FrameLoop::on_publication(Instant now, u64 generation, u64 root) {
  app_.publish(app_.object, now, {generation, root});
}

bool FrameLoop::poll_ready(TextWriter& out) {
  if (ready_.empty()) return false;
  ready_.front().write_text(out);
  ready_.erase(ready_.begin());
  return true;
}

bool FrameLoop::poll_trouble(TextWriter& out) {
  if (trouble_size_ == 0) return false;
  out.put(std::string_view(trouble_.data(), trouble_size_));
  trouble_size_ = 0;
  return true;
}

// What the application asked others is answered to a port that is closed: it asks again.
void FrameLoop::renew_secrets() {
  stack_->renew_secrets();
  if (clients_.datagrams) {
    stack_->udp_close({IpAddress(), client_port_v4_});
    stack_->udp_close({IpAddress::v6({}), client_port_v6_});
    open_client_ports();
  }
  app_.app.renew_secrets();
}

void FrameLoop::stop(Instant now, hal::Link& link) {
  for (const Stream& stream : streams_) {
    if (stream.open) stack_->tcp().close(now, stream.connection);
  }
  transmit(now, link);  // the ends of streams leave from an address that is still ours
  stack_->release_lease(now);
  transmit(now, link);
  link.flush();
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

bool FrameLoop::receive(Instant now, hal::Link& link) {
  if (link.congested()) return false;
  const size_t count = link.receive(burst_);
  for (size_t i = 0; i < std::min(count, fetched_ahead); ++i) fetch(burst_[i]);
  for (size_t i = 0; i < count; ++i) {
    if (i + fetched_ahead < count) fetch(burst_[i + fetched_ahead]);
    const auto datagram = stack_->on_frame(now, burst_[i]);
    if (!datagram.has_value()) continue;
    const Port client_port = datagram->local.address.is_v4() ? client_port_v4_ : client_port_v6_;
    if (datagram->local.port == client_port) {
      app_.app.on_client_datagram(now, datagram->peer, datagram->payload);
    } else {
      answer(now, *datagram, link);
    }
  }
  return count == burst_.size();
}

void FrameLoop::answer(Instant now, const net::UdpDatagram& datagram, hal::Link& link) {
  std::optional<FrameSlot> slot = take_slot(link);
  if (!slot.has_value()) {
    ++datagrams_unsent_;
    return;
  }
  const size_t size = app_.app.on_datagram(
      now, {.peer = datagram.peer, .local = datagram.local, .payload = datagram.payload, .reply = slot->payload_room()});
  if (size != 0) {
    slot->set_payload(size);
    if (stack_->udp_finish(now, datagram, *slot)) {
      link.transmit(*slot);
      return;
    }
  }
  spare_ = slot;
}

std::optional<FrameSlot> FrameLoop::take_slot(hal::Link& link) {
  if (spare_.has_value()) {
    FrameSlot slot(spare_->room());
    spare_.reset();
    return slot;
  }
  if (std::optional<FrameSlot> slot = link.take_slot(); slot.has_value()) return slot;
  link.flush();  // what is queued may be all that is under way
  return link.take_slot();
}

// True when frames are left to send.
bool FrameLoop::transmit(Instant now, hal::Link& link) {
  for (size_t sent = 0; sent < transmit_budget; ++sent) {
    std::optional<FrameSlot> slot = take_slot(link);
    if (!slot.has_value()) return false;  // the card is full; it wakes us when it has sent something
    if (!stack_->poll_frame(now, *slot)) {
      spare_ = slot;
      return false;
    }
    link.transmit(*slot);
  }
  return true;
}

// ---- streams --------------------------------------------------------------------------------------------------------

void FrameLoop::on_tcp_event(Instant now, const net::tcp::Event& event) {
  using Kind = net::tcp::Event::Kind;
  if (event.kind == Kind::accepted) {
    open(now, event.connection);
    return;
  }
  const std::optional<StreamId> id = stream_of(event.connection);
  if (!id.has_value()) return;  // given up by us
  if (event.kind == Kind::closed) {
    forget(now, *id);
    return;
  }
  if (event.kind == Kind::connected) {
    streams_[*id].connecting = false;
    std::erase(connecting_, *id);
    app_.app.on_stream_connected(now, *id);
  }
  if (!streams_[*id].connecting) {
    mark(*id);
  }
}

void FrameLoop::open(Instant now, net::tcp::ConnectionId connection) {
  const auto peer = stack_->tcp().peer(connection);
  const auto local = stack_->tcp().local(connection);
  if (!peer.has_value() || !local.has_value()) return;  // gone in the same turn
  if (const auto other = app_.app.stream_in_the_way(now, *peer, free_.empty()); other.has_value()) drop(now, *other);
  if (free_.empty() || !app_.app.on_stream_open(now, free_.back(), *peer, *local)) {
    stack_->tcp().abort(now, connection);
    return;
  }
  const StreamId id = free_.back();
  free_.pop_back();
  Stream fresh;
  fresh.connection = connection;
  fresh.open = true;
  fresh.marked = streams_[id].marked;
  streams_[id] = fresh;
  stream_of_connection_[connection.index] = id;
  mark(id);
}

void FrameLoop::drop(Instant now, StreamId id) {
  if (id >= streams_.size() || !streams_[id].open) return;
  stack_->tcp().abort(now, streams_[id].connection);
  forget(now, id);
}

std::optional<StreamId> FrameLoop::stream_of(net::tcp::ConnectionId connection) const {
  if (connection.index >= stream_of_connection_.size()) return std::nullopt;
  const StreamId id = stream_of_connection_[connection.index];
  if (id == no_stream || streams_[id].connection != connection) return std::nullopt;
  return id;
}

void FrameLoop::mark(StreamId id) {
  if (streams_[id].marked) return;
  streams_[id].marked = true;
  marked_.push_back(id);
}

void FrameLoop::mark_all() {
  for (StreamId id = 0; id < streams_.size(); ++id) {
    if (streams_[id].open && !streams_[id].connecting) mark(id);
  }
}

void FrameLoop::pump_marked(Instant now) {
  std::swap(marked_, pumping_);
  for (const StreamId id : pumping_) {
    streams_[id].marked = false;
    if (streams_[id].open && pump(now, id)) mark(id);
  }
  pumping_.clear();
}

// Moves what can be moved, within the budget. True: there is more to move at once.
bool FrameLoop::pump(Instant now, StreamId id) {
  if (streams_[id].lingering) {
    discard_input(now, id);
    return false;
  }
  size_t budget = turn_budget;
  for (;;) {
    const bool in = move_input(now, id, budget);
    const bool out = move_output(now, id, budget);
    if (!in && !out) break;
    if (budget == 0) return true;
  }
  if (app_.app.stream_finished(id) && app_.app.stream_output(id).empty()) finish(now, id);
  return false;
}

bool FrameLoop::move_input(Instant now, StreamId id, size_t& budget) {
  Stream& stream = streams_[id];
  if (stream.ended || app_.app.stream_finished(id)) return false;
  MutableBytes space = app_.app.stream_input_space(id);
  space = space.first(std::min(space.size(), budget));
  if (space.empty()) return false;
  const size_t count = stack_->tcp().receive(now, stream.connection, space).value_or(0);
  if (count != 0) {
    budget -= count;
    app_.app.on_stream_input(now, id, count);
    return true;
  }
  if (!stack_->tcp().at_end(stream.connection)) return false;
  stream.ended = true;
  app_.app.on_stream_end(now, id);
  return true;
}

bool FrameLoop::move_output(Instant now, StreamId id, size_t& budget) {
  Bytes output = app_.app.stream_output(id);
  output = output.first(std::min(output.size(), budget));
  if (output.empty()) return false;
  const size_t count = stack_->tcp().send(now, streams_[id].connection, output).value_or(0);
  if (count == 0) return false;  // `writable` says when there is room again
  budget -= count;
  app_.app.on_stream_output_sent(now, id, count);
  return true;
}

void FrameLoop::finish(Instant now, StreamId id) {
  Stream& stream = streams_[id];
  if (stream.ended || !stack_->tcp().shutdown(now, stream.connection).ok()) {
    stack_->tcp().close(now, stream.connection);
    forget(now, id);
    return;
  }
  stream.lingering = true;
  stream.close_at = now + linger_time;
  lingering_.push_back(id);
}

void FrameLoop::discard_input(Instant now, StreamId id) {
  Stream& stream = streams_[id];
  std::array<u8, 4096> rubbish;
  for (;;) {
    const size_t count = stack_->tcp().receive(now, stream.connection, rubbish).value_or(0);
    stream.discarded += count;
    if (count == 0 || stream.discarded > linger_discard_limit) break;
  }
  if (stack_->tcp().at_end(stream.connection) || stream.discarded > linger_discard_limit || stream.close_at <= now) {
    stack_->tcp().close(now, stream.connection);
    forget(now, id);
  }
}

// The application's side of a connection ends here, whatever TCP still has to do for it.
void FrameLoop::forget(Instant now, StreamId id) {
  Stream& stream = streams_[id];
  stream_of_connection_[stream.connection.index] = no_stream;
  stream.open = false;
  if (stream.lingering) std::erase(lingering_, id);
  if (stream.connecting) std::erase(connecting_, id);
  if (id < max_streams_) free_.push_back(id);
  app_.app.on_stream_closed(now, id);
}

Instant FrameLoop::next_linger_end() const {
  return lingering_.empty() ? Instant::never() : streams_[lingering_.front()].close_at;
}

// ---- addresses ------------------------------------------------------------------------------------------------------

bool FrameLoop::can_serve() const {
  using Origin = net::AssignedAddress::Origin;
  return std::ranges::any_of(stack_->addresses(), [](const net::AssignedAddress& own) {
    return own.condition != net::AssignedAddress::Condition::duplicate && own.origin != Origin::link_local;
  });
}

void FrameLoop::on_stack_event(const net::StackEvent& event) {
  using Kind = net::StackEvent::Kind;
  TextBuffer<64> address;
  event.address.write_text(address.writer());
  switch (event.kind) {
    case Kind::address_up:
      log(Level::info, "address ", address.view());
      for (const Endpoint& local : config_.listen) {
        // Link-local addresses are answered too, but nobody waits for them.
        const bool all =
            local.address.is_unspecified() && local.address.family() == event.address.family() && !is_link_local(event.address);
        if ((all || local.address == event.address) && ready_.size() < ready_.capacity()) {
          ready_.push_back({event.address, local.port});
        }
      }
      break;
    case Kind::address_down: log(Level::warning, "address ", address.view(), " is gone"); break;
    case Kind::address_duplicate:
      log(Level::error, "address ", address.view(), " is used by another machine on this link; it is given up");
      if (!config_.dhcp && !can_serve()) {
        TextWriter trouble(trouble_);
        trouble.put("every address of this image is used by another machine on the link");
        trouble_size_ = trouble.size();
      }
      break;
    case Kind::address_conflict:
      log(Level::warning, "address ", address.view(), " is also used by another machine on this link");
      break;
    case Kind::dhcp_unusable:
      log(Level::warning, "a DHCP server gives an address that no host of its subnet can have, or an unusable mask; not taken");
      break;
    case Kind::dhcp_failed: log(Level::warning, "no DHCP server answers; still trying"); break;
    case Kind::gateway_unreachable: log(Level::warning, "gateway ", address.view(), " does not answer"); break;
    case Kind::udp_unreachable: break;  // an answer nobody waited for
  }
}

}  // namespace samara::runtime
