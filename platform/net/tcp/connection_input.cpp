// Segments that arrive, in the order of RFC 9293 section 3.10.7.4: timestamps, sequence number, RST, SYN, ACK, URG, text, FIN.
#include "platform/net/tcp/connection.h"
#include "platform/net/tcp/isn.h"

namespace samara::net::tcp {

void Connection::on_segment(Instant now, const Segment& received, bool may_establish, Shared& shared) {
  if (finished_) return;
  if (state_ == State::syn_sent) {
    on_segment_syn_sent(now, received, shared);
    return;
  }
  Segment segment = received;
  if (!check_sequence(now, segment, shared) || !check_reset(now, segment, shared) || !check_syn(now, segment, shared)) return;
  if (!check_ack(now, segment, may_establish, shared) || finished_) return;
  on_believed(now, segment);
  on_text(now, segment, shared);
}

// RFC 9293 section 3.10.7.3.
void Connection::on_segment_syn_sent(Instant now, const Segment& segment, Shared& shared) {
  const SegmentHeader& header = segment.header;
  const bool acknowledged = segment.has(flag::ack);
  if (acknowledged && (!after(header.ack, send_.una()) || after(header.ack, send_.nxt()))) {
    refuse(now, segment, shared);
    return;
  }
  if (segment.has(flag::rst)) {
    if (!acknowledged) return;
    ++shared.counters.resets_received;
    finish(Error::refused, shared);
    return;
  }
  if (!segment.has(flag::syn)) return;
  last_heard_ = now;
  take_syn_options(now, segment);
  if (!acknowledged) {
    // Both ends have opened at once (section 3.5, MUST-10).
    state_ = State::syn_received;
    syn_due_ = true;
    return;
  }
  establish(now, segment);
  ++shared.counters.opened_active;
  ack_due_ = true;
  if (segment.payload.empty() && !segment.has(flag::fin)) return;
  Segment rest = segment;
  rest.header.seq = header.seq + 1;
  rest.header.flags = static_cast<u8>(header.flags & ~flag::syn);
  on_text(now, rest, shared);
}

// First. False: the segment goes no further. It loses what a closed window has no place for.
bool Connection::check_sequence(Instant now, Segment& segment, Shared& shared) {
  SegmentHeader& header = segment.header;
  const auto& timestamps = header.options.timestamps;
  if (timestamps_ && !segment.has(flag::rst)) {
    // RFC 7323 section 3.2: once agreed upon, they are in every segment.
    if (!timestamps) return false;
    if (!receive_.timestamp_fresh(now, timestamps->value)) {
      ++shared.counters.duplicates;
      challenge(now, shared);
      return false;
    }
  }
  if (state_ == State::syn_received && segment.has(flag::syn) && header.seq == receive_.irs()) {
    if (!segment.has(flag::ack)) {
      // Our SYN,ACK was lost.
      if (send_.flight() > 0) syn_due_ = true;
      return false;
    }
    // The other half of a simultaneous open: an acknowledgement as good as any.
    header.seq = header.seq + 1;
    header.flags = static_cast<u8>(header.flags & ~flag::syn);
  }
  if (!receive_.acceptable(header.seq, segment.length())) {
    if (receive_.window() != 0 || header.seq != receive_.nxt()) {
      if (segment.has(flag::rst)) return false;
      ++shared.counters.duplicates;
      // RFC 9293 section 3.10.7.4: the peer's FIN once more; another segment's says nothing.
      const bool fin_again = segment.has(flag::fin) && header.seq + segment.length() == receive_.nxt();
      if (state_ == State::time_wait && fin_again) enter_time_wait(now);
      // Answered so that the peer can find its place again; at a bounded rate where two ends could go on answering each other.
      if (segment.length() == 0) {
        challenge(now, shared);
      } else {
        ack_due_ = true;
      }
      return false;
    }
    // MUST-66: with a closed window, ACK, RST and URG are still good.
    segment.payload = {};
    header.flags = static_cast<u8>(header.flags & ~flag::fin);
    ack_due_ = true;
  }
  return true;
}

// RFC 5961 section 5.2: only now. Whoever guesses a sequence number, but not an acknowledgement, must not move TS.Recent into
// the future, where the peer's own segments would be old (RFC 7323 section 5.3 R3), nor keep the connection alive.
void Connection::on_believed(Instant now, const Segment& segment) {
  const auto& timestamps = segment.header.options.timestamps;
  if (timestamps_ && timestamps) receive_.on_timestamp(now, segment.header.seq, timestamps->value);
  last_heard_ = now;
  if (options_.keep_alive) restart_keep_alive();
}

// Second: RFC 5961 section 3.2.
bool Connection::check_reset(Instant now, const Segment& segment, Shared& shared) {
  if (!segment.has(flag::rst)) return true;
  if (segment.header.seq != receive_.nxt()) {
    challenge(now, shared);
    return false;
  }
  ++shared.counters.resets_received;
  switch (state_) {
    case State::syn_received:
      // MUST-11: a passive open goes back to LISTEN, of which nobody hears.
      finish(Error::refused, shared);
      break;
    case State::closing:
    case State::time_wait: finish(std::nullopt, shared); break;
    case State::last_ack: finish(send_.queued() != 0 ? std::optional(Error::reset) : std::nullopt, shared); break;
    case State::closed:
    case State::syn_sent:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait: finish(Error::reset, shared); break;
  }
  return false;
}

// Fourth: RFC 5961 section 4.2.
bool Connection::check_syn(Instant now, const Segment& segment, Shared& shared) {
  if (!segment.has(flag::syn)) return true;
  if (half_open()) {
    finish(std::nullopt, shared);
  } else {
    challenge(now, shared);
  }
  return false;
}

// Fifth.
bool Connection::check_ack(Instant now, const Segment& segment, bool may_establish, Shared& shared) {
  if (!segment.has(flag::ack)) return false;
  const SeqNumber ack = segment.header.ack;
  if (state_ == State::syn_received) {
    if (!after(ack, send_.una()) || after(ack, send_.nxt())) {
      refuse(now, segment, shared);
      return false;
    }
    // The peer believes to be connected and sends again; by then the user may have caught up.
    if (passive_ && !may_establish) return false;
    ++(passive_ ? shared.counters.opened_passive : shared.counters.opened_active);
    establish(now, segment);
    return true;
  }
  // RFC 5961 section 5.2: nothing acknowledges what was never sent, or what is older than any window was.
  if (after(ack, send_.nxt()) || before(ack, send_.una() - send_.max_window())) {
    challenge(now, shared);
    return false;
  }
  if (!before(ack, send_.una())) on_ack(now, segment, shared);
  return true;
}

void Connection::on_ack(Instant now, const Segment& segment, Shared& shared) {
  std::optional<Duration> echoed;
  if (timestamps_) {
    // RFC 7323 section 4.1; what claims to be older than the longest timeout is no measurement.
    const u32 age = ts_now(now) - segment.header.options.timestamps.value_or(Timestamps{}).echo;
    if (age <= static_cast<u32>(RoundTrip::max_timeout.milliseconds())) echoed = Duration::milliseconds(age);
  }
  const auto result = send_.on_ack(now, segment, window_of(segment), echoed, source(shared));
  if (result.fast_retransmit) ++shared.counters.fast_retransmits;
  if (result.advanced || result.window_opened) {
    // RFC 6298 sections 5.2 and 5.3.
    timers_.retransmit = send_.flight() > 0 ? now + send_.timeout() : Instant::never();
    timers_.persist = Instant::never();
    force_ = probe_due_ = false;
    reported_r1_ = false;
    on_blocks_free(shared);
  }
  if (!send_.fin_acked()) return;
  switch (state_) {
    case State::fin_wait_1: enter_fin_wait_2(now); break;
    case State::closing: enter_time_wait(now); break;
    case State::last_ack: finish(std::nullopt, shared); break;
    case State::closed:
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::fin_wait_2:
    case State::close_wait:
    case State::time_wait: break;
  }
}

// Sixth to eighth.
void Connection::on_text(Instant now, const Segment& segment, Shared& shared) {
  if (state_ != State::established && state_ != State::fin_wait_1 && state_ != State::fin_wait_2) return;
  const SegmentHeader& header = segment.header;
  if (segment.has(flag::urg) && receive_.on_urgent(header.seq, header.urgent)) tell(Event::Kind::urgent);
  if (segment.payload.empty() && !segment.has(flag::fin)) return;
  const bool was_empty = receive_.readable() == 0;
  const auto taken = receive_.on_text(segment, header.seq, source(shared));
  if (taken.out_of_order) ++shared.counters.out_of_order;
  if (taken.duplicate) ++shared.counters.duplicates;
  if (taken.no_memory) ++shared.counters.dropped_no_memory;
  if (taken.advanced != 0) {
    if (orphaned_) {
      receive_.discard(source(shared));
    } else if (was_empty) {
      tell(Event::Kind::readable);
    }
  }
  if (taken.acknowledge) {
    ack_due_ = true;
  } else if (!ack_due_ && timers_.delayed_ack == Instant::never()) {
    timers_.delayed_ack = now + ack_delay;
  }
  if (taken.fin) on_fin(now);
}

void Connection::on_fin(Instant now) {
  tell(Event::Kind::end);
  switch (state_) {
    case State::established: state_ = State::close_wait; break;
    case State::fin_wait_1: state_ = State::closing; break;  // our FIN's acknowledgement would have led to FIN-WAIT-2
    case State::fin_wait_2: enter_time_wait(now); break;
    case State::closed:
    case State::syn_sent:
    case State::syn_received:
    case State::close_wait:
    case State::closing:
    case State::last_ack:
    case State::time_wait: break;
  }
}

}  // namespace samara::net::tcp
