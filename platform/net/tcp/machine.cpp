#include "platform/net/tcp/machine.h"

#include "platform/net/tcp/segment_output.h"
#include "platform/net/wire/checksum.h"

namespace samara::net::tcp {
namespace {

// A connection that holds blocks of others and has not got on by one of them for so long may lose its place when they are
// short. A path of 10 kbit/s carries a block in less.
constexpr Duration stuck_limit = Duration::seconds(2);
// Looking for the one that holds most costs a walk over all connections.
constexpr Duration relief_interval = Duration::milliseconds(20);
// A part of the table is kept for new connections as long as there are some that their users have let go of: so many can come
// in a turn before the user has heard that those are gone.
constexpr u32 kept_for_new(u32 connections) {
  return std::min<u32>(connections / 16, 64);
}

}  // namespace

Tcp::Machine::Machine(const Capacity& capacity, Rng& rng)
    : capacity_(capacity),
      blocks_(BlockBudget::blocks_for(capacity.blocks, capacity.connections)),
      shared_{capacity_, blocks_, budget_, counters_, replies_, false},
      flows_(capacity.connections + capacity.time_wait, rng),
      deadlines_(capacity.connections),
      listeners_(capacity.listeners),
      time_wait_(capacity.time_wait),
      cookies_(rng),
      numbers_(rng),
      ports_(rng),
      budget_(capacity.blocks, capacity.connections, rng.u64_value()),
      rows_((capacity.connections + connections_a_piece - 1) / connections_a_piece),
      free_(capacity.connections),
      ready_(capacity.connections),
      eventful_(capacity.connections),
      half_open_(capacity.connections),
      hungry_(capacity.connections),
      orphans_(capacity.connections) {
  entries_.reserve(capacity.connections);
  for (auto& piece : rows_) piece = PlainVector<BlockRing::Row>(connections_a_piece * Connection::rows_for(capacity));
}

void Tcp::Machine::renew_secrets(Rng& rng) {
  cookies_ = SynCookies(rng);
  numbers_ = InitialNumbers(rng);
  ports_ = EphemeralPorts(rng);
}

Instant Tcp::Machine::next_deadline() const {
  return std::min(deadlines_.earliest(), time_wait_.next_deadline());
}

const Connection* Tcp::Machine::find(ConnectionId id) const {
  if (id.index >= entries_.size()) return nullptr;
  const Entry& entry = entries_[id.index];
  if (!entry.in_use || entry.generation != id.generation || entry.connection.orphaned()) return nullptr;
  return &entry.connection;
}

Connection* Tcp::Machine::find(ConnectionId id) {
  if (std::as_const(*this).find(id) == nullptr) return nullptr;
  return &entries_[id.index].connection;
}

// ---- Entries

void Tcp::Machine::evict_half_open(Instant now) {
  const u32 oldest = half_open_.front();
  if (oldest == none) return;
  ++counters_.evicted_half_open;
  entries_[oldest].connection.drop(std::nullopt, shared_);
  settle(now, oldest);
}

// Nobody waits for what it still sends but its peer, who had the time of all that came after it.
void Tcp::Machine::evict_orphan(Instant now) {
  const u32 oldest = orphans_.front();
  if (oldest == none) return;
  ++counters_.evicted_orphans;
  entries_[oldest].connection.evict(now, shared_);
  settle(now, oldest);
}

// Blocks are short: of the connections that get nowhere, the one that holds most in the prefix that holds most goes.
void Tcp::Machine::relieve_pool(Instant now) {
  relieve_again_ = now + relief_interval;
  u32 worst = none;
  for (u32 i = 0; i < entries_.size(); ++i) {
    const Connection& connection = entries_[i].connection;
    if (!entries_[i].in_use || connection.lent() == 0 || now - connection.stuck_since() < stuck_limit) continue;
    if (worst != none) {
      const Connection& other = entries_[worst].connection;
      const auto weight = [this](const Connection& c) { return std::pair(budget_.lent_to(c.group()), c.lent()); };
      if (weight(connection) <= weight(other)) continue;
    }
    worst = i;
  }
  if (worst == none) return;
  ++counters_.evicted_holders;
  entries_[worst].connection.evict(now, shared_);
  settle(now, worst);
}

// For a connection that is known to be meant: in a table that is nearly full it takes the place of the oldest orphan, in a full
// one that of the oldest half-open one. Entries are made when they are needed for the first time, in memory that is there: most
// of a large table is never touched.
std::optional<u32> Tcp::Machine::take_entry(Instant now, const IpAddress& peer) {
  if (in_use_ + kept_for_new(capacity_.connections) >= capacity_.connections) evict_orphan(now);
  if (full()) evict_half_open(now);
  u32 index = free_.pop_front();
  if (index == none) {
    if (full()) return std::nullopt;
    index = static_cast<u32>(entries_.size());
    const size_t rows = Connection::rows_for(capacity_);
    PlainVector<BlockRing::Row>& piece = rows_[index / connections_a_piece];
    entries_.emplace_back(capacity_, std::span(piece).subspan(index % connections_a_piece * rows, rows));
  }
  entries_[index].in_use = true;
  entries_[index].group = budget_.join(prefix_number(peer, capacity_.prefixes));
  ++in_use_;
  return index;
}

void Tcp::Machine::release(u32 index) {
  Entry& entry = entries_[index];
  entry.in_use = false;
  ++entry.generation;
  --in_use_;
  eventful_.remove(index);
  budget_.leave(entry.group);
  free_.push_back(index);
}

// Brings the lists and the clock up to date with what a connection has become.
void Tcp::Machine::settle(Instant now, u32 index) {
  Connection& connection = entries_[index].connection;
  if (!entries_[index].in_use) return;
  if (connection.lingers() && (connection.orphaned() || connection.readable() == 0)) linger(now, index);
  if (connection.finished()) {
    if (flows_.find(connection.flow()) == index) flows_.remove(index);
    ready_.remove(index);
  } else {
    ready_.push_back(index);
  }
  connection.note_progress(now);
  half_open_.set(index, connection.half_open());
  orphans_.set(index, connection.orphaned() && !connection.finished());
  shared_.many_half_open = half_open_.size() > capacity_.half_open / 2;
  deadlines_.set(index, connection.next_deadline());
  hungry_.set(index, connection.wants_room());
  eventful_.set(index, connection.has_event());
  if (connection.gone()) release(index);
  if (budget_.left() <= budget_.lendable() / 8 && now >= relieve_again_) relieve_pool(now);
  // Whoever waits for room gets a look at what has become free, one at a time.
  const u32 hungry = hungry_.front();
  if (hungry == none || hungry == index) return;
  Connection& waiting = entries_[hungry].connection;
  waiting.on_blocks_free(shared_);
  hungry_.remove(hungry);
  hungry_.set(hungry, waiting.wants_room());
  eventful_.set(hungry, waiting.has_event());
}

// From here on 2 MSL need a few words only.
void Tcp::Machine::linger(Instant now, u32 index) {
  Connection& connection = entries_[index].connection;
  if (capacity_.time_wait == 0) {
    connection.finish_time_wait(shared_);
    return;
  }
  if (time_wait_.full()) {
    ++counters_.evicted_time_wait;
    remove_time_wait(time_wait_.oldest());
  }
  const u32 wait = time_wait_.add(now, connection.time_wait());
  flows_.remove(index);
  flows_.insert(time_wait_entry(wait), connection.flow());
  // The acknowledgement of the peer's FIN, if it is still to be sent.
  const TimeWait& entry = time_wait_.at(wait);
  if (connection.ack_due()) {
    replies_.push({connection.flow(), time_wait_.answer(now, wait), entry.hop_limit, entry.traffic_class});
  }
  connection.finish_time_wait(shared_);
}

void Tcp::Machine::remove_time_wait(u32 wait) {
  flows_.remove(time_wait_entry(wait));
  time_wait_.remove(wait);
}

// ---- Inputs

bool Tcp::Machine::on_segment(Instant now, const IpPacket& packet) {
  ++counters_.segments_in;
  const auto parsed = parse_segment(packet.payload);
  // MUST-57, MUST-63: neither to nor from many.
  if (!parsed.ok() || !packet.unicast || !is_one_host(packet.source) || !is_one_host(packet.destination) ||
      packet.source.family() != packet.destination.family()) {
    ++counters_.malformed;
    return false;
  }
  if (!packet.checksum_known) {
    ChecksumSum sum;
    sum.add_pseudo_header(packet.source, packet.destination, static_cast<u8>(Protocol::tcp),
                          static_cast<u32>(packet.payload.size()));
    sum.add(packet.payload);
    if (sum.finish() != 0) {
      ++counters_.bad_checksum;
      return false;
    }
  }
  const Segment& segment = parsed.value();
  const Flow flow{{packet.destination, segment.header.destination}, {packet.source, segment.header.source}};
  const u32 entry = flows_.find(flow);
  if (entry == none) {
    on_new_flow(now, flow, segment);
  } else if (entry >= capacity_.connections) {
    on_time_wait(now, entry - capacity_.connections, flow, segment);
  } else {
    Connection& connection = entries_[entry].connection;
    const bool was_half_open = connection.half_open();
    const bool may_establish = !was_half_open || !backlog_full(connection.listener());
    const SeqNumber una = connection.una();
    connection.on_segment(now, segment, may_establish, shared_);
    const bool progress = after(connection.una(), una);
    if (was_half_open && !connection.half_open() && !connection.finished()) {
      if (Listener* listener = listeners_.get(connection.listener())) ++listener->untold;
    }
    settle(now, entry);
    return progress;
  }
  return false;
}

bool Tcp::Machine::backlog_full(ListenerId id) {
  const Listener* listener = listeners_.get(id);
  return listener == nullptr || listener->untold >= listener->backlog;
}

// RFC 9293 sections 3.10.7.1 and 3.10.7.2.
void Tcp::Machine::on_new_flow(Instant now, const Flow& flow, const Segment& segment) {
  const auto listener = listeners_.find(flow.local);
  if (!listener || segment.has(flag::rst)) {
    refuse(flow, segment);
    return;
  }
  if (segment.has(flag::ack)) {
    if (segment.has(flag::syn) || !on_cookie(now, *listener, flow, segment)) refuse(flow, segment);
    return;
  }
  if (segment.has(flag::syn)) on_syn(now, *listener, flow, segment, numbers_.sequence(now, flow));
}

void Tcp::Machine::on_time_wait(Instant now, u32 wait, const Flow& flow, const Segment& segment) {
  auto verdict = time_wait_.on_segment(now, wait, segment);
  const auto listener = listeners_.find(flow.local);
  if (verdict == TimeWaitTable::Verdict::reopen && !listener) verdict = TimeWaitTable::Verdict::answer;
  if (verdict == TimeWaitTable::Verdict::answer) {
    replies_.push({flow, time_wait_.answer(now, wait), time_wait_.at(wait).hop_limit, time_wait_.at(wait).traffic_class});
  }
  if (verdict != TimeWaitTable::Verdict::reopen) return;
  // MAY-2: our numbers too go on beyond the old connection's.
  const SeqNumber iss = later(numbers_.sequence(now, flow), time_wait_.at(wait).snd_nxt + 65'536);
  remove_time_wait(wait);
  on_syn(now, *listener, flow, segment, iss);
}

void Tcp::Machine::on_syn(Instant now, ListenerId id, const Flow& flow, const Segment& syn, SeqNumber iss) {
  const Listener& listener = *listeners_.get(id);
  // Somebody who does not take what is established gets no more; the peer tries again.
  if (backlog_full(id)) {
    ++counters_.refused_full;
    return;
  }
  if (half_open_.size() >= capacity_.half_open || full()) {
    send_cookie(now, listener, flow, syn);
    return;
  }
  const auto index = take_entry(now, flow.peer.address);
  if (!index) return;
  flows_.insert(*index, flow);
  entries_[*index].connection.open_passive(now, opening(*index, flow, iss, listener.options, id, path_mtu(flow.peer.address)),
                                           syn, shared_);
  settle(now, *index);
}

void Tcp::Machine::send_cookie(Instant now, const Listener& listener, const Flow& flow, const Segment& syn) {
  const u16 headers = flow.peer.address.is_v4() ? 40 : 60;
  const u32 clock = timestamp_clock(now) + numbers_.timestamp_offset(flow);
  const auto cookie = cookies_.make(now, flow, syn, clock, flow.peer.address.is_v4() ? 536 : 1220);
  SegmentHeader answer;
  answer.seq = cookie.seq;
  answer.ack = syn.header.seq + 1;
  answer.flags = flag::syn | flag::ack;
  // What every connection has for itself: nothing is lent to who may not exist.
  answer.window = static_cast<u16>(std::min<u32>(capacity_.receive_limit, BlockBudget::own_blocks * block_size));
  answer.options.mss = static_cast<u16>(link_mtu_ - headers);
  if (cookie.agreed.timestamps) {
    answer.options.timestamps = Timestamps{cookie.timestamp, syn.header.options.timestamps->value};
    if (cookie.agreed.window_scale) answer.options.window_scale = ReceiveHalf::scale_for(capacity_.receive_limit);
    answer.options.sack_permitted = cookie.agreed.sack_permitted;
  }
  if (replies_.push({flow, answer, listener.options.hop_limit, listener.options.traffic_class})) ++counters_.cookies_sent;
}

bool Tcp::Machine::on_cookie(Instant now, ListenerId id, const Flow& flow, const Segment& ack) {
  const auto agreed = cookies_.check(now, flow, ack);
  if (!agreed) {
    ++counters_.cookies_bad;
    return false;
  }
  // The peer is real: when there is no place now, it may try again.
  if (backlog_full(id)) {
    ++counters_.refused_full;
    return true;
  }
  const auto index = take_entry(now, flow.peer.address);
  if (!index) {
    ++counters_.refused_full;
    return true;
  }
  ++counters_.cookies_good;
  Listener& listener = *listeners_.get(id);
  ++listener.untold;
  flows_.insert(*index, flow);
  entries_[*index].connection.open_by_cookie(
      now, opening(*index, flow, ack.header.ack - 1, listener.options, id, path_mtu(flow.peer.address)), ack, *agreed, shared_);
  if (entries_[*index].connection.half_open()) {
    --listener.untold;
    entries_[*index].connection.drop(std::nullopt, shared_);
  }
  settle(now, *index);
  return true;
}

void Tcp::Machine::refuse(const Flow& flow, const Segment& segment) {
  const auto reset = reset_for(segment);
  if (reset && replies_.push({flow, *reset})) ++counters_.resets_sent;
}

bool Tcp::Machine::on_delivery_error(Instant now, DeliveryError error, const IpAddress& local, const IpAddress& peer,
                                     Bytes quoted) {
  if (quoted.size() < 8) return false;
  const u32 entry = flows_.find({{local, Port(load_be16(quoted, 0))}, {peer, Port(load_be16(quoted, 2))}});
  if (entry == none || entry >= capacity_.connections) return false;
  Connection& connection = entries_[entry].connection;
  if (!connection.is_under_way(SeqNumber(load_be32(quoted, 4)))) return false;
  connection.on_delivery_error(error, shared_);
  settle(now, entry);
  return true;
}

void Tcp::Machine::on_path_mtu(Instant now, const IpAddress& peer, u16 mtu) {
  for (u32 i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].in_use || entries_[i].connection.flow().peer.address != peer) continue;
    entries_[i].connection.on_path_mtu(now, std::min(mtu, link_mtu_));
    settle(now, i);
  }
}

void Tcp::Machine::on_address_removed(Instant now, const IpAddress& address) {
  for (u32 i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].in_use || entries_[i].connection.flow().local.address != address) continue;
    entries_[i].connection.drop(Error::unreachable, shared_);
    settle(now, i);
  }
  for (u32 i = 0; i < time_wait_.ever_used(); ++i) {
    const u32 entry = time_wait_entry(i);
    if (flows_.flow(entry).local.address == address && flows_.find(flows_.flow(entry)) == entry) remove_time_wait(i);
  }
}

void Tcp::Machine::on_deadline(Instant now) {
  // Once each: what is due again at the same moment waits for the next call.
  for (u32 i = 0; i < capacity_.connections && deadlines_.earliest() <= now; ++i) {
    const u32 index = deadlines_.earliest_index();
    Connection& connection = entries_[index].connection;
    if (connection.on_deadline(now, shared_)) {
      if (suspect_count_ < suspects_.size()) suspects_[suspect_count_++] = connection.flow().peer.address;
    }
    settle(now, index);
  }
  while (time_wait_.next_deadline() <= now) remove_time_wait(time_wait_.oldest());
}

// ---- Commands

// RFC 9293 section 3.10.4: what was only half open goes with its listener; the peer learns it when it sends again.
void Tcp::Machine::close(ListenerId id) {
  listeners_.close(id);
  for (u32 i = 0; i < entries_.size(); ++i) {
    Connection& connection = entries_[i].connection;
    if (!half_open_.contains(i) || connection.listener() != id) continue;
    connection.drop(std::nullopt, shared_);
    settle(Instant(), i);
  }
}

bool Tcp::Machine::port_taken(Flow flow, Port port) {
  flow.local.port = port;
  return flows_.find(flow) != none || listeners_.find(flow.local).has_value();
}

Connection::Opening Tcp::Machine::opening(u32 index, const Flow& flow, SeqNumber iss, const Options& options,
                                          ListenerId listener, u16 mtu) const {
  return {.flow = flow,
          .iss = iss,
          .ts_offset = numbers_.timestamp_offset(flow),
          .link_mtu = link_mtu_,
          .path_mtu = std::min(mtu, link_mtu_),
          .options = options,
          .listener = listener,
          .group = entries_[index].group};
}

Result<ConnectionId, Error> Tcp::Machine::connect(Instant now, Endpoint local, const Endpoint& peer, u16 mtu,
                                                  const Options& options) {
  // MUST-44, MUST-46.
  if (!is_one_host(peer.address) || peer.port == Port(0)) return fail(Error::bad_address);
  if (local.address.is_unspecified() && ip_ != nullptr) {
    const auto source = ip_->source_for(peer.address);
    if (!source) return fail(Error::bad_address);
    local.address = *source;
  }
  if (!is_one_host(local.address) || local.address.family() != peer.address.family()) return fail(Error::bad_address);
  Flow flow{local, peer};
  if (local.port == Port(0)) {
    const auto port = ports_.choose(flow, [&](Port candidate) { return port_taken(flow, candidate); });
    if (!port) return fail(Error::no_port);
    flow.local.port = *port;
  } else if (flows_.find(flow) != none) {
    return fail(Error::address_in_use);
  }
  const auto index = take_entry(now, peer.address);
  if (!index) return fail(Error::table_full);
  flows_.insert(*index, flow);
  Connection& connection = entries_[*index].connection;
  const u16 known = mtu != 0 ? mtu : path_mtu(peer.address);
  connection.open_active(now, opening(*index, flow, numbers_.sequence(now, flow), options, {}, known), shared_);
  settle(now, *index);
  return ConnectionId{*index, entries_[*index].generation};
}

// ---- Outputs

std::optional<OutgoingPacket> Tcp::Machine::poll_segment(Instant now, FrameSlot& slot) {
  // Without room for a header and some data, nothing can be sent.
  if (slot.payload_room().size() <= max_header_size) return std::nullopt;
  if (auto reply = replies_.pop()) {
    reply->header.source = reply->flow.local.port;
    reply->header.destination = reply->flow.peer.port;
    finish_segment(slot, reply->flow, reply->header, 0, shared_.checksum_offload);
    ++counters_.segments_out;
    return outgoing(reply->flow, reply->hop_limit, reply->traffic_class, true);
  }
  // One segment each, in turn.
  for (u32 index = ready_.pop_front(); index != none; index = ready_.pop_front()) {
    Connection& connection = entries_[index].connection;
    const auto packet = connection.poll(now, slot, shared_);
    deadlines_.set(index, connection.next_deadline());
    if (!packet) continue;
    ready_.push_back(index);
    return packet;
  }
  return std::nullopt;
}

std::optional<Event> Tcp::Machine::poll_event() {
  for (u32 index = eventful_.front(); index != none; index = eventful_.front()) {
    Entry& entry = entries_[index];
    const ConnectionId self{index, entry.generation};
    const auto event = entry.connection.poll_event(self);
    eventful_.remove(index);
    eventful_.set(index, entry.connection.has_event());
    if (event && event->kind == Event::Kind::accepted) {
      if (Listener* listener = listeners_.get(event->listener); listener != nullptr && listener->untold > 0) --listener->untold;
    }
    if (entry.connection.gone()) release(index);
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<IpAddress> Tcp::Machine::poll_suspect_path() {
  if (suspect_count_ == 0) return std::nullopt;
  return suspects_[--suspect_count_];
}

}  // namespace samara::net::tcp
