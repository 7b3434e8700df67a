#include "platform/net/tcp/connection.h"

#include "platform/net/tcp/isn.h"

namespace samara::net::tcp {

void Connection::reset(Instant now, const Opening& opening, const Shared& shared, u32 first_window) {
  flow_ = opening.flow;
  listener_ = opening.listener;
  options_ = opening.options;
  passive_ = orphaned_ = finished_ = announced_ = closed_told_ = false;
  error_.reset();
  trouble_.reset();
  events_ = 0;
  wants_room_ = false;
  send_.open(opening.iss);
  receive_.open(first_window);
  group_ = opening.group;
  progress_ = receive_.consumed().value() + send_.una().value();
  stuck_since_ = now;
  path_ = PathMtu(flow_.peer.address.family(), opening.path_mtu);
  link_mtu_ = opening.link_mtu;
  // MUST-15: what every host takes, if the peer says nothing else.
  peer_mss_ = flow_.peer.address.is_v4() ? 536 : 1220;
  send_scale_ = 0;
  timestamps_ = sack_ = scaled_ = false;
  ts_offset_ = opening.ts_offset;
  timers_ = Timers();
  syn_due_ = ack_due_ = ack_wanted_ = probe_due_ = keep_alive_due_ = force_ = false;
  last_heard_ = now;
  keep_alives_ = challenges_ = 0;
  challenge_second_ = resend_again_at_ = now;
  reported_r1_ = false;
  receive_.set_scale(ReceiveHalf::scale_for(shared.capacity.receive_limit));
}

void Connection::open_active(Instant now, const Opening& opening, const Shared& shared) {
  reset(now, opening, shared, shared.capacity.receive_limit);  // whoever asks expects an answer
  announced_ = true;
  state_ = State::syn_sent;
  syn_due_ = true;
}

void Connection::open_passive(Instant now, const Opening& opening, const Segment& syn, const Shared& shared) {
  reset(now, opening, shared, shared.capacity.first_window);
  passive_ = true;
  state_ = State::syn_received;
  take_syn_options(now, syn);
  syn_due_ = true;
}

void Connection::open_by_cookie(Instant now, const Opening& opening, const Segment& ack, const SynCookies::Agreed& agreed,
                                Shared& shared) {
  reset(now, opening, shared, shared.capacity.first_window);
  passive_ = true;
  state_ = State::syn_received;
  Segment syn;
  syn.header.seq = ack.header.seq - 1;
  syn.header.flags = flag::syn;
  syn.header.options.mss = agreed.mss;
  syn.header.options.window_scale = agreed.window_scale;
  syn.header.options.sack_permitted = agreed.sack_permitted;
  if (agreed.timestamps) syn.header.options.timestamps = ack.header.options.timestamps;
  take_syn_options(now, syn);
  send_.on_syn_sent(now);
  receive_.offer_window(source(shared), true);
  on_segment(now, ack, true, shared);
}

// What the peer's SYN says, and what both agree on by it.
void Connection::take_syn_options(Instant now, const Segment& syn) {
  const SegmentOptions& offered = syn.header.options;
  receive_.start(syn.header.seq);
  if (offered.mss) peer_mss_ = std::max<u16>(*offered.mss, 64);  // a segment of nothing but header would never get anywhere
  sack_ = offered.sack_permitted;
  scaled_ = offered.window_scale.has_value();
  send_scale_ = offered.window_scale.value_or(0);
  if (!scaled_) receive_.set_scale(0);
  timestamps_ = offered.timestamps.has_value();
  if (timestamps_) receive_.on_timestamp(now, syn.header.seq, offered.timestamps->value);
}

u32 Connection::ts_now(Instant now) const {
  return timestamp_clock(now) + ts_offset_;
}

// MUST-16: Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize.
u32 Connection::payload_limit() const {
  const u32 mss = std::min<u32>(peer_mss_, path_.max_segment());
  return mss - (timestamps_ ? static_cast<u32>(timestamps_size) : 0);
}

void Connection::establish(Instant now, const Segment& segment) {
  const bool syn_lost = send_.retries() > 0;
  // RFC 7323 section 2.2: the window of a SYN is never scaled.
  const u32 window = segment.has(flag::syn) ? segment.header.window : window_of(segment);
  send_.start(now, payload_limit(), sack_, syn_lost, segment.header.seq, segment.header.ack, window);
  state_ = send_.fin_queued() ? State::fin_wait_1 : State::established;
  timers_.retransmit = Instant::never();
  syn_due_ = reported_r1_ = false;
  announced_ = true;
  tell(passive_ ? Event::Kind::accepted : Event::Kind::connected);
  if (wants_room_) tell(Event::Kind::writable);
  restart_keep_alive();
}

void Connection::finish(std::optional<Error> error, Shared& shared) {
  if (finished_) return;
  finished_ = true;
  state_ = State::closed;
  error_ = error;
  timers_ = Timers();
  send_.clear(source(shared));
  receive_.end(source(shared));
  // RFC 9293 section 3.10.7.4: a reset flushes what was received, too.
  if (error || orphaned_ || !announced_) receive_.clear(source(shared));
  syn_due_ = ack_due_ = ack_wanted_ = probe_due_ = keep_alive_due_ = false;
}

void Connection::reset_peer(Instant now, SeqNumber seq, Shared& shared) {
  SegmentHeader reset;
  reset.seq = seq;
  reset.ack = receive_.nxt();
  reset.flags = flag::rst | (state_ == State::syn_sent ? 0 : flag::ack);
  // RFC 7323 section 3.2: peers need not believe one without.
  if (timestamps_) reset.options.timestamps = Timestamps{ts_now(now), receive_.ts_recent()};
  if (shared.replies.push({flow_, reset, options_.hop_limit, options_.traffic_class})) ++shared.counters.resets_sent;
}

// Answers an acknowledgement of what was never sent during the handshake.
void Connection::refuse(Instant now, const Segment& segment, Shared& shared) {
  auto reset = reset_for(segment);
  if (reset && timestamps_) reset->options.timestamps = Timestamps{ts_now(now), receive_.ts_recent()};
  if (reset && shared.replies.push({flow_, *reset, options_.hop_limit, options_.traffic_class})) ++shared.counters.resets_sent;
}

// RFC 5961 section 3: tell the peer where we stand; if it meant it, it answers so that we can believe it.
void Connection::challenge(Instant now, Shared& shared) {
  if (now - challenge_second_ >= Duration::seconds(1)) {
    challenge_second_ = now;
    challenges_ = 0;
  }
  if (challenges_ >= challenges_per_second) return;
  ++challenges_;
  ++shared.counters.challenge_acks;
  ack_due_ = true;
}

void Connection::enter_time_wait(Instant now) {
  state_ = State::time_wait;
  timers_ = Timers();
  timers_.linger = now + time_wait_period;
}

void Connection::enter_fin_wait_2(Instant now) {
  state_ = State::fin_wait_2;
  if (orphaned_) timers_.linger = now + orphan_timeout;
}

TimeWait Connection::time_wait() const {
  TimeWait wait;
  wait.snd_nxt = send_.nxt();
  wait.rcv_nxt = receive_.nxt();
  wait.window = static_cast<u16>(std::min<u32>(receive_.window() >> receive_.scale(), 0xffff));
  wait.timestamps = timestamps_;
  wait.ts_recent = receive_.ts_recent();
  wait.ts_offset = ts_offset_;
  wait.hop_limit = options_.hop_limit;
  wait.traffic_class = options_.traffic_class;
  return wait;
}

bool Connection::sendable_state() const {
  if (finished_ || send_.fin_queued()) return false;
  return state_ == State::syn_sent || state_ == State::syn_received || state_ == State::established ||
         state_ == State::close_wait;
}

u32 Connection::room(const Shared& shared) const {
  if (!sendable_state()) return 0;
  const u32 limit = shared.capacity.send_limit - std::min(shared.capacity.send_limit, send_.queued());
  return static_cast<u32>(std::min<u64>(limit, send_.queue().room(shared.budget, group_)));
}

Result<size_t, Error> Connection::send(Bytes octets, bool push, Shared& shared) {
  if (!sendable_state()) return fail(Error::not_connected);
  const size_t wanted = octets.size();
  const Bytes fits = octets.first(std::min<size_t>(wanted, room(shared)));
  const size_t taken = send_.append(source(shared), fits, push || fits.size() < wanted);
  if (taken < wanted) wants_room_ = true;
  return taken;
}

void Connection::on_blocks_free(const Shared& shared) {
  if (!wants_room_) return;
  // A quarter of the limit at least, so that the user is not woken for every segment; or all there is, where that is less.
  const u32 worthwhile = send_.queued() == 0 ? 1 : std::min<u32>(shared.capacity.send_limit / 4, 4 * block_size);
  if (room(shared) < worthwhile) return;
  wants_room_ = false;
  tell(Event::Kind::writable);
}

Result<size_t, Error> Connection::receive(MutableBytes into, Shared& shared) {
  size_t count = 0;
  const bool window_update = receive_.read(source(shared), into, count);
  if (count != 0 && window_update && !finished_ && state_ != State::time_wait) ack_due_ = true;
  return count;
}

Result<void, Error> Connection::shutdown() {
  if (finished_) return fail(Error::not_connected);
  if (send_.fin_queued()) return {};
  switch (state_) {
    case State::syn_sent:
    case State::syn_received: send_.queue_fin(); return {};
    case State::established:
      send_.queue_fin();
      state_ = State::fin_wait_1;
      return {};
    case State::close_wait:
      send_.queue_fin();
      state_ = State::last_ack;
      return {};
    case State::closed:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return fail(Error::not_connected);
  }
  return fail(Error::not_connected);
}

Result<void, Error> Connection::mark_urgent() {
  if (!sendable_state()) return fail(Error::not_connected);
  send_.mark_urgent();
  return {};
}

void Connection::close(Instant now, Shared& shared) {
  const bool unread = readable() != 0;
  orphaned_ = true;
  events_ = 0;
  if (finished_) {
    receive_.clear(source(shared));
    return;
  }
  // SHLD-3: what the user never read is lost, and the peer should know.
  if (unread && state_ != State::time_wait) {
    reset_peer(now, send_.nxt(), shared);
    finish(std::nullopt, shared);
    return;
  }
  receive_.discard(source(shared));
  if (state_ == State::syn_sent) {
    finish(std::nullopt, shared);
    return;
  }
  (void)shutdown().ok();
  if (state_ == State::fin_wait_2) timers_.linger = now + orphan_timeout;
}

void Connection::abort(Instant now, Shared& shared) {
  orphaned_ = true;
  events_ = 0;
  // RFC 9293 section 3.10.5: there is nobody to tell in SYN-SENT, and nothing to tell after both FINs.
  if (!finished_ && state_ != State::syn_sent && state_ != State::time_wait) reset_peer(now, send_.nxt(), shared);
  finish(std::nullopt, shared);
  receive_.clear(source(shared));
}

void Connection::evict(Instant now, Shared& shared) {
  if (!finished_ && state_ != State::syn_sent && state_ != State::time_wait) reset_peer(now, send_.nxt(), shared);
  finish(Error::timed_out, shared);
  receive_.clear(source(shared));
}

void Connection::drop(std::optional<Error> error, Shared& shared) {
  finish(error, shared);
}

void Connection::set_options(const Options& options) {
  options_ = options;
  restart_keep_alive();
}

void Connection::restart_keep_alive() {
  keep_alives_ = 0;
  timers_.keep_alive = options_.keep_alive && !finished_ && state_ != State::syn_sent && state_ != State::syn_received &&
                               state_ != State::time_wait
                           ? last_heard_ + options_.keep_alive_idle
                           : Instant::never();
}

void Connection::on_path_mtu(Instant now, u16 mtu) {
  if (finished_) return;
  const u32 old = payload_limit();
  path_.learn(mtu);
  if (state_ == State::syn_sent || state_ == State::syn_received) return;
  send_.set_mss(payload_limit());
  // RFC 1191 section 6.4: what was too large is sent again at once, and the timeout has nothing to do with it; but no more
  // often than timeouts would, whatever number of routers says so.
  if (payload_limit() >= old || send_.flight() <= payload_limit() || send_.window() == 0 || now < resend_again_at_) return;
  send_.on_smaller_path();
  timers_.retransmit = resend_again_at_ = now + send_.timeout();
}

// RFC 5461 section 4, RFC 9293 section 3.9.2.2: hard errors end an attempt to connect; afterwards they are as soft as others.
void Connection::on_delivery_error(DeliveryError error, Shared& shared) {
  if (finished_ || error == DeliveryError::packet_too_big) return;
  if (error == DeliveryError::port_unreachable && state_ == State::syn_sent) {
    finish(Error::unreachable, shared);
    return;
  }
  trouble_ = Error::unreachable;
  tell(Event::Kind::trouble);
}

std::optional<Event> Connection::poll_event(ConnectionId self) {
  for (u8 kind = 0; kind < static_cast<u8>(Event::Kind::closed); ++kind) {
    const auto which = static_cast<Event::Kind>(kind);
    if ((events_ & bit(which)) == 0) continue;
    events_ &= static_cast<Bits>(~bit(which));
    Event event{.kind = which, .connection = self, .listener = {}, .error = {}};
    if (which == Event::Kind::accepted) event.listener = listener_;
    if (which == Event::Kind::trouble) event.error = trouble_;
    return event;
  }
  if (!told_all() || !announced_ || closed_told_) return std::nullopt;
  closed_told_ = true;
  return Event{.kind = Event::Kind::closed, .connection = self, .listener = {}, .error = error_};
}

}  // namespace samara::net::tcp
