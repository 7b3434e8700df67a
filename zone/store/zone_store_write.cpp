// ZoneStore: everything that appends.
#include <algorithm>

#include "platform/base/byte_writer.h"
#include "zone/store/zone_store.h"
#include "zone/store/zone_store_limits.h"

namespace samara::zone::store {

Result<void, StoreError> ZoneStore::storage_result(Result<void, hal::StorageError> result) {
  if (result.ok()) return {};
  broken_ = true;
  return fail(StoreError::device);
}

// Whether the store is still ours. A write that is under way when somebody else opens it may still arrive; nothing after it
// does, and it is not acknowledged.
Result<void, StoreError> ZoneStore::check_owner() {
  std::vector<u8> blocks(size_t{2} * layout_.block);
  TRY(storage_result(storage_.read(0, blocks)));
  unchecked_ = 0;
  check_due_ = false;
  if (OwnerMark::read(blocks) == owner_ && OwnerMark::read(Bytes(blocks).subspan(layout_.block)) == owner_) return {};
  broken_ = true;
  return fail(StoreError::taken);
}

// Before the first write of a run: whether the half in use is still the one that was found. Whoever had the store until then
// may have gone over to the other one while it was opened.
Result<void, StoreError> ZoneStore::check_halves() {
  std::vector<u8> block(layout_.block);
  for (u32 copy = 0; copy < 2; ++copy) {
    if (!storage_.read(layout_.begin(1 - head_.half) + u64{copy} * layout_.block, block).ok()) continue;
    const auto other = HalfHeader::read(block);
    if (!other.has_value() || other->generation <= head_.header.generation) continue;
    broken_ = true;
    return fail(StoreError::taken);
  }
  return {};
}

Result<void, StoreError> ZoneStore::write_half_header(const Head& head, u32 copy) {
  TRY(check_owner());
  std::vector<u8> block(layout_.block);
  head.header.write(block);
  if (head.half == 0) owner_.write(block);
  unflushed_ = true;
  return storage_result(storage_.write(layout_.begin(head.half) + u64{copy} * layout_.block, block));
}

Result<void, StoreError> ZoneStore::flush() {
  TRY(storage_result(storage_.flush()));
  TRY(check_owner());
  check_due_ = true;
  head_.durable = head_.last;
  if (compaction_.has_value()) compaction_->to.durable = compaction_->to.last;
  unflushed_ = false;
  return {};
}

// `entry` has the payload behind room for the header, and room up to the end of its last block. Gives its offset.
Result<u64, StoreError> ZoneStore::append(Head& head, EntryHeader& header, MutableBytes entry) {
  const u64 size = header.total_size(layout_.block);
  if (broken_) return fail(StoreError::device);
  if (size > layout_.end(head.half) - head.tail) return fail(StoreError::full);
  if (head.tail + size > head.header.reach) {
    // One of the two headers is good at any time. The second one of the step before may still be on its way.
    if (unflushed_) TRY(flush());
    head.header.solid = head.tail;
    head.header.solid_hash = head.previous;
    head.header.solid_sequence = head.last;
    head.header.reach = std::min(layout_.end(head.half), round_up(head.tail + size + reach_step, layout_.block));
    TRY(write_half_header(head, 0));
    TRY(flush());
    TRY(write_half_header(head, 1));
  }
  if (check_due_ || unchecked_ >= usual_payload) TRY(check_owner());
  unchecked_ += size;
  header.sequence = ++sequence_;
  header.durable = head.durable;
  header.previous = head.previous;
  header.payload_hash = crypto::siphash24(head.header.key, entry.subspan(header.size(), header.payload_size));
  const MutableBytes whole = entry.first(static_cast<size_t>(size));
  head.previous = write_entry_header(header, {head.header.key, head.header.instance, head.tail}, whole);
  std::ranges::fill(whole.subspan(header.size() + header.payload_size), u8{0});
  window_.forget();
  unflushed_ = true;
  TRY(storage_result(storage_.write(head.tail, whole)));
  head.tail += size;
  head.last = header.sequence;
  return head.tail - size;
}

// A store of an earlier format is of ours before anything is in it that only we can read.
Result<void, StoreError> ZoneStore::take_format() {
  if (head_.header.version == format_version) return {};
  for (const u32 copy : {0U, 1U}) {
    TRY(write_half_header(head_, copy));
    TRY(flush());
  }
  head_.header.version = format_version;
  return {};
}

u64 ZoneStore::usable(Room room) const {
  switch (room) {
    case Room::usual: return usable();
    case Room::members: return usable() / 8 * 7;
    case Room::reserve: return usable() + layout_.capacity() / 16;
    case Room::work: break;
  }
  return UINT64_MAX;  // what there is
}

// Makes room for `size` octets of entries in the half in use.
Result<void, StoreError> ZoneStore::prepare(u64 size, Room room) {
  if (broken_) return fail(StoreError::device);
  if (used() + size > usable(room)) return fail(StoreError::full);
  // What an interrupted run left behind the end continues that run's entries, and no others: ours differ from the first on. And
  // a write that whoever had the store before us still has under way lands on this entry, which is as large as any: what
  // follows says that it was durable, and so that it is missing.
  EntryHeader mark{.kind = Kind::mark, .payload_size = max_payload};
  const auto fits = [&] {
    const u64 wanted = size + (marked_ ? 0 : mark.total_size(layout_.block));
    return wanted <= layout_.end(head_.half) - head_.tail;
  };
  if (!marked_) {
    TRY(check_halves());
    TRY(take_format());
  }
  if (!fits()) {
    TRY(compact_now());
    mark.payload_size = unique_payload;  // nobody writes here but us
  }
  if (!fits()) return fail(StoreError::full);
  if (marked_) return {};
  const MutableBytes payload = MutableBytes(entry_).subspan(mark.size(), mark.payload_size);
  std::ranges::fill(payload, u8{0});
  rng_.fill(payload.first(unique_payload));
  TRY(append(head_, mark, entry_));
  marked_ = true;
  return flush();
}

// An entry for a zone that the compaction is past goes to both halves.
Result<void, StoreError> ZoneStore::append_piece(EntryHeader& header, MutableBytes entry) {
  const u64 at = TRY(append(head_, header, entry));
  const EntryHeader written = header;
  const u32 row = index_.find_or_add(header.zone);
  u64 moved = 0;
  if (compaction_.has_value() && row < compaction_->row) {
    const auto copy = append(compaction_->to, header, entry);
    if (copy.ok()) {
      moved = copy.value();
    } else {
      stop_compaction();
      if (copy.error() == StoreError::device) return fail(copy.error());
    }
  }
  if (compaction_.has_value() && row == compaction_->row) compaction_->hint = 0;
  index_.take_piece(written, at, static_cast<u32>(written.total_size(layout_.block)), moved);
  return {};
}

// ---- zones ----------------------------------------------------------------------------------------------------------

Result<ZoneWriter, StoreError> ZoneStore::begin_snapshot(const dns::Name& name, dns::Serial serial, Room room) {
  if (broken_) return fail(StoreError::device);
  return ZoneWriter(
      *this,
      {.kind = Kind::snapshot, .zone = name.lowercased(), .group = ++sequence_, .from = serial.value(), .to = serial.value()},
      room);
}

Result<ZoneWriter, StoreError> ZoneStore::begin_difference(const dns::Name& name, dns::Serial from, dns::Serial to, Room room) {
  if (broken_) return fail(StoreError::device);
  const u32 row = index_.find(name);
  if (row == ZoneIndex::none || index_[row].pieces.empty()) return fail(StoreError::not_there);
  const Piece& newest = index_[row].pieces.back();
  if (newest.to != from.value()) return fail(StoreError::not_next);
  return ZoneWriter(*this,
                    {.kind = Kind::difference,
                     .zone = name.lowercased(),
                     .group = ++sequence_,
                     .follows = newest.group,
                     .from = from.value(),
                     .to = to.value()},
                    room);
}

void ZoneStore::abandon(const dns::Name& name, u64 group) {
  const u32 row = index_.find(name);
  if (row == ZoneIndex::none || index_[row].pending.empty() || index_[row].pending.back().group != group) return;
  index_.drop_pending(row);
  if (compaction_.has_value() && row == compaction_->row) compaction_->hint = 0;
}

Result<void, StoreError> ZoneStore::remove(const dns::Name& name) {
  const u32 known = index_.find(name);
  if (known == ZoneIndex::none || (index_[known].pieces.empty() && !index_[known].state.has_value())) {
    return fail(StoreError::not_there);
  }
  EntryHeader removal{.kind = Kind::removal, .zone = name.lowercased()};
  TRY(prepare(removal.total_size(layout_.block), Room::work));
  TRY(append(head_, removal, entry_));
  const u32 row = index_.find(name);
  if (row == ZoneIndex::none) return {};
  if (compaction_.has_value() && row <= compaction_->row) {
    compaction_->hint = 0;
    const auto copy = append(compaction_->to, removal, entry_);
    if (!copy.ok()) stop_compaction();
  }
  index_.remove(row);
  return {};
}

// ---- states ---------------------------------------------------------------------------------------------------------

Result<void, StoreError> ZoneStore::put_state(const dns::Name& name, const ZoneState& state) {
  u32 row = index_.find(name);
  if (row == ZoneIndex::none || index_[row].pieces.empty()) {
    if (!state.member.is_there()) return remove(name);
    if (used() + state_size(name.size(), state) > usable(Room::members)) return fail(StoreError::full);
    row = index_.find_or_add(name);
  }
  index_.set_state(row, state);
  if (!std::exchange(index_[row].state_unsaved, true)) states_unsaved_.push_back(row);
  return {};
}

Result<void, StoreError> ZoneStore::write_states(Head& head, std::optional<std::span<const u32>> rows) {
  EntryHeader header{.kind = Kind::states};
  const size_t begin = header.size();
  ByteWriter out(MutableBytes(entry_).first(begin + usual_payload), begin);
  const auto write = [&]() -> Result<void, StoreError> {
    header.payload_size = static_cast<u32>(out.size() - begin);
    TRY(append(head, header, entry_));
    out = ByteWriter(MutableBytes(entry_).first(begin + usual_payload), begin);
    return {};
  };
  const size_t count = rows.has_value() ? rows->size() : index_.size();
  for (size_t i = 0; i < count; ++i) {
    const u32 row = rows.has_value() ? (*rows)[i] : static_cast<u32>(i);
    const ZoneRow& zone = index_[row];
    if (!zone.state.has_value() || (rows.has_value() && !zone.state_unsaved)) continue;
    if (state_size(zone.name_size, *zone.state) > out.remaining()) TRY(write());
    write_state(out, index_.name(row), *zone.state);
  }
  if (out.size() != begin) TRY(write());
  return {};
}

Result<void, StoreError> ZoneStore::sync() {
  if (broken_) return fail(StoreError::device);
  if (!states_unsaved_.empty()) {
    u64 octets = 0;
    for (const u32 row : states_unsaved_) {
      if (index_[row].state_unsaved) octets += state_size(index_[row].name_size, *index_[row].state);
    }
    const u64 entries = octets / (usual_payload - max_state_size) + 1;
    const auto room = prepare(octets + entries * (u64{EntryHeader::max_size} + layout_.block), Room::work);
    // The compaction that was to make the room has written them, whether there is room for them once more or not.
    if (!room.ok() && (room.error() != StoreError::full || !states_unsaved_.empty())) return fail(room.error());
    TRY(write_states(head_, states_unsaved_));
    states_saved();
  }
  if (unflushed_) TRY(flush());
  return note_end();
}

// All that was written is durable: so the header says from its next flush on, at the latest. Until then the other copy says
// what was before, so that one of them is good at any time.
Result<void, StoreError> ZoneStore::note_end() {
  if (head_.header.solid == head_.tail) return {};
  head_.header.solid = head_.tail;
  head_.header.solid_hash = head_.previous;
  head_.header.solid_sequence = head_.last;
  head_.noted_in ^= 1;
  TRY(write_half_header(head_, head_.noted_in));
  check_due_ = true;
  return {};
}

void ZoneStore::states_saved() {
  for (const u32 row : states_unsaved_) index_[row].state_unsaved = false;
  states_unsaved_.clear();
}

// ---- ZoneWriter -----------------------------------------------------------------------------------------------------

ZoneWriter::ZoneWriter(ZoneStore& store, const EntryHeader& header, std::optional<Room> room)
    : store_(&store), room_(room), header_(header), entry_(max_entry_size), filled_(header.size()) {}

ZoneWriter::ZoneWriter(ZoneWriter&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      room_(other.room_),
      header_(other.header_),
      entry_(std::move(other.entry_)),
      filled_(other.filled_),
      ended_(other.ended_) {}

ZoneWriter::~ZoneWriter() {
  if (store_ != nullptr && room_.has_value()) store_->abandon(header_.zone, header_.group);
}

Result<void, StoreError> ZoneWriter::add(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata) {
  if (rdata.size() > dns::max_rdata_size) return fail(StoreError::too_large);
  std::array<u8, dns::max_record_image> memory;
  ByteWriter out(memory);
  dns::write_record_image(owner, type, ttl, rdata, out);
  return add(out.written());
}

Result<void, StoreError> ZoneWriter::add(Bytes image) {
  if (ended_.has_value()) return fail(*ended_);
  if (image.size() > dns::max_record_image) return fail(StoreError::too_large);
  const size_t payload = filled_ - header_.size();
  if (payload != 0 && payload + image.size() > usual_payload) TRY(write_part(false));
  std::ranges::copy(image, std::span(entry_).subspan(filled_, image.size()).begin());
  filled_ += image.size();
  return {};
}

Result<void, StoreError> ZoneWriter::commit() {
  if (ended_.has_value()) return fail(*ended_);
  TRY(write_part(true));
  ended_ = StoreError::superseded;
  return {};
}

Result<void, StoreError> ZoneWriter::write_part(bool last) {
  const auto write = [&]() -> Result<void, StoreError> {
    header_.last = last;
    header_.payload_size = static_cast<u32>(filled_ - header_.size());
    if (!room_.has_value()) return store_->append_whole(header_, entry_);
    TRY(store_->prepare(header_.total_size(store_->layout_.block), *room_));
    const u32 row = store_->index_.find(header_.zone);
    if (header_.part != 0) {
      const auto& pending = store_->index_[row == ZoneIndex::none ? 0 : row].pending;
      if (row == ZoneIndex::none || pending.size() != header_.part || pending.back().group != header_.group) {
        return fail(StoreError::superseded);
      }
    }
    if (header_.kind == Kind::difference) {
      if (row == ZoneIndex::none || store_->index_[row].pieces.empty()) return fail(StoreError::not_there);
      if (store_->index_[row].pieces.back().group != header_.follows) return fail(StoreError::not_next);
    }
    return store_->append_piece(header_, entry_);
  };
  const auto written = write();
  ++header_.part;
  filled_ = header_.size();
  if (!written.ok()) {
    if (room_.has_value()) store_->abandon(header_.zone, header_.group);
    ended_ = written.error();
  }
  return written;
}

}  // namespace samara::zone::store
