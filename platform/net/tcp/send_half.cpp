#include "platform/net/tcp/send_half.h"

namespace samara::net::tcp {
namespace {

constexpr u32 duplicate_threshold = 3;  // RFC 5681 section 3.2
// RFC 8985 section 7.2, TLP.max_ack_delay: what hosts in use delay the acknowledgement of a single segment by.
constexpr Duration peer_ack_delay = Duration::milliseconds(100);
// On a link of microseconds the time the two ends take to be scheduled is most of it, and varies.
constexpr Duration min_probe_timeout = Duration::milliseconds(2);
// RFC 8985 section 7.1 sends one and then waits for the timeout, which is a thousand round trips on a short link. More of them,
// each after twice the time, are no more load than timeouts would be.
constexpr u32 max_tail_probes = 3;

// RFC 2883 section 4: the first block lies below the acknowledgement, or within the second one.
bool reports_duplicate(const SegmentHeader& header) {
  const auto blocks = header.options.sack_blocks();
  if (blocks.empty()) return false;
  const SackBlock& first = blocks.front();
  if (at_or_before(first.end, header.ack)) return true;
  return blocks.size() > 1 && at_or_before(blocks[1].begin, first.begin) && at_or_before(first.end, blocks[1].end);
}

}  // namespace

void SendHalf::open(SeqNumber iss) {
  una_ = nxt_ = iss;
  window_ = max_window_ = 0;
  mss_ = 536;
  syn_acked_ = urgent_ = fin_queued_ = fin_sent_ = fin_acked_ = sack_ = false;
  mode_ = Mode::open;
  resend_now_ = recover_known_ = timing_ = tail_probe_due_ = false;
  duplicates_ = retries_ = 0;
  board_.reset(iss + 1);
  rack_.start(iss + 1);
  stop_awaiting();
  probed_.reset();
  tail_probes_ = 0;
  congestion_ = Congestion();
  rtt_ = RoundTrip();
  push_end_ = iss + 1;
}

void SendHalf::on_syn_sent(Instant now) {
  if (nxt_ == una_) {
    nxt_ = una_ + 1;
    stalled_since_ = now;
    timed_at_ = now;
    timing_ = true;
  } else {
    timing_ = false;
  }
  last_sent_ = now;
}

void SendHalf::start(Instant now, u32 mss, bool sack, bool syn_lost, SeqNumber segment_seq, SeqNumber segment_ack, u32 window) {
  una_ = segment_ack;
  nxt_ = una_;
  syn_acked_ = true;
  window_seq_ = segment_seq;
  window_ack_ = segment_ack;
  window_ = max_window_ = window;
  mss_ = mss;
  sack_ = sack;
  board_.reset(una_);
  rack_.start(una_);
  congestion_.start(mss, syn_lost);
  if (timing_) rtt_.on_sample(now - timed_at_);
  if (syn_lost) rtt_.on_syn_lost();
  rtt_.end_back_off();
  retries_ = 0;
  timing_ = false;
}

size_t SendHalf::append(const BlockSource& source, Bytes octets, bool push) {
  const size_t taken = queue_.append(source, octets);
  // MUST-60: what did not fit is no reason to keep back what did.
  if (push || taken < octets.size()) push_end_ = data_start() + queue_.size();
  return taken;
}

u32 SendHalf::pipe() const {
  const u32 all = board_.under_way();
  if (sack_) return all;
  // RFC 6582: each duplicate acknowledgement is a segment that has arrived.
  return all - std::min(all, duplicates_ * mss_);
}

SendHalf::Acknowledged SendHalf::on_ack(Instant now, const Segment& segment, u32 window, std::optional<Duration> echoed,
                                        const BlockSource& source) {
  Acknowledged result;
  const SegmentHeader& header = segment.header;
  const bool duplicate_report = sack_ && reports_duplicate(header);
  rack_.on_ack_begins(now, echoed, duplicate_report, later(una_, header.ack), nxt_);
  if (probed_) on_tail_probe_ack(segment, duplicate_report);
  u32 delivered = 0;
  const bool was_recovering = mode_ == Mode::recovery;
  if (after(header.ack, una_)) {
    delivered += on_advance(now, header.ack, echoed, source);
    result.advanced = true;
  } else if (!sack_ && header.ack == una_ && flight() > 0 && window_ > 0 && segment.length() == 0 && window == window_) {
    result.fast_retransmit = on_duplicate();  // RFC 5681 section 2
  }
  if (sack_) {
    delivered += board_.on_sack(header.options.sack_blocks(), rack_);
    if (delivered != 0) result.fast_retransmit = find_lost(now);
    if (was_recovering && mode_ == Mode::recovery) congestion_.on_recovery_ack(delivered, pipe(), mss_);
    if (delivered != 0) {
      tail_probes_ = 0;
      await_tail(now);
    }
  }
  // RFC 9293 section 3.10.7.4: windows are taken from newer segments only.
  if (before(window_seq_, header.seq) || (window_seq_ == header.seq && at_or_before(window_ack_, header.ack))) {
    result.window_opened = window_ == 0 && window > 0;
    window_ = window;
    max_window_ = std::max(max_window_, window);
    window_seq_ = header.seq;
    window_ack_ = header.ack;
    if (result.window_opened) {
      rtt_.end_back_off();
      // What probed the window was most likely thrown away.
      if (flight() > 0) resend_all();
    }
  }
  return result;
}

// How many octets are newly known to have arrived.
u32 SendHalf::on_advance(Instant now, SeqNumber ack, std::optional<Duration> echoed, const BlockSource& source) {
  const u32 flight_before = flight();
  const u32 acked = octets_between(una_, ack);
  const u32 data = std::min(acked, queue_.size());
  queue_.drop_front(source, data);
  if (acked > data) fin_acked_ = true;
  una_ = ack;
  if (urgent_ && !after(urgent_end_, una_)) urgent_ = false;
  if (!after(push_end_, una_)) push_end_ = una_;
  if (timing_ && !before(ack, timed_end_)) {
    rtt_.on_sample(now - timed_at_);
    timing_ = false;
  } else if (!timing_ && echoed && (retries_ == 0 || *echoed <= now - timed_out_at_ + timestamp_tick)) {
    // What was sent before the timeout has arrived, and the acknowledgement was lost: the timeout is no part of the round trip.
    rtt_.on_sample(*echoed);
  }
  // The longer timeout stays until there is a new measurement (RFC 6298 section 5).
  retries_ = 0;
  stalled_since_ = now;
  const u32 delivered = board_.on_advance(una_, rack_);
  const bool full = mode_ != Mode::open && !before(una_, recover_);
  if (full) {
    if (mode_ == Mode::recovery) {
      if (sack_) {
        congestion_.on_recovered();
      } else {
        congestion_.on_recovered(flight(), mss_);
      }
      rack_.on_recovered();
    }
    mode_ = Mode::open;
    duplicates_ = 0;
    return delivered;
  }
  if (mode_ == Mode::recovery && !sack_) {
    // RFC 6582 section 3.2 step 3, partial acknowledgement: the next segment is lost too.
    duplicates_ -= std::min(duplicates_, std::max<u32>(acked / mss_, 1) - 1);
    board_.mark_lost(una_, earlier(una_ + mss_, nxt_));
    resend_now_ = true;
  }
  if (mode_ != Mode::recovery) {
    duplicates_ = 0;
    congestion_.on_ack(acked, mss_, flight_before + 2 * mss_ > congestion_.window());
  }
  return delivered;
}

// Without SACK. True: recovery begins (RFC 5681 section 3.2).
bool SendHalf::on_duplicate() {
  ++duplicates_;
  if (mode_ != Mode::open || duplicates_ < duplicate_threshold) return false;
  // RFC 6582 section 3.2 step 2: duplicates of what a timeout sent again are no sign of a new loss.
  if (recover_known_ && una_ == recover_) return false;
  board_.mark_lost(una_, earlier(una_ + mss_, nxt_));
  begin_recovery();
  return true;
}

// RFC 8985 section 6.2 step 5. True: recovery begins.
bool SendHalf::find_lost(Instant now) {
  const bool certain = mode_ != Mode::open || board_.many_reported(mss_);
  const auto verdict = board_.find_lost(now, rack_, rack_.reordering_window(certain, rtt_.smoothed()));
  stop_awaiting();
  loss_deadline_ = verdict.again_at;
  if (!verdict.lost || mode_ != Mode::open) return false;
  begin_recovery();
  return true;
}

void SendHalf::begin_recovery() {
  mode_ = Mode::recovery;
  recover_ = nxt_;
  recover_known_ = true;
  congestion_.on_loss(flight(), mss_);
  resend_now_ = true;  // RFC 6937 section 3: the first retransmission is not held back
  probed_.reset();
}

// RFC 8985 section 7.2; in recovery too, where the last retransmission may be lost with nothing behind it.
void SendHalf::await_tail(Instant now) {
  // The deadline of what was overtaken goes first: there is something to recover from.
  if (loss_deadline_ != Instant::never() && !awaits_tail_) return;
  stop_awaiting();
  const bool useful = mode_ != Mode::loss && board_.under_way() != 0 && window_ != 0;
  if (!sack_ || !useful || tail_probes_ >= max_tail_probes) return;
  Duration wait = RoundTrip::initial_timeout;
  if (rtt_.measured()) wait = std::max(rtt_.smoothed() * 2, min_probe_timeout) * (i64{1} << tail_probes_);
  if (flight() <= mss_) wait = wait + peer_ack_delay;
  loss_deadline_ = now + wait;
  awaits_tail_ = true;
}

bool SendHalf::on_loss_deadline(Instant now) {
  if (awaits_tail_) {
    stop_awaiting();
    tail_probe_due_ = true;
    return false;
  }
  return find_lost(now);
}

// RFC 8985 section 7.4: did the probe repair a loss that nobody would hear of otherwise?
void SendHalf::on_tail_probe_ack(const Segment& segment, bool duplicate_report) {
  const SegmentHeader& header = segment.header;
  if (before(header.ack, *probed_)) return;
  const bool repeats = header.ack == una_ && segment.length() == 0 && header.options.sack_count == 0;
  if (probed_again_ && !duplicate_report && !repeats) {
    if (!after(header.ack, *probed_)) return;  // what comes next tells
    if (mode_ == Mode::open) congestion_.on_loss(flight(), mss_);
  }
  probed_.reset();
}

void SendHalf::on_timeout(Instant now) {
  ++retries_;
  timed_out_at_ = now;
  congestion_.on_timeout(flight(), mss_, retries_ == 1 && mode_ != Mode::loss);
  mode_ = Mode::loss;
  recover_ = nxt_;
  recover_known_ = true;
  // RFC 2018 section 8: the peer may have thrown away what it reported, and has if that is what it waits for. Otherwise what it
  // holds is believed once.
  if (retries_ > 1 || board_.begins_reported()) board_.forget_reports();
  // RFC 8985 section 6.3 spares what was sent within the last round trip. Hardly anything was, so long after the last ACK.
  board_.mark_all_lost();
  duplicates_ = 0;
  timing_ = false;
  resend_now_ = true;
  stop_awaiting();
  probed_.reset();
  tail_probes_ = 0;
  tail_probe_due_ = false;
  rtt_.back_off();
}

void SendHalf::on_probe_timeout(Instant now) {
  ++retries_;
  timed_out_at_ = now;
  timing_ = false;
  rtt_.back_off();
}

// RFC 1191 section 6.4: no sign of congestion, but it starts slowly: one segment until acknowledgements come.
void SendHalf::on_smaller_path() {
  resend_all();
  congestion_.restart(mss_);
}

void SendHalf::resend_all() {
  board_.mark_all_lost();
  stop_awaiting();
  timing_ = false;
  duplicates_ = 0;
  resend_now_ = true;
}

SendHalf::Cut SendHalf::cut_from(SeqNumber seq, u32 length, bool may_fin) const {
  const SeqNumber end = seq + length;
  Cut cut{.seq = seq, .length = length};
  cut.fin = may_fin && fin_queued_ && end == data_end() && before(end, una_ + window_);
  // SHLD-27, MUST-61: PSH where a pushed piece ends, and always on the last octets there are.
  cut.push = length != 0 && (end == data_end() || (before(seq, push_end_) && !before(end, push_end_)));
  return cut;
}

std::optional<SendHalf::Cut> SendHalf::lost_data(u32 room, u32 allowed) const {
  const auto gap = board_.first_lost();
  const SeqNumber right = una_ + window_;
  // SHLD-16: what lies beyond a window that has shrunk waits; a closed one is probed.
  if (!gap || fin_acked_ || !before(gap->begin, right)) return std::nullopt;
  // What was never sent may follow what was sent last.
  const SeqNumber stop = earlier(earlier(gap->end == nxt_ ? data_end() : gap->end, data_end()), right);
  const u32 length = std::min(room, octets_between(gap->begin, stop));
  Cut cut = cut_from(gap->begin, length, true);
  if (length == 0 && !cut.fin) return std::nullopt;
  if (length > allowed && !resend_now_) return std::nullopt;
  return cut;
}

// RFC 9293 section 3.8.6.2.1 (silly windows) and section 3.7.4 (Nagle).
std::optional<SendHalf::Cut> SendHalf::new_data(u32 room, u32 allowed, bool no_delay, bool force) const {
  const u32 left = octets_between(nxt_, data_end());
  const u32 usable = octets_between(nxt_, una_ + window_);
  const u32 length = std::min({left, usable, room});
  const Cut cut = cut_from(nxt_, length, !fin_sent_);
  if ((length == 0 && !cut.fin) || length > allowed) return std::nullopt;
  const bool full = length == room;
  const bool pushed = cut.fin || (length == left && !before(push_end_, nxt_ + length));
  const bool idle = una_ == nxt_;
  const bool half_window = idle && length >= max_window_ / 2 && length == usable;
  if (full || cut.fin || (pushed && (idle || no_delay)) || half_window || force) return cut;
  return std::nullopt;
}

// RFC 8985 section 7.3: what is lost or something new, whatever the congestion window says, or else the last segment once more.
std::optional<SendHalf::Cut> SendHalf::tail_probe(u32 room) const {
  auto cut = board_.lost() != 0 ? lost_data(room, room) : new_data(room, room, true, true);
  if (!cut) {
    const auto last = board_.last_under_way();
    if (!last || fin_acked_) return std::nullopt;
    const SeqNumber end = earlier(last->end, data_end());
    const u32 length = std::min(room, octets_between(last->begin, end));
    cut = cut_from(end - length, length, true);
    if (length == 0 && !cut->fin) return std::nullopt;
  }
  cut->tail_probe = true;
  return cut;
}

std::optional<SendHalf::Cut> SendHalf::next(Instant now, u32 room, bool no_delay, bool force) {
  if (una_ == nxt_ && !unsent()) return std::nullopt;
  if (una_ == nxt_ && now - last_sent_ > rtt_.timeout()) congestion_.on_idle(mss_);
  const u32 under_way = pipe();
  const u32 window = congestion_.window();
  // An empty pipe takes a segment whatever the window says.
  const u32 allowed = under_way == 0 ? std::max(window, room) : window - std::min(window, under_way);
  if (tail_probe_due_) {
    if (const auto cut = tail_probe(room)) return cut;
  }
  if (board_.lost() != 0) return lost_data(room, allowed);
  return new_data(room, allowed, no_delay, force);
}

std::optional<SendHalf::Cut> SendHalf::probe() const {
  if (fin_acked_) return std::nullopt;
  if (queue_.size() > 0) return Cut{.seq = una_, .length = 1};
  if (fin_queued_) return Cut{.seq = una_, .fin = true};
  return std::nullopt;
}

std::optional<u16> SendHalf::urgent_pointer(SeqNumber seq) const {
  if (!urgent_ || !after(urgent_end_, seq)) return std::nullopt;
  return static_cast<u16>(std::min<u32>(octets_between(seq, urgent_end_), 0xffff));
}

bool SendHalf::on_sent(Instant now, const Cut& cut) {
  const SeqNumber end = cut.seq + cut.length + (cut.fin ? 1 : 0);
  const bool again = before(cut.seq, nxt_);
  if (again) {
    timing_ = false;
    resend_now_ = false;
  } else if (!timing_) {
    timing_ = true;
    timed_end_ = end;
    timed_at_ = now;
  }
  if (una_ == nxt_) stalled_since_ = now;
  board_.on_sent(now, cut.seq, end);
  nxt_ = later(nxt_, end);
  fin_sent_ = fin_sent_ || cut.fin;
  last_sent_ = now;
  if (mode_ == Mode::recovery) congestion_.on_recovery_sent(cut.length);
  tail_probe_due_ = false;
  if (cut.tail_probe) {
    ++tail_probes_;
    if (mode_ == Mode::open) {
      probed_ = nxt_;
      probed_again_ = again;
    }
  }
  await_tail(now);
  return again;
}

}  // namespace samara::net::tcp
