#include "platform/net/tcp/receive_half.h"

#include <algorithm>

namespace samara::net::tcp {
namespace {

// RFC 7323 section 5.5: a timestamp is good for 24 days, then the clock may have gone round.
constexpr Duration timestamp_lifetime = Duration::seconds(24 * 86'400);

}  // namespace

void ReceiveHalf::open(u32 first_window) {
  irs_ = nxt_ = right_ = consumed_ = last_ack_sent_ = doubled_at_ = SeqNumber();
  wanted_ = std::min(first_window, limit_);
  fin_at_.reset();
  fin_received_ = urgent_ = false;
  scale_ = 0;
  segment_size_ = 536;
  unacknowledged_ = 0;
  ts_recent_ = 0;
  ts_recent_at_ = Instant();
}

void ReceiveHalf::start(SeqNumber irs) {
  const u32 offered = window();  // by our own SYN, if it went first
  irs_ = irs;
  nxt_ = consumed_ = last_ack_sent_ = irs + 1;
  right_ = nxt_ + offered;
}

bool ReceiveHalf::acceptable(SeqNumber seq, u32 length) const {
  // What carries nothing is good at the right edge too: a peer that has filled our window acknowledges from there.
  if (length == 0) return !before(seq, nxt_) && !after(seq, right_);
  if (window() == 0) return false;
  const SeqNumber last = seq + (length - 1);
  return (!before(seq, nxt_) && before(seq, right_)) || (!before(last, nxt_) && before(last, right_)) ||
         (before(seq, nxt_) && !before(last, right_));
}

bool ReceiveHalf::timestamp_fresh(Instant now, u32 value) const {
  return static_cast<i32>(value - ts_recent_) >= 0 || now - ts_recent_at_ > timestamp_lifetime;
}

void ReceiveHalf::on_timestamp(Instant now, SeqNumber seq, u32 value) {
  if (after(seq, last_ack_sent_)) return;
  ts_recent_ = value;
  ts_recent_at_ = now;
}

ReceiveHalf::Taken ReceiveHalf::on_text(const Segment& segment, SeqNumber seq, const BlockSource& source) {
  Taken taken;
  Bytes octets = segment.payload;
  const SeqNumber end = seq + static_cast<u32>(octets.size());
  segment_size_ = std::max(segment_size_, static_cast<u32>(octets.size()));
  const bool old = before(seq, nxt_);
  if (old) {
    octets = octets.subspan(std::min<size_t>(octets.size(), octets_between(seq, nxt_)));
    seq = nxt_;
  }
  // What lies beyond the window is not taken, and so neither is a FIN behind it.
  const bool cut = after(end, right_);
  if (cut) octets = octets.first(std::min<size_t>(octets.size(), octets_between(seq, right_)));
  if (segment.has(flag::fin) && !cut && !fin_at_) fin_at_ = end;
  // Nothing comes after a FIN.
  if (fin_at_ && after(seq + static_cast<u32>(octets.size()), *fin_at_)) {
    octets = octets.first(std::min<size_t>(octets.size(), octets_between(seq, *fin_at_)));
  }
  if (!octets.empty()) {
    const auto stored = queue_.insert(source.pool, octets_between(nxt_, seq), octets, BlockBudget::own_blocks + lent_);
    nxt_ = nxt_ + stored.advanced;
    taken.advanced = stored.advanced;
    unacknowledged_ += stored.advanced;
    taken.out_of_order = stored.outcome == ReceiveQueue::Outcome::out_of_order;
    taken.duplicate = stored.outcome == ReceiveQueue::Outcome::duplicate;
    taken.no_memory = stored.outcome == ReceiveQueue::Outcome::no_memory;
    // RFC 5681 section 4.2: at once beyond a gap and when one is filled; otherwise every second full segment (SHLD-19).
    taken.acknowledge = stored.outcome != ReceiveQueue::Outcome::in_order || unacknowledged_ >= 2 * segment_size_;
  } else {
    taken.duplicate = old && !segment.payload.empty();
    taken.acknowledge = taken.duplicate || cut || segment.has(flag::fin);
  }
  if (old || cut || queue_.has_gaps()) taken.acknowledge = true;
  if (fin_at_ && *fin_at_ == nxt_ && !fin_received_) {
    fin_received_ = true;
    nxt_ = nxt_ + 1;
    right_ = later(right_, nxt_);
    taken.fin = true;
    taken.acknowledge = true;
    settle(source);
  }
  return taken;
}

bool ReceiveHalf::on_urgent(SeqNumber seq, u16 pointer) {
  const SeqNumber end = seq + pointer;
  if (!after(end, consumed_) || (urgent_ && !after(end, urgent_end_))) return false;
  urgent_ = true;
  urgent_end_ = end;
  return true;
}

std::optional<u32> ReceiveHalf::urgent_ahead() const {
  if (!urgent_ || !after(urgent_end_, consumed_)) return std::nullopt;
  return octets_between(consumed_, urgent_end_);
}

bool ReceiveHalf::read(const BlockSource& source, MutableBytes into, size_t& count) {
  count = queue_.read(source.pool, into);
  consumed_ = consumed_ + static_cast<u32>(count);
  // Who fills half of the window before it moves, and is read as fast, is held back by it.
  if (queue_.readable() == 0 && window() < wanted_ / 2 && right_ != doubled_at_) {
    wanted_ = std::min(2 * wanted_, limit_);
    doubled_at_ = right_;
  }
  settle(source);
  if (fin_at_) return false;
  // MUST-39: worth saying when the window has grown by two segments or by half of all there is.
  const u32 target = target_window(source);
  return target > window() && target - window() >= worthwhile(target, 2);
}

// How much more this connection may hold: what it needs, as far as there are blocks for it.
u32 ReceiveHalf::target_window(const BlockSource& source) const {
  return std::min(wanted_ - std::min(wanted_, queue_.readable()), affordable(source));
}

// What there are blocks for, within the limit.
u32 ReceiveHalf::affordable(const BlockSource& source) const {
  const u32 blocks = BlockBudget::own_blocks + source.budget.allowance(source.group, lent_);
  return static_cast<u32>(std::min<u64>(limit_ - std::min(limit_, queue_.readable()), queue_.room(blocks)));
}

// What is held and what is offered counts as lent; after a FIN nothing more comes.
void ReceiveHalf::settle(const BlockSource& source) {
  const u32 needed = queue_.blocks_for(fin_received_ ? 0 : window());
  const u32 now = needed - std::min(needed, BlockBudget::own_blocks);
  if (now != lent_) source.budget.change(source.group, lent_, std::min(now, source.budget.allowance(source.group, lent_)));
}

u16 ReceiveHalf::offer_window(const BlockSource& source, bool in_syn) {
  const u8 scale = in_syn ? 0 : scale_;
  const u32 known = window();
  u32 offered = target_window(source);
  // MUST-39: the right edge stays until it can move by a segment, or by half of all there is.
  if (offered < known + worthwhile(offered, 1)) {
    // SHLD-14: it does not move back by what scaling rounds off either, as long as there is room for what it rounds up.
    const u32 unit = u32{1} << scale;
    const u32 rounded = (known + unit - 1) / unit * unit;
    offered = rounded <= affordable(source) ? rounded : known;
  }
  const u16 field = static_cast<u16>(std::min<u32>(offered >> scale, 0xffff));
  right_ = later(right_, nxt_ + (u32{field} << scale));
  settle(source);
  return field;
}

void ReceiveHalf::write_sack(SegmentOptions& options, size_t room) const {
  if (!queue_.has_gaps() || room < 12) return;
  std::array<ReceiveQueue::Range, max_sack_blocks> ranges{};
  const size_t count = queue_.newest_ranges(std::span(ranges).first(std::min(max_sack_blocks, (room - 4) / 8)));
  options.sack_count = static_cast<u8>(count);
  for (size_t i = 0; i < count; ++i) options.sack[i] = {nxt_ + ranges[i].begin, nxt_ + ranges[i].end};
}

}  // namespace samara::net::tcp
