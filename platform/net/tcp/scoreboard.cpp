#include "platform/net/tcp/scoreboard.h"

#include <algorithm>

namespace samara::net::tcp {
namespace {

constexpr u32 duplicate_threshold = 3;  // DupThresh

}  // namespace

void Scoreboard::reset(SeqNumber una) {
  una_ = nxt_ = una;
  octets_ = {};
  first_ = last_ = 0;
}

// The range that holds `at`, which is in [una_, nxt_).
size_t Scoreboard::index_of(SeqNumber at) const {
  size_t low = first_;
  for (size_t count = last_ - first_; count > 1;) {
    const size_t half = count / 2;
    if (!after(ranges_[low + half].begin, at)) low += half;
    count -= half;
  }
  return low;
}

void Scoreboard::set_fate(size_t index, Fate fate) {
  const u32 size = size_of(index);
  octets_[static_cast<size_t>(ranges_[index].fate)] -= size;
  octets_[static_cast<size_t>(fate)] += size;
  ranges_[index].fate = fate;
}

// Makes neighbours one that are alike. A time of sending says something of what is under way only.
void Scoreboard::unite(bool by_fate_only) {
  size_t kept = first_;
  for (size_t i = first_ + 1; i < last_; ++i) {
    Range& a = ranges_[kept];
    const Range& b = ranges_[i];
    const bool timed = a.fate == Fate::under_way && !by_fate_only;
    if (a.fate == b.fate && (!timed || (a.sent == b.sent && a.again == b.again))) {
      a.sent = std::max(a.sent, b.sent);
      a.again = a.again || b.again;
    } else {
      ranges_[++kept] = b;
    }
  }
  if (first_ != last_) last_ = kept + 1;
}

// For two ranges more.
void Scoreboard::make_room() {
  if (last_ + 2 <= max_ranges) return;
  std::ranges::copy(std::span(ranges_).subspan(first_, last_ - first_), ranges_.begin());
  last_ -= first_;
  first_ = 0;
  if (last_ + 2 <= max_ranges) return;
  unite(true);
  // Between two reports there is now one range of each kind at a time; if even that is too much, one in all.
  if (last_ + 2 > max_ranges) mark_all_lost();
}

void Scoreboard::insert(size_t index, const Range& range) {
  const auto rest = std::span(ranges_).subspan(index, ++last_ - index);
  std::shift_right(rest.begin(), rest.end(), 1);
  ranges_[index] = range;
}

// A range begins at `at` afterwards; its index, or last_ for the end. There is room.
size_t Scoreboard::split(SeqNumber at) {
  if (!before(at, nxt_)) return last_;
  const size_t index = index_of(at);
  if (ranges_[index].begin == at) return index;
  Range rest = ranges_[index];
  rest.begin = at;
  insert(index + 1, rest);
  return index + 1;
}

void Scoreboard::on_sent(Instant now, SeqNumber begin, SeqNumber end) {
  make_room();
  if (before(begin, nxt_)) {
    const SeqNumber stop = earlier(end, nxt_);
    const size_t first = split(begin);
    const size_t last = split(stop);
    for (size_t i = first; i < last; ++i) {
      if (ranges_[i].fate == Fate::delivered) continue;
      set_fate(i, Fate::under_way);
      ranges_[i].sent = now;
      ranges_[i].again = true;
    }
    unite(false);
    make_room();
  }
  if (!after(end, nxt_)) return;
  const bool joins = first_ != last_ && ranges_[last_ - 1].fate == Fate::under_way && ranges_[last_ - 1].sent == now &&
                     !ranges_[last_ - 1].again;
  if (!joins) ranges_[last_++] = Range{.sent = now, .begin = nxt_};
  octets_[static_cast<size_t>(Fate::under_way)] += octets_between(nxt_, end);
  nxt_ = end;
}

u32 Scoreboard::on_advance(SeqNumber una, Rack& rack) {
  u32 delivered = 0;
  una = earlier(una, nxt_);
  for (; first_ != last_ && before(ranges_[first_].begin, una); ++first_) {
    Range& range = ranges_[first_];
    const SeqNumber end = end_of(first_);
    const SeqNumber stop = earlier(end, una);
    const u32 size = octets_between(range.begin, stop);
    octets_[static_cast<size_t>(range.fate)] -= size;
    if (range.fate != Fate::delivered) {
      delivered += size;
      rack.on_delivered({range.sent, range.begin, stop, range.again});
    }
    if (stop != end) {
      range.begin = stop;
      break;
    }
  }
  una_ = una;
  if (first_ == last_) first_ = last_ = 0;
  return delivered;
}

u32 Scoreboard::on_sack(std::span<const SackBlock> blocks, Rack& rack) {
  u32 delivered = 0;
  for (const SackBlock& block : blocks) {
    if (!after(block.begin, una_) || !before(block.begin, block.end) || after(block.end, nxt_)) continue;
    delivered += deliver(block.begin, block.end, rack);
  }
  return delivered;
}

u32 Scoreboard::deliver(SeqNumber begin, SeqNumber end, Rack& rack) {
  const Range& at = ranges_[index_of(begin)];
  if (at.fate == Fate::delivered && index_of(begin) == index_of(end - 1)) return 0;  // known
  const bool apart = at.fate != Fate::delivered && reports() >= max_reports;
  if (apart) return 0;
  make_room();
  u32 delivered = 0;
  const size_t first = split(begin);
  const size_t last = split(end);
  for (size_t i = first; i < last; ++i) {
    Range& range = ranges_[i];
    if (range.fate == Fate::delivered) continue;
    delivered += size_of(i);
    rack.on_delivered({range.sent, range.begin, end_of(i), range.again});
    set_fate(i, Fate::delivered);
  }
  unite(false);
  return delivered;
}

size_t Scoreboard::reports() const {
  return static_cast<size_t>(
      std::ranges::count(std::span(ranges_).subspan(first_, last_ - first_), Fate::delivered, &Range::fate));
}

bool Scoreboard::many_reported(u32 mss) const {
  return reported() > (duplicate_threshold - 1) * mss || (reported() != 0 && reports() >= duplicate_threshold);
}

std::optional<Scoreboard::Gap> Scoreboard::first_lost() const {
  if (lost() == 0) return std::nullopt;
  for (size_t i = first_; i < last_; ++i) {
    if (ranges_[i].fate == Fate::lost) return Gap{ranges_[i].begin, end_of(i)};
  }
  return std::nullopt;
}

std::optional<Scoreboard::Gap> Scoreboard::last_under_way() const {
  for (size_t i = last_; i > first_; --i) {
    if (ranges_[i - 1].fate == Fate::under_way) return Gap{ranges_[i - 1].begin, end_of(i - 1)};
  }
  return std::nullopt;
}

Scoreboard::Verdict Scoreboard::find_lost(Instant now, const Rack& rack, Duration window) {
  Verdict verdict;
  std::optional<Instant> wait;
  for (size_t i = first_; i < last_; ++i) {
    const Range& range = ranges_[i];
    if (range.fate != Fate::under_way || !rack.overtaken(range.sent, end_of(i))) continue;
    const Instant at = rack.lost_at(range.sent, window);
    if (at <= now) {
      set_fate(i, Fate::lost);
      verdict.lost = true;
    } else {
      wait = std::max(wait.value_or(at), at);
    }
  }
  if (verdict.lost) unite(false);
  verdict.again_at = wait.value_or(Instant::never());
  return verdict;
}

void Scoreboard::mark_lost(SeqNumber begin, SeqNumber end) {
  if (first_ == last_ || !before(begin, end)) return;
  const bool whole = begin == una_ && end == nxt_;
  if (!whole) make_room();
  const size_t first = whole ? first_ : split(begin);
  const size_t last = whole ? last_ : split(end);
  for (size_t i = first; i < last; ++i) {
    if (ranges_[i].fate == Fate::under_way) set_fate(i, Fate::lost);
  }
  unite(false);
}

void Scoreboard::forget_reports() {
  for (size_t i = first_; i < last_; ++i) {
    if (ranges_[i].fate == Fate::delivered) set_fate(i, Fate::under_way);
  }
}

}  // namespace samara::net::tcp
