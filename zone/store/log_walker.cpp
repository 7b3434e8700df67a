#include "zone/store/log_walker.h"

#include <algorithm>

namespace samara::zone::store {
namespace {

// Small entries lie close together, and of the large ones only the header is looked at.
constexpr size_t read_ahead = size_t{16} * 1024;

}  // namespace

std::optional<ReadEntry> LogWalker::entry_at(u64 offset) {
  const Bytes there = window_.at(offset, hal::min_storage_block, half_.reach, read_ahead);
  auto entry = read_entry_header(there, {half_.key, half_.instance, offset});
  if (entry.has_value() && entry->header.total_size(half_.block) > half_.reach - offset) return std::nullopt;
  return entry;
}

const LogWalker::Entry* LogWalker::next() {
  for (;;) {
    if (position_ >= stop_.value_or(half_.reach)) return nullptr;
    const auto found = entry_at(position_);
    if (found.has_value() && found->header.sequence > sequence_ && (!linked_ || found->header.previous == previous_)) {
      entry_ = {found->header, position_};
      position_ += found->header.total_size(half_.block);
      previous_ = found->hash;
      linked_ = true;
      sequence_ = found->header.sequence;
      proven_ = std::max(proven_, found->header.durable);
      return &entry_;
    }
    if (!go_around()) return nullptr;
  }
}

template <class F>
std::optional<u64> LogWalker::find(u64 from, u64 to, F&& wanted) {
  for (u64 at = from; at < to; at += half_.block) {
    const auto entry = entry_at(at);
    if (entry.has_value() && wanted(entry->header)) return at;
  }
  return std::nullopt;
}

bool LogWalker::go_around() {
  const auto later = [this](const EntryHeader& header) { return header.sequence > sequence_; };
  const u64 here = position_;
  const u64 behind = here + half_.block;
  if (position_ < half_.solid) {
    ++damaged_;
    if (const auto next = find(behind, half_.solid, later)) {
      position_ = *next;
      linked_ = false;
    } else {
      position_ = half_.solid;
      previous_ = half_.solid_hash;
      linked_ = true;
    }
    lost_ += position_ - here;
    return true;
  }
  const u64 known = std::max({sequence_, proven_, half_.solid_sequence});
  // The entry right here may be whole, and what it follows gone.
  const auto proof = find(position_, half_.reach,
                          [known](const EntryHeader& header) { return header.durable > known && header.sequence > known; });
  if (!proof.has_value()) return false;
  ++damaged_;
  position_ = find(behind, *proof, later).value_or(*proof);
  linked_ = false;
  lost_ += position_ - here;
  return true;
}

}  // namespace samara::zone::store
