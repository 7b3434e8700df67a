#include "platform/net/tcp/send_half.h"

namespace samara::net::tcp {

void SendHalf::open(SeqNumber iss) {
  una_ = nxt_ = iss;
  window_ = max_window_ = 0;
  mss_ = 536;
  syn_acked_ = urgent_ = fin_queued_ = fin_sent_ = fin_acked_ = sack_ = false;
  mode_ = Mode::open;
  resend_now_ = rescued_ = recover_known_ = timing_ = false;
  duplicates_ = retries_ = 0;
  board_.reset(iss + 1);
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
  congestion_.start(mss, syn_lost);
  if (timing_) rtt_.on_sample(now - timed_at_);
  if (syn_lost) rtt_.on_syn_lost();
  rtt_.end_back_off();
  retries_ = 0;
  timing_ = false;
}

size_t SendHalf::append(BlockPool& pool, Bytes octets, bool push) {
  const size_t taken = queue_.append(pool, octets);
  // MUST-60: what did not fit is no reason to keep back what did.
  if (push || taken < octets.size()) push_end_ = data_start() + queue_.size();
  return taken;
}

u32 SendHalf::pipe() const {
  const u32 all = board_.pipe(una_, nxt_);
  if (sack_) return all;
  // RFC 6582: each duplicate acknowledgement is a segment that has arrived.
  return all - std::min(all, duplicates_ * mss_);
}

SendHalf::Acknowledged SendHalf::on_ack(Instant now, const Segment& segment, u32 window, std::optional<Duration> echoed,
                                        BlockPool& pool) {
  Acknowledged result;
  const SegmentHeader& header = segment.header;
  const bool news = sack_ && board_.on_sack(header.options.sack_blocks(), later(una_, header.ack), nxt_);
  if (after(header.ack, una_)) {
    on_advance(now, header.ack, echoed, pool);
    result.advanced = true;
  } else if (header.ack == una_ && flight() > 0 && window_ > 0) {
    // RFC 5681 section 2; RFC 6675 section 2 counts what brings news.
    const bool plain = segment.length() == 0 && window == window_;
    if (news || (plain && !sack_) || (plain && header.options.sack_count != 0)) result.fast_retransmit = on_duplicate();
  }
  if (news) board_.find_lost(mss_);
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

void SendHalf::on_advance(Instant now, SeqNumber ack, std::optional<Duration> echoed, BlockPool& pool) {
  const u32 flight_before = flight();
  const u32 acked = octets_between(una_, ack);
  const u32 data = std::min(acked, queue_.size());
  queue_.drop_front(pool, data);
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
  board_.on_advance(una_);
  const bool full = mode_ != Mode::open && !before(una_, recover_);
  if (full) {
    if (mode_ == Mode::recovery) congestion_.on_recovered(flight(), mss_);
    mode_ = Mode::open;
    duplicates_ = 0;
    // Losses found from now on are new ones.
    if (!board_.any_reported()) board_.reset(una_);
    return;
  }
  if (mode_ == Mode::recovery && !sack_) {
    // RFC 6582 section 3.2 step 3, partial acknowledgement: the next segment is lost too.
    duplicates_ -= std::min(duplicates_, std::max<u32>(acked / mss_, 1) - 1);
    board_.set_lost_before(earlier(una_ + mss_, nxt_));
    board_.begin_recovery(una_);
    resend_now_ = true;
  }
  if (mode_ != Mode::recovery) {
    duplicates_ = 0;
    congestion_.on_ack(acked, mss_, flight_before + 2 * mss_ > congestion_.window());
  }
}

// True: recovery begins (RFC 5681 section 3.2, RFC 6675 section 5).
bool SendHalf::on_duplicate() {
  ++duplicates_;
  if (sack_) board_.find_lost(mss_);
  if (mode_ != Mode::open) return false;
  const bool lost = duplicates_ >= Scoreboard::duplicate_threshold || after(board_.lost_before(), una_);
  if (!lost) return false;
  // RFC 6582 section 3.2 step 2: duplicates of what a timeout sent again are no sign of a new loss.
  if (!sack_ && recover_known_ && una_ == recover_) return false;
  mode_ = Mode::recovery;
  recover_ = nxt_;
  recover_known_ = true;
  rescued_ = false;
  congestion_.on_loss(flight(), mss_);
  board_.set_lost_before(earlier(una_ + mss_, nxt_));
  board_.begin_recovery(una_);
  resend_now_ = true;
  return true;
}

void SendHalf::on_timeout(Instant now) {
  ++retries_;
  timed_out_at_ = now;
  congestion_.on_timeout(flight(), mss_, retries_ == 1 && mode_ != Mode::loss);
  mode_ = Mode::loss;
  recover_ = nxt_;
  recover_known_ = true;
  // RFC 2018 section 8: the peer may have thrown away what it reported. What it holds is believed once.
  if (retries_ > 1) board_.forget_reports();
  board_.restart(una_, nxt_);
  duplicates_ = 0;
  timing_ = false;
  resend_now_ = true;
  rtt_.back_off();
}

void SendHalf::on_probe_timeout(Instant now) {
  ++retries_;
  timed_out_at_ = now;
  timing_ = false;
  rtt_.back_off();
}

void SendHalf::resend_all() {
  board_.restart(una_, nxt_);
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
  const auto gap = board_.next_gap(una_, nxt_, board_.lost_before());
  const SeqNumber right = una_ + window_;
  // SHLD-16: what lies beyond a window that has shrunk waits; a closed one is probed.
  if (!gap || fin_acked_ || !before(gap->begin, right)) return std::nullopt;
  const SeqNumber stop = earlier(gap->bounded ? gap->end : data_end(), right);
  const u32 length = std::min({room, octets_between(gap->begin, stop), octets_between(gap->begin, data_end())});
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

// Rules 3 and 4 of NextSeg() in RFC 6675 section 4: nothing is lost for sure, nothing new can go, but the pipe has room.
std::optional<SendHalf::Cut> SendHalf::doubtful_data(u32 room, u32 allowed) const {
  if (mode_ != Mode::recovery || !board_.any_reported() || allowed < mss_ || fin_acked_) return std::nullopt;
  const SeqNumber right = una_ + window_;
  if (const auto gap = board_.next_gap(una_, nxt_, board_.highest_reported()); gap && before(gap->begin, right)) {
    const u32 length = std::min({room, octets_between(gap->begin, gap->end), octets_between(gap->begin, right)});
    return cut_from(gap->begin, length, false);
  }
  if (rescued_ || unsent()) return std::nullopt;
  const SeqNumber end = earlier(data_end(), right);
  const SeqNumber first = later(later(una_, board_.highest_reported()), end - std::min(room, octets_between(una_, end)));
  Cut cut = cut_from(first, octets_between(first, end), true);
  if (cut.length == 0 && !cut.fin) return std::nullopt;
  cut.rescue = true;
  return cut;
}

std::optional<SendHalf::Cut> SendHalf::next(Instant now, u32 room, bool no_delay, bool force) {
  if (una_ == nxt_ && !unsent()) return std::nullopt;
  if (una_ == nxt_ && now - last_sent_ > rtt_.timeout()) congestion_.on_idle(mss_);
  const u32 under_way = pipe();
  const u32 window = congestion_.window();
  // An empty pipe takes a segment whatever the window says.
  const u32 allowed = under_way == 0 ? std::max(window, room) : window - std::min(window, under_way);
  if (after(board_.lost_before(), una_)) {
    const auto lost = lost_data(room, allowed);
    if (lost) return lost;
    if (board_.next_gap(una_, nxt_, board_.lost_before())) return std::nullopt;
  }
  if (const auto fresh = new_data(room, allowed, no_delay, force)) return fresh;
  return doubtful_data(room, allowed);
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
    if (cut.rescue) {
      rescued_ = true;
    } else {
      board_.on_resent(earlier(end, nxt_));
    }
    timing_ = false;
    resend_now_ = false;
  } else if (!timing_) {
    timing_ = true;
    timed_end_ = end;
    timed_at_ = now;
  }
  if (una_ == nxt_) stalled_since_ = now;
  nxt_ = later(nxt_, end);
  fin_sent_ = fin_sent_ || cut.fin;
  last_sent_ = now;
  return again;
}

}  // namespace samara::net::tcp
