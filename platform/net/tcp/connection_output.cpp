// Segments that go out, and the timers that make them (RFC 9293 section 3.10.8).
#include "platform/net/tcp/connection.h"
#include "platform/net/tcp/isn.h"
#include "platform/net/tcp/segment_output.h"

namespace samara::net::tcp {
namespace {

constexpr size_t max_options_size = max_header_size - min_header_size;

}  // namespace

std::optional<OutgoingPacket> Connection::poll(Instant now, FrameSlot& slot, Shared& shared) {
  if (finished_) return std::nullopt;
  if (syn_due_) return write_syn(now, slot, shared);
  if (state_ != State::syn_sent && state_ != State::syn_received && state_ != State::time_wait) {
    if (auto packet = write_data(now, slot, shared)) return packet;
  }
  if (!ack_due_ && !keep_alive_due_) return std::nullopt;
  return write_ack(now, slot, shared);
}

SegmentHeader Connection::header(Instant now, u8 flags, size_t sack_room, const Shared& shared) {
  SegmentHeader header;
  header.source = flow_.local.port;
  header.destination = flow_.peer.port;
  header.seq = send_.nxt();
  header.ack = receive_.nxt();
  header.flags = static_cast<u8>(flags | flag::ack);
  header.window = receive_.offer_window(source(shared), false);
  if (timestamps_) header.options.timestamps = Timestamps{ts_now(now), receive_.ts_recent()};
  if (sack_) receive_.write_sack(header.options, sack_room);
  return header;
}

OutgoingPacket Connection::write(FrameSlot& slot, const SegmentHeader& header, size_t payload, const Shared& shared) {
  finish_segment(slot, flow_, header, payload, shared.checksum_offload);
  ack_due_ = false;
  timers_.delayed_ack = Instant::never();
  receive_.on_ack_sent();
  ++shared.counters.segments_out;
  return outgoing(flow_, options_.hop_limit, options_.traffic_class, path_.dont_fragment());
}

OutgoingPacket Connection::write_syn(Instant now, FrameSlot& slot, Shared& shared) {
  const bool first = state_ == State::syn_sent;
  SegmentHeader syn;
  syn.source = flow_.local.port;
  syn.destination = flow_.peer.port;
  syn.seq = send_.una();
  syn.flags = flag::syn;
  if (!first) {
    syn.flags = flag::syn | flag::ack;
    syn.ack = receive_.nxt();
  }
  // RFC 7323 section 2.2: what the peer did not offer is not ours to use.
  syn.window = receive_.offer_window(source(shared), true);
  syn.options.mss = static_cast<u16>(link_mtu_ - path_.headers());  // MUST-14, MUST-67
  if (first) {
    syn.options.window_scale = ReceiveHalf::scale_for(shared.capacity.receive_limit);
  } else if (scaled_) {
    syn.options.window_scale = receive_.scale();
  }
  syn.options.sack_permitted = first || sack_;
  if (first || timestamps_) syn.options.timestamps = Timestamps{ts_now(now), receive_.ts_recent()};
  if (send_.flight() > 0) ++shared.counters.retransmitted;
  send_.on_syn_sent(now);
  syn_due_ = false;
  if (timers_.retransmit == Instant::never()) timers_.retransmit = now + send_.timeout();
  return write(slot, syn, 0, shared);
}

std::optional<OutgoingPacket> Connection::write_data(Instant now, FrameSlot& slot, Shared& shared) {
  const bool probing = probe_due_;
  std::optional<SendHalf::Cut> cut;
  SegmentOptions options;
  if (timestamps_) options.timestamps = Timestamps{};
  const size_t fixed = header_size(options);
  if (sack_) receive_.write_sack(options, max_header_size - fixed);
  const size_t sack_size = header_size(options) - fixed;
  if (probing) {
    cut = send_.probe();
    probe_due_ = false;
  } else {
    const size_t room = std::min<size_t>(send_.mss() - std::min<size_t>(send_.mss() - 1, sack_size),
                                         slot.payload_room().size() - fixed - sack_size);
    cut = send_.next(now, static_cast<u32>(room), options_.no_delay, force_);
  }
  if (!cut) {
    // SHLD-29: a closed window is probed after one timeout; one that is merely small is used a little later.
    if (send_.unsent() && send_.flight() == 0 && timers_.persist == Instant::never()) {
      timers_.persist = now + (send_.window() == 0 ? send_.timeout() : silly_window_override);
    }
    return std::nullopt;
  }
  force_ = false;
  timers_.persist = Instant::never();
  SegmentHeader data = header(now, 0, sack_size, shared);
  data.seq = cut->seq;
  if (cut->push || probing) data.flags |= flag::psh;
  if (cut->fin) data.flags |= flag::fin;
  if (const auto pointer = send_.urgent_pointer(cut->seq)) {
    data.flags |= flag::urg;
    data.urgent = *pointer;
  }
  send_.read(shared.blocks, *cut, slot.payload_room().subspan(header_size(data.options), cut->length));
  const bool again = send_.on_sent(now, *cut);
  if (again) ++shared.counters.retransmitted;
  if (again && cut->tail_probe) ++shared.counters.tail_probes;
  // RFC 6298 section 5.1; a retransmission of the oldest octet has the timer to itself, and so has a probe (RFC 8985 section
  // 7.3).
  if (timers_.retransmit == Instant::never() || (again && cut->seq == send_.una()) || cut->tail_probe) {
    timers_.retransmit = now + send_.timeout();
  }
  return write(slot, data, cut->length, shared);
}

OutgoingPacket Connection::write_ack(Instant now, FrameSlot& slot, Shared& shared) {
  SegmentHeader ack = header(now, 0, max_options_size - (timestamps_ ? timestamps_size : 0), shared);
  // RFC 9293 section 3.8.4: a keep-alive is one sequence number behind, and without data (SHLD-12).
  if (keep_alive_due_ && !ack_due_) ack.seq = ack.seq - 1;
  keep_alive_due_ = false;
  return write(slot, ack, 0, shared);
}

bool Connection::on_deadline(Instant now, Shared& shared) {
  const auto due = [now](Instant& timer) {
    if (timer > now) return false;
    timer = Instant::never();
    return true;
  };
  bool suspect = false;
  if (due(timers_.delayed_ack)) ack_due_ = true;
  if (due(timers_.retransmit)) suspect = on_retransmission_timeout(now, shared);
  if (!finished_ && send_.loss_deadline() <= now && send_.on_loss_deadline(now)) ++shared.counters.fast_retransmits;
  if (due(timers_.persist) && !finished_) {
    if (send_.window() == 0) {
      send_.on_probe_timeout(now);
      probe_due_ = true;
    } else {
      force_ = true;
    }
  }
  if (due(timers_.keep_alive)) on_keep_alive(now, shared);
  if (due(timers_.linger)) finish(std::nullopt, shared);
  return suspect;
}

// RFC 6298 section 5.4 to 5.7, RFC 9293 section 3.8.3. Time alone ends nothing: when the clock has jumped, the peer still gets
// its chances.
bool Connection::on_retransmission_timeout(Instant now, Shared& shared) {
  const bool opening = state_ == State::syn_sent || state_ == State::syn_received;
  if (send_.flight() == 0) return false;
  const bool enough = send_.retries() >= retries_r1;
  const Duration stalled = now - send_.stalled_since();
  if (opening) {
    const bool unsure = half_open() && shared.many_half_open;
    if (unsure && send_.retries() >= retries_of_many) {
      ++shared.counters.evicted_half_open;
      drop(std::nullopt, shared);
      return false;
    }
    if (half_open() ? send_.retries() >= retries_passive : enough && stalled >= syn_timeout) {
      finish(Error::timed_out, shared);
      return false;
    }
    send_.on_probe_timeout(now);
    syn_due_ = !unsure;
  } else if (send_.window() == 0) {
    // MUST-37: as long as the peer answers, its window may stay closed; unless nobody waits for the data any more.
    const bool silent = now - last_heard_ >= options_.user_timeout;
    if (enough && (silent || (orphaned_ && stalled >= orphan_timeout))) {
      reset_peer(now, send_.nxt(), shared);
      finish(Error::timed_out, shared);
      return false;
    }
    send_.on_probe_timeout(now);
    probe_due_ = true;
  } else {
    if (enough && stalled >= options_.user_timeout) {
      reset_peer(now, send_.nxt(), shared);
      finish(Error::timed_out, shared);
      return false;
    }
    ++shared.counters.timeouts;
    const u32 packet = path_.headers() + (timestamps_ ? u32{timestamps_size} : 0) + std::min(send_.flight(), send_.mss());
    if (path_.on_timeouts(send_.retries() + 1, packet)) send_.set_mss(payload_limit());
    send_.on_timeout(now);
  }
  timers_.retransmit = now + send_.timeout();
  if (send_.retries() < retries_r1 || reported_r1_) return false;
  reported_r1_ = true;
  trouble_ = Error::timed_out;
  tell(Event::Kind::trouble);
  // Whoever floods us with SYNs from addresses that do not answer is no news of the path.
  return !half_open();
}

void Connection::on_keep_alive(Instant now, Shared& shared) {
  if (finished_) return;
  // What is under way finds out by itself whether the peer is there.
  if (send_.flight() == 0 && !send_.unsent()) {
    if (keep_alives_ >= options_.keep_alive_probes) {
      reset_peer(now, send_.nxt(), shared);
      finish(Error::timed_out, shared);
      return;
    }
    ++keep_alives_;
    keep_alive_due_ = true;
  }
  timers_.keep_alive = now + std::max(options_.keep_alive_interval, min_keep_alive_interval);
}

}  // namespace samara::net::tcp
