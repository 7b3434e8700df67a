#include "zone/history.h"

#include <algorithm>

#include "platform/base/heap_room.h"

namespace samara::zone {

History::History(const Zone& zone)
    : memory_(zone.memory()),
      serial_(zone.serial()),
      newest_(memory_.word(zone.header() + Zone::history_at)),
      count_(memory_.word(zone.header() + Zone::history_count_at)),
      octets_(memory_.word(zone.header() + Zone::history_octets_at)) {}

bool History::path(dns::Serial from, std::vector<StoredDifference>& steps) const {
  steps.clear();
  if (from == serial_) return true;
  Ref ref = newest_;
  for (u32 i = 0; i < count_; ++i) {
    const StoredDifference step(memory_, ref);
    steps.push_back(step);
    if (step.from() == from) {
      std::ranges::reverse(steps);
      return true;
    }
    ref = step.previous();
  }
  steps.clear();
  return false;
}

std::vector<StoredDifference> History::all() const {
  std::vector<StoredDifference> steps;
  Ref ref = newest_;
  for (u32 i = 0; i < count_; ++i) {
    steps.emplace_back(memory_, ref);
    ref = steps.back().previous();
  }
  std::ranges::reverse(steps);
  return steps;
}

void StepRecords::soa(const dns::Name& apex, RecordView before, RecordView after) {
  put(old_soa_, apex, before);
  put(new_soa_, apex, after);
  if (!too_large_) records_ -= 2;
}

void StepRecords::put(std::vector<u8>& to, const dns::Name& owner, RecordView record) {
  if (too_large_) return;
  const size_t octets = owner.size() + record.image().size();
  if (size() + octets > limit_ || !make_room(to, octets)) {
    too_large_ = true;
    return;
  }
  to.insert(to.end(), owner.wire().begin(), owner.wire().end());
  to.insert(to.end(), record.image().begin(), record.image().end());
  ++records_;
}

void StepRecords::write(MutableBytes to) const {
  size_t at = 0;
  for (const std::vector<u8>* part : {&old_soa_, &deleted_, &new_soa_, &added_}) {
    std::ranges::copy(*part, to.subspan(at, part->size()).begin());
    at += part->size();
  }
}

void HistoryKeeper::adopt(const Zone& zone) {
  forget();
  for (const StoredDifference& step : History(zone).all()) {
    kept_.push_back(step.ref());
    octets_ += step.size();
  }
}

void HistoryKeeper::break_off(dns::Serial before) {
  forget();
  if (ambiguous_up_to_.has_value() && before.compare(*ambiguous_up_to_) != dns::Serial::Order::greater) return;
  ambiguous_up_to_ = before;
}

bool HistoryKeeper::append(ExtentWriter& out, dns::Serial from, dns::Serial to, const StepRecords& records) {
  if (ambiguous_up_to_.has_value() && from.compare(*ambiguous_up_to_) != dns::Serial::Order::greater) {
    forget();
    return true;
  }
  ambiguous_up_to_.reset();
  const size_t size = StoredDifference::fixed_words * 4 + records.size();
  const auto ref = out.take(size);
  if (!ref.has_value()) return false;
  out.set_word(*ref, newest());
  out.set_word(*ref + 1, from.value());
  out.set_word(*ref + 2, to.value());
  out.set_word(*ref + 3, records.record_count());
  out.set_word(*ref + 4, static_cast<u32>(records.size()));
  records.write(out.octets(*ref, StoredDifference::fixed_words * 4, records.size()));
  kept_.push_back(*ref);
  octets_ += size;
  size_t dropped = 0;
  for (; dropped < kept_.size() && (kept_.size() - dropped > limits_.differences || octets_ > limits_.octets); ++dropped) {
    octets_ -= StoredDifference(out.view(), kept_[dropped]).size();
  }
  kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(dropped));
  return true;
}

bool HistoryKeeper::move_to(ExtentWriter& out) {
  std::vector<Ref> moved;
  moved.reserve(kept_.size());
  for (const Ref from : kept_) {
    const StoredDifference step(out.view(), from);
    const auto ref = out.take(step.size());
    if (!ref.has_value()) return false;
    std::ranges::copy(out.view().octets(from, 0, step.size()), out.octets(*ref, 0, step.size()).begin());
    out.set_word(*ref, moved.empty() ? 0 : moved.back());
    moved.push_back(*ref);
  }
  kept_.swap(moved);
  return true;
}

void HistoryKeeper::describe_in(HeaderWords& words) const {
  words[Zone::history_at] = newest();
  words[Zone::history_count_at] = static_cast<u32>(kept_.size());
  words[Zone::history_octets_at] = static_cast<u32>(octets_);
}

}  // namespace samara::zone
