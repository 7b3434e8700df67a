// ZoneStore: copying what is needed to the other half, zone by zone, and going over to it.
#include <algorithm>

#include "zone/store/zone_store.h"
#include "zone/store/zone_store_limits.h"

namespace samara::zone::store {

Result<void, StoreError> ZoneStore::start_compaction() {
  Compaction next;
  next.to.half = 1 - head_.half;
  // The old state there must not come back once its log is written over.
  std::vector<u8> nothing(layout_.block);
  if (next.to.half == 0) {
    write_signature(nothing);
    owner_.write(nothing);
  }
  for (u32 copy = 0; copy < 2; ++copy) {
    TRY(check_owner());
    unflushed_ = true;
    TRY(storage_result(storage_.write(layout_.begin(next.to.half) + u64{copy} * layout_.block, nothing)));
  }
  TRY(flush());
  next.to.header = head_.header;
  next.to.header.generation = head_.header.generation + 1;
  next.to.header.instance = rng_.u64_value();
  next.to.header.reach = layout_.end(next.to.half);  // announced when it comes into use
  next.to.tail = layout_.log_begin(next.to.half);
  next.to.previous = next.to.header.instance;
  compaction_ = next;
  return {};
}

void ZoneStore::stop_compaction() {
  compaction_.reset();
  for (u32 row = 0; row < index_.size(); ++row) {
    for (Piece& piece : index_[row].pieces) piece.moved = 0;
    for (Piece& piece : index_[row].pending) piece.moved = 0;
  }
}

// The next part of the zone that takes the place of the row's pieces.
Result<void, StoreError> ZoneStore::append_whole(EntryHeader& header, MutableBytes entry) {
  const u64 at = TRY(append(compaction_->to, header, entry));
  compaction_->whole.back().pieces.push_back({.at = at,
                                              .moved = at,
                                              .group = header.group,
                                              .size = static_cast<u32>(header.total_size(layout_.block)),
                                              .from = header.from,
                                              .to = header.to,
                                              .kind = header.kind,
                                              .last = header.last});
  return {};
}

Result<void, StoreError> ZoneStore::write_row_whole(const ZoneSummary& kept) {
  const u32 serial = compaction_->zones->serial().value();
  compaction_->whole.push_back({.row = compaction_->row, .pieces = {}});
  ZoneWriter writer(
      *this, {.kind = Kind::snapshot, .zone = kept.name.lowercased(), .group = ++sequence_, .from = serial, .to = serial},
      std::nullopt);
  TRY(compaction_->zones->write(writer));
  return writer.commit();
}

// True: all of the row's pieces are copied. False: the budget is used up.
Result<bool, StoreError> ZoneStore::copy_row(u64& budget) {
  const u32 row = compaction_->row;
  const dns::Name name = index_.name(row);
  if (compaction_->zones != nullptr && !index_[row].pieces.empty() && index_[row].pending.empty()) {
    if (const ZoneSummary kept = summary(row); compaction_->zones->has(kept)) {
      TRY(write_row_whole(kept));
      return true;
    }
  }
  for (;;) {
    ZoneRow& zone = index_[row];
    const size_t whole_groups = zone.pieces.size();
    size_t i = compaction_->hint;
    const auto piece_at = [&](size_t at) -> Piece& {
      return at < whole_groups ? zone.pieces[at] : zone.pending[at - whole_groups];
    };
    while (i < whole_groups + zone.pending.size() && piece_at(i).moved != 0) ++i;
    compaction_->hint = i;
    if (i == whole_groups + zone.pending.size()) return true;
    if (budget == 0) return false;
    Piece& piece = piece_at(i);
    const auto entry = entry_of(piece, name, max_entry_size);
    if (!entry.has_value()) {
      if (i < whole_groups) {
        lose(row, i);
      } else {
        index_.drop_pending(row);
      }
      ++report_.damaged_places;
      compaction_->hint = 0;
      continue;
    }
    std::ranges::copy(*entry, entry_.begin());
    EntryHeader header = read_entry_header(entry_, {head_.header.key, head_.header.instance, piece.at})->header;
    piece.moved = TRY(append(compaction_->to, header, entry_));
    budget -= std::min<u64>(budget, piece.size);
  }
}

Result<bool, StoreError> ZoneStore::compact(u64 budget) {
  for (; compaction_->row < index_.size(); ++compaction_->row, compaction_->hint = 0) {
    if (!TRY(copy_row(budget))) return false;
  }
  TRY(write_states(compaction_->to, std::nullopt));
  TRY(switch_halves());
  return true;
}

Result<void, StoreError> ZoneStore::switch_halves() {
  Head& to = compaction_->to;
  TRY(flush());
  to.header.solid = to.tail;
  to.header.solid_hash = to.previous;
  to.header.solid_sequence = to.last;
  to.header.reach = std::min(layout_.end(to.half), to.tail + reach_step);
  TRY(write_half_header(to, 0));
  TRY(flush());
  TRY(write_half_header(to, 1));
  head_ = to;
  for (Whole& zone : compaction_->whole) index_.replace(zone.row, std::move(zone.pieces));
  compaction_.reset();
  for (u32 row = 0; row < index_.size(); ++row) {
    for (Piece& piece : index_[row].pieces) piece.at = std::exchange(piece.moved, 0);
    for (Piece& piece : index_[row].pending) piece.at = std::exchange(piece.moved, 0);
  }
  states_saved();
  index_.tidy();  // which gives rows other numbers
  return {};
}

Result<void, StoreError> ZoneStore::compact_now() {
  // One that is under way may have copied what is not needed any more, and find no room; another try copies only what is.
  for (bool again = compaction_.has_value();; again = false) {
    if (!compaction_.has_value()) TRY(start_compaction());
    const auto done = compact(UINT64_MAX);
    if (done.ok()) return {};
    stop_compaction();
    if (done.error() != StoreError::full || !again) return fail(done.error());
  }
}

Result<void, StoreError> ZoneStore::fold(WholeZones& zones) {
  if (broken_) return fail(StoreError::device);
  // The first write of a run has its checks.
  TRY(prepare(0, Room::work));
  if (compaction_.has_value()) stop_compaction();
  TRY(start_compaction());
  compaction_->zones = &zones;
  const auto done = compact(UINT64_MAX);
  if (!done.ok()) {
    stop_compaction();
    return fail(done.error());
  }
  used_when_folded_ = used();
  return {};
}

Result<bool, StoreError> ZoneStore::maintain(u64 budget) {
  if (broken_) return fail(StoreError::device);
  if (!compaction_.has_value()) {
    const u64 written = head_.tail - layout_.log_begin(head_.half);
    if (written <= layout_.capacity() / 4 * 3 || used() + layout_.capacity() / 8 > written) return false;
    TRY(start_compaction());
  }
  const auto done = compact(budget);
  if (done.ok()) return !done.value();
  stop_compaction();
  if (done.error() == StoreError::full) return false;
  return fail(done.error());
}

}  // namespace samara::zone::store
