#include "platform/net/tcp/scoreboard.h"

namespace samara::net::tcp {

bool Scoreboard::on_sack(std::span<const SackBlock> blocks, SeqNumber una, SeqNumber nxt) {
  bool news = false;
  for (const SackBlock& block : blocks) {
    // RFC 2883: a block at or below SND.UNA tells of a duplicate, not of a gap.
    if (!after(block.begin, una) || !before(block.begin, block.end) || after(block.end, nxt)) continue;
    if (add(block)) news = true;
  }
  return news;
}

bool Scoreboard::add(SackBlock block) {
  size_t first = 0;
  while (first < range_count_ && before(ranges_[first].end, block.begin)) ++first;
  size_t last = first;
  while (last < range_count_ && at_or_before(ranges_[last].begin, block.end)) ++last;
  if (last == first) {
    if (range_count_ == max_ranges) return false;
    for (size_t i = range_count_++; i > first; --i) ranges_[i] = ranges_[i - 1];
    ranges_[first] = block;
    return true;
  }
  if (last == first + 1 && at_or_before(ranges_[first].begin, block.begin) && at_or_before(block.end, ranges_[first].end)) {
    return false;
  }
  ranges_[first] = {earlier(block.begin, ranges_[first].begin), later(block.end, ranges_[last - 1].end)};
  const size_t gone = last - first - 1;
  for (size_t i = last; i < range_count_; ++i) ranges_[i - gone] = ranges_[i];
  range_count_ -= gone;
  return true;
}

void Scoreboard::on_advance(SeqNumber una) {
  lost_before_ = later(lost_before_, una);
  resent_before_ = later(resent_before_, una);
  size_t gone = 0;
  while (gone < range_count_ && at_or_before(ranges_[gone].end, una)) ++gone;
  if (gone != 0) {
    for (size_t i = gone; i < range_count_; ++i) ranges_[i - gone] = ranges_[i];
    range_count_ -= gone;
  }
  // A report that SND.UNA stands in the middle of: the peer has what follows.
  if (range_count_ != 0 && before(ranges_[0].begin, una)) ranges_[0].begin = una;
}

void Scoreboard::find_lost(u32 mss) {
  u32 octets = 0;
  for (size_t i = range_count_; i-- > 0;) {
    octets += octets_between(ranges_[i].begin, ranges_[i].end);
    if (range_count_ - i >= duplicate_threshold || octets > (duplicate_threshold - 1) * mss) {
      set_lost_before(ranges_[i].begin);
      return;
    }
  }
}

u32 Scoreboard::pipe(SeqNumber una, SeqNumber nxt) const {
  u32 total = 0;
  SeqNumber at = una;
  for (size_t i = 0; i <= range_count_; ++i) {
    const SeqNumber end = i < range_count_ ? ranges_[i].begin : nxt;
    total += octets_between(later(at, lost_before_), end);      // not lost
    total += octets_between(at, earlier(end, resent_before_));  // sent again
    if (i < range_count_) at = ranges_[i].end;
  }
  return total;
}

std::optional<Scoreboard::Gap> Scoreboard::next_gap(SeqNumber una, SeqNumber nxt, SeqNumber limit) const {
  SeqNumber at = later(una, resent_before_);
  for (const SackBlock& range : std::span(ranges_).first(range_count_)) {
    if (!before(at, limit)) return std::nullopt;
    if (before(at, range.begin)) return Gap{at, range.begin, true};
    at = later(at, range.end);
  }
  if (!before(at, limit) || !before(at, nxt)) return std::nullopt;
  return Gap{at, nxt, false};
}

}  // namespace samara::net::tcp
