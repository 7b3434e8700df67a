#include "zone/store/zone_store.h"

#include <algorithm>
#include <tuple>

#include "zone/store/zone_store_limits.h"

namespace samara::zone::store {
namespace {

// How far a restore reads ahead: zones lie in the order in which each() names them.
constexpr size_t restore_ahead = size_t{16} * 1024;

bool all_zero(Bytes octets) {
  return std::ranges::all_of(octets, [](u8 octet) { return octet == 0; });
}

struct Headers {
  std::optional<HalfHeader> best;
  u32 half = 0;
  OwnerMark last_owner;
  bool blank = true;
  bool readable = true;
  bool other_version = false;
};

void look_at(hal::Storage& storage, u64 offset, u32 half, Headers& found) {
  std::vector<u8> block(storage.block_size());
  if (!hal::fits(storage, offset, block.size())) return;
  if (!storage.read(offset, block).ok()) {
    found.readable = false;
    return;
  }
  found.blank = found.blank && all_zero(block);
  if (const auto owner = OwnerMark::read(block); owner.has_value() && owner->opening > found.last_owner.opening) {
    found.last_owner = *owner;
  }
  const auto header = HalfHeader::read(block);
  if (!header.has_value()) {
    const auto version = HalfHeader::version_of(block);
    found.other_version = found.other_version || (version.has_value() && !is_readable(*version));
    return;
  }
  const auto order = [](const HalfHeader& one) { return std::tuple(one.generation, one.reach, one.solid); };
  if (!found.best.has_value() || order(*header) > order(*found.best)) {
    found.best = header;
    found.half = half;
  }
}

// A header that does not fit to where it was found is damaged in a way its checksum cannot see: made so on purpose.
bool plausible(const HalfHeader& header, const Layout& layout, u32 half) {
  return header.reach <= layout.end(half) && header.reach >= layout.log_begin(half) && header.solid <= header.reach &&
         header.solid >= layout.log_begin(half) && (header.reach - layout.begin(half)) % layout.block == 0 &&
         (header.solid - layout.begin(half)) % layout.block == 0;
}

// All four, where they are for a store of the storage's size, or of the size that the first says.
Result<Headers, OpenError> look_at_headers(hal::Storage& storage) {
  Headers found;
  look_at(storage, 0, 0, found);
  // Where everything else is depends on what the size and the blocks were when the store was made.
  Layout layout(storage.size(), storage.block_size());
  if (found.best.has_value()) {
    if (found.best->size > storage.size() || found.best->block % storage.block_size() != 0) return fail(OpenError::changed);
    if (found.best->size < min_store_size) return fail(OpenError::foreign);
    layout = Layout(found.best->size, found.best->block);
  }
  look_at(storage, layout.block, 0, found);
  look_at(storage, layout.begin(1), 1, found);
  look_at(storage, layout.begin(1) + layout.block, 1, found);
  // Also where an older header of ours is left: what is in use is the other's.
  if (found.other_version) return fail(OpenError::version);
  if (!found.best.has_value()) {
    if (!found.readable) return fail(OpenError::device);
    if (!found.blank) return fail(OpenError::foreign);
    return found;
  }
  if (found.best->size > storage.size() || found.best->block % storage.block_size() != 0) return fail(OpenError::changed);
  if (found.best->size < min_store_size || Layout(found.best->size, found.best->block).half != layout.half ||
      found.best->block != layout.block || !plausible(*found.best, layout, found.half)) {
    return fail(OpenError::foreign);
  }
  return found;
}

// The mark goes beside what the blocks hold.
Result<void, OpenError> claim(hal::Storage& storage, u32 block_size, const OwnerMark& owner) {
  std::vector<u8> block(block_size);
  for (const u64 at : {u64{0}, u64{block_size}}) {
    if (!storage.read(at, block).ok()) {
      std::ranges::fill(block, u8{0});
      write_signature(block);
    }
    owner.write(block);
    if (!storage.write(at, block).ok() || !storage.flush().ok()) return fail(OpenError::device);
  }
  return {};
}

}  // namespace

std::string_view describe(OpenError error) {
  switch (error) {
    case OpenError::too_small: return "it is too small for a store of zones (512 KiB at least)";
    case OpenError::foreign: return "it holds something else than a store of zones, which stays as it is; name another file";
    case OpenError::version:
      return "it holds a store of zones in the format of another version, which stays as it is: let that version's `samara "
             "storage "
             "export` write out what it has, and `samara storage import` of this one read it into a new file";
    case OpenError::changed: return "it is smaller, or has larger blocks, than when the store of zones was made";
    case OpenError::device: return "it cannot be read or written";
    case OpenError::nothing: return "it is empty: nothing was ever kept in it";
  }
  return "";
}

std::string_view describe(StoreError error) {
  switch (error) {
    case StoreError::full: return "the storage is full";
    case StoreError::device: return "the storage failed; nothing is saved any more";
    case StoreError::not_there: return "no such zone is stored";
    case StoreError::not_next: return "the stored zone has another serial";
    case StoreError::superseded: return "another writer of this zone began";
    case StoreError::damaged: return "the stored zone is damaged";
    case StoreError::stopped: return "stopped";
    case StoreError::taken: return "somebody else uses the storage now; nothing is saved any more";
    case StoreError::too_large: return "a record is too large";
  }
  return "";
}

Result<std::unique_ptr<ZoneStore>, OpenError> ZoneStore::open(hal::Storage& storage, Rng& rng, Use use) {
  if (storage.size() < min_store_size) return fail(OpenError::too_small);
  Headers found = TRY(look_at_headers(storage));
  const OwnerMark owner{found.last_owner.opening + 1, rng.u64_value()};
  if (!found.best.has_value()) {
    if (use == Use::read) return fail(OpenError::nothing);
    const HalfHeader fresh = TRY(make(storage, rng, owner));
    auto store = std::unique_ptr<ZoneStore>(new ZoneStore(storage, rng, fresh, 0, owner));
    store->report_.made = true;
    return store;
  }
  std::optional<OwnerMark> ours;
  if (use == Use::write) {
    TRY(claim(storage, found.best->block, owner));
    ours = owner;
    // Whoever had it may have written until now.
    found = TRY(look_at_headers(storage));
    if (!found.best.has_value()) return fail(OpenError::device);
  }
  auto store = std::unique_ptr<ZoneStore>(new ZoneStore(storage, rng, *found.best, found.half, ours));
  store->scan();
  return store;
}

Result<HalfHeader, OpenError> ZoneStore::make(hal::Storage& storage, Rng& rng, const OwnerMark& owner) {
  const Layout layout(storage.size(), storage.block_size());
  HalfHeader header{.generation = 1,
                    .instance = rng.u64_value(),
                    .size = storage.size(),
                    .block = storage.block_size(),
                    .reach = std::min(layout.end(0), layout.log_begin(0) + reach_step),
                    .solid = layout.log_begin(0),
                    .solid_hash = 0,
                    .solid_sequence = 0,
                    .key = {}};
  rng.fill(header.key);
  std::vector<u8> block(layout.block);
  header.write(block);
  owner.write(block);
  if (!storage.write(0, block).ok() || !storage.write(layout.block, block).ok() || !storage.flush().ok()) {
    return fail(OpenError::device);
  }
  return header;
}

// Without an owner's mark it is for reading.
ZoneStore::ZoneStore(hal::Storage& storage, Rng& rng, const HalfHeader& half, u32 index, const std::optional<OwnerMark>& owner)
    : storage_(storage),
      rng_(rng),
      layout_(half.size, half.block),
      window_(storage, half.block),
      owner_(owner.value_or(OwnerMark())),
      broken_(!owner.has_value()) {
  entry_.resize(max_entry_size);
  head_ = {.half = index, .header = half, .tail = layout_.log_begin(index), .previous = half.instance};
}

void ZoneStore::scan() {
  const u64 begin = layout_.log_begin(head_.half);
  LogWalker first(window_, head_.header, begin);
  while (first.next() != nullptr) continue;
  const u64 proven = std::max(first.proven(), head_.header.solid_sequence);
  report_.damaged_places = first.damaged();
  report_.lost_octets = first.lost();
  LogWalker second(window_, head_.header, begin, first.position());
  while (const LogWalker::Entry* entry = second.next()) {
    const LogWalker::Entry here = *entry;
    // What was never known to be durable may be there in part. The header comes first, so the payload has to be looked at.
    if (here.header.sequence > proven && !payload_good(here.header, here.offset)) {
      report_.tail_cut = true;
      break;
    }
    take_entry(here.header, here.offset);
    head_.last = here.header.sequence;
    head_.tail = second.position();
    head_.previous = second.previous();
  }
  if (!report_.tail_cut) {
    head_.tail = first.position();
    head_.previous = first.previous();
  }
  for (u32 row = 0; row < index_.size(); ++row) index_.drop_pending(row);
  sequence_ = std::max(first.sequence(), head_.header.solid_sequence) + sequence_step;
  head_.last = std::max(report_.tail_cut ? head_.last : first.sequence(), head_.header.solid_sequence);
  head_.durable = std::min(proven, head_.last);
  unflushed_ = true;  // what was found may still be on its way to the medium
  report_.unreadable_blocks = static_cast<u32>(window_.unreadable());
}

void ZoneStore::take_entry(const EntryHeader& header, u64 at) {
  switch (header.kind) {
    case Kind::snapshot:
    case Kind::difference: index_.take_piece(header, at, static_cast<u32>(header.total_size(layout_.block)), 0); return;
    case Kind::removal:
      if (const u32 row = index_.find(header.zone); row != ZoneIndex::none) index_.remove(row);
      return;
    case Kind::states: {
      const Bytes whole = window_.at(at, header.size() + header.payload_size, head_.header.reach, restore_ahead);
      const Bytes payload = whole.subspan(header.size());
      if (crypto::siphash24(head_.header.key, payload) != header.payload_hash) {
        ++report_.damaged_places;
        return;
      }
      for (ByteReader reader(payload); !reader.at_end();) {
        auto named = read_state(reader);
        if (!named.has_value()) return;
        const u32 row = index_.find(named->name);
        if (row != ZoneIndex::none && !index_[row].pieces.empty()) {
          index_.set_state(row, std::move(named->state));
        } else if (named->state.member.is_there()) {
          index_.set_state(index_.find_or_add(named->name), std::move(named->state));
        }
      }
      return;
    }
    case Kind::mark: return;
  }
}

bool ZoneStore::payload_good(const EntryHeader& header, u64 at) {
  const Bytes whole = window_.at(at, header.size() + header.payload_size, head_.header.reach, 0);
  return crypto::siphash24(head_.header.key, whole.subspan(header.size())) == header.payload_hash;
}

size_t ZoneStore::zone_count() const {
  size_t count = 0;
  for (u32 row = 0; row < index_.size(); ++row) count += index_[row].pieces.empty() ? size_t{0} : size_t{1};
  return count;
}

ZoneSummary ZoneStore::summary(u32 row) const {
  const ZoneRow& zone = index_[row];
  ZoneSummary summary{
      .name = index_.name(row), .serial = dns::Serial(zone.pieces.back().to), .state = zone.state, .damaged = zone.damaged};
  for (const Piece& piece : zone.pieces) {
    (piece.kind == Kind::snapshot ? summary.snapshot_octets : summary.difference_octets) += piece.size;
    if (piece.kind == Kind::difference && piece.last) ++summary.differences;
  }
  return summary;
}

std::optional<ZoneSummary> ZoneStore::find(const dns::Name& name) const {
  const u32 row = index_.find(name);
  if (row == ZoneIndex::none || index_[row].pieces.empty()) return std::nullopt;
  return summary(row);
}

MemberMark ZoneStore::mark_of(const dns::Name& name) const {
  const u32 row = index_.find(name);
  return row == ZoneIndex::none || !index_[row].state.has_value() ? MemberMark() : index_[row].state->member;
}

std::optional<Bytes> ZoneStore::entry_of(const Piece& piece, const dns::Name& zone, size_t ahead) {
  const Bytes whole = window_.at(piece.at, piece.size, layout_.end(head_.half), ahead);
  if (whole.size() < piece.size) return std::nullopt;
  const auto found = read_entry_header(whole, {head_.header.key, head_.header.instance, piece.at});
  if (!found.has_value() || found->header.group != piece.group || found->header.zone != zone ||
      found->header.total_size(layout_.block) != piece.size) {
    return std::nullopt;
  }
  const Bytes payload = whole.subspan(found->header.size(), found->header.payload_size);
  if (crypto::siphash24(head_.header.key, payload) != found->header.payload_hash) return std::nullopt;
  return whole;
}

void ZoneStore::lose(u32 row, size_t piece) {
  const std::vector<Piece>& pieces = index_[row].pieces;
  const u64 group = pieces[piece].group;
  while (piece > 0 && pieces[piece - 1].group == group) --piece;
  if (piece == 0) return index_.lose(row);
  index_.cut(row, piece);
}

Result<ZoneStore::Restored, StoreError> ZoneStore::restore(const dns::Name& name, ZoneVisitor& visitor) {
  const u32 row = index_.find(name);
  if (row == ZoneIndex::none || index_[row].pieces.empty()) return fail(StoreError::not_there);
  const dns::Name zone = index_.name(row);
  for (size_t i = 0; i < index_[row].pieces.size(); ++i) {
    const Piece piece = index_[row].pieces[i];
    const auto entry = entry_of(piece, zone, restore_ahead);
    if (!entry.has_value()) {
      lose(row, i);
      if (index_[row].pieces.empty()) return fail(StoreError::damaged);
      break;
    }
    const auto header = read_entry_header(*entry, {head_.header.key, head_.header.instance, piece.at});
    const RecordBatch batch{.of = piece.kind == Kind::snapshot ? RecordBatch::Of::snapshot : RecordBatch::Of::difference,
                            .from = dns::Serial(piece.from),
                            .to = dns::Serial(piece.to),
                            .last = piece.last,
                            .records = entry->subspan(header->header.size(), header->header.payload_size)};
    if (!visitor.on_batch(batch)) return fail(StoreError::stopped);
  }
  return Restored{dns::Serial(index_[row].pieces.back().to), index_[row].damaged};
}

}  // namespace samara::zone::store
