#include "zone/store/zone_index.h"

#include <algorithm>

namespace samara::zone::store {
namespace {

constexpr size_t first_slots = 64;
// Names come from configurations and catalogs of ours; a key is not needed.
constexpr crypto::SipHashKey table_key{};

size_t slot_of(Bytes name, size_t slots) {
  return static_cast<size_t>(crypto::siphash24(table_key, name)) & (slots - 1);
}

}  // namespace

dns::Name ZoneIndex::name(u32 row) const {
  ByteReader reader(Bytes(names_).subspan(rows_[row].name_at, rows_[row].name_size));
  return MUST(dns::Name::from_wire(reader));
}

u32 ZoneIndex::find(const dns::Name& name) const {
  if (slots_.empty()) return none;
  const dns::Name lower = name.lowercased();
  for (size_t slot = slot_of(lower.wire(), slots_.size()); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const ZoneRow& row = rows_[slots_[slot] - 1];
    if (equal_octets(Bytes(names_).subspan(row.name_at, row.name_size), lower.wire())) return slots_[slot] - 1;
  }
  return none;
}

void ZoneIndex::insert(u32 row) {
  const Bytes wire = Bytes(names_).subspan(rows_[row].name_at, rows_[row].name_size);
  size_t slot = slot_of(wire, slots_.size());
  while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = row + 1;
}

void ZoneIndex::rehash(size_t slots) {
  slots_.assign(slots, 0);
  for (u32 row = 0; row < rows_.size(); ++row) insert(row);
}

u32 ZoneIndex::find_or_add(const dns::Name& name) {
  if (const u32 row = find(name); row != none) return row;
  if (2 * (rows_.size() + 1) > slots_.size()) rehash(std::max(first_slots, 2 * slots_.size()));
  const dns::Name lower = name.lowercased();
  ZoneRow row;
  row.name_at = static_cast<u32>(names_.size());
  row.name_size = static_cast<u8>(lower.size());
  names_.insert(names_.end(), lower.wire().begin(), lower.wire().end());
  rows_.push_back(std::move(row));
  insert(size() - 1);
  return size() - 1;
}

void ZoneIndex::drop(std::vector<Piece>& pieces, size_t from) {
  for (size_t i = from; i < pieces.size(); ++i) live_ -= pieces[i].size;
  pieces.resize(std::min(from, pieces.size()));
}

void ZoneIndex::drop_pending(u32 row) {
  drop(rows_[row].pending);
}

void ZoneIndex::drop_state(ZoneRow& zone) {
  if (zone.state.has_value()) state_octets_ -= state_size(zone.name_size, *zone.state);
  zone.state.reset();
}

void ZoneIndex::lose(u32 row) {
  ZoneRow& zone = rows_[row];
  if (!zone.state.has_value() || !zone.state->member.is_there()) return remove(row);
  drop(zone.pieces);
  drop(zone.pending);
}

void ZoneIndex::replace(u32 row, std::vector<Piece>&& pieces) {
  drop(rows_[row].pieces);
  for (const Piece& piece : pieces) live_ += piece.size;
  rows_[row].pieces = std::move(pieces);
  rows_[row].damaged = false;
}

void ZoneIndex::remove(u32 row) {
  ZoneRow& zone = rows_[row];
  drop(zone.pieces);
  drop(zone.pending);
  drop_state(zone);
  zone.state_unsaved = false;
  zone.damaged = false;
}

void ZoneIndex::cut(u32 row, size_t count) {
  drop(rows_[row].pieces, count);
  rows_[row].damaged = true;
}

void ZoneIndex::set_state(u32 row, ZoneState state) {
  ZoneRow& zone = rows_[row];
  drop_state(zone);
  state_octets_ += state_size(zone.name_size, state);
  zone.state.emplace(std::move(state));
}

bool ZoneIndex::take_piece(const EntryHeader& header, u64 at, u32 size, u64 moved) {
  ZoneRow& zone = rows_[find_or_add(header.zone)];
  if (header.part == 0) {
    drop(zone.pending);
  } else if (zone.pending.size() != header.part || zone.pending.back().group != header.group) {
    drop(zone.pending);
    zone.damaged = true;
    return false;
  }
  zone.pending.push_back({.at = at,
                          .moved = moved,
                          .group = header.group,
                          .size = size,
                          .from = header.from,
                          .to = header.to,
                          .kind = header.kind,
                          .last = header.last});
  live_ += size;
  if (!header.last) return true;
  if (header.kind == Kind::snapshot) {
    drop(zone.pieces);
    zone.pieces = std::move(zone.pending);
    zone.damaged = false;
  } else {
    // What a difference does not build on was found to be damaged when it was made.
    const auto base = std::find_if(zone.pieces.rbegin(), zone.pieces.rend(),
                                   [&](const Piece& piece) { return piece.group == header.follows && piece.last; });
    if (base == zone.pieces.rend() || base->to != header.from) {
      drop(zone.pending);
      zone.damaged = true;
      return false;
    }
    drop(zone.pieces, static_cast<size_t>(zone.pieces.rend() - base));
    zone.pieces.insert(zone.pieces.end(), zone.pending.begin(), zone.pending.end());
  }
  zone.pending.clear();
  return true;
}

void ZoneIndex::tidy() {
  std::vector<ZoneRow> rows;
  std::vector<u8> names;
  for (ZoneRow& row : rows_) {
    const bool is_member = row.state.has_value() && row.state->member.is_there();
    if (row.pieces.empty() && row.pending.empty() && !is_member) {
      drop_state(row);
      continue;
    }
    const Bytes name = Bytes(names_).subspan(row.name_at, row.name_size);
    row.name_at = static_cast<u32>(names.size());
    names.insert(names.end(), name.begin(), name.end());
    rows.push_back(std::move(row));
  }
  rows_ = std::move(rows);
  names_ = std::move(names);
  rehash(slots_.size());
}

MemberMark::MemberMark(const dns::Name& catalog, Bytes unique) {
  const dns::Name lower = catalog.lowercased();
  octets_.assign(lower.wire().begin(), lower.wire().end());
  for (const u8 octet : unique) octets_.push_back(dns::to_lower(octet));
}

std::optional<MemberMark> MemberMark::read(Bytes octets) {
  ByteReader reader(octets);
  const auto catalog = dns::Name::from_wire(reader);
  if (!catalog.ok() || reader.at_end() || reader.remaining() > dns::max_label_size) return std::nullopt;
  return MemberMark(catalog.value(), reader.rest());
}

dns::Name MemberMark::catalog() const {
  ByteReader reader(octets_);
  return MUST(dns::Name::from_wire(reader));
}

Bytes MemberMark::unique() const {
  return Bytes(octets_).subspan(catalog().size());
}

// The octet says what stands around it.
enum class StateForm : u8 {
  times = 0,              // a secondary's: refreshed, expires
  serial_of_file = 1,     // a primary's of an earlier build: the file's serial behind it
  digest_and_serial = 2,  // a primary's: the digest of the file in place of the first time, its serial behind it
  member = 3              // a secondary's: times, and behind all else the size of a MemberMark, 16 bits, and the mark
};

void write_state(ByteWriter& out, const dns::Name& name, const ZoneState& state) {
  out.u8(static_cast<u8>(name.size()));
  out.bytes(name.wire());
  const bool has_digest = state.file.has_value() && state.file->digest.has_value();
  StateForm form = StateForm::times;
  if (state.member.is_there()) form = StateForm::member;
  if (state.file.has_value()) form = has_digest ? StateForm::digest_and_serial : StateForm::serial_of_file;
  out.u64(has_digest ? *state.file->digest : static_cast<u64>(state.refreshed.seconds));
  out.u64(static_cast<u64>(state.expires.seconds));
  out.u8(static_cast<u8>(form));
  out.u32(state.file.has_value() ? state.file->serial.value() : 0);
  if (form != StateForm::member) return;
  out.u16(static_cast<u16>(state.member.octets().size()));
  out.bytes(state.member.octets());
}

std::optional<NamedState> read_state(ByteReader& from) {
  const auto name_size = from.u8();
  if (!name_size.ok()) return std::nullopt;
  auto name_octets = from.sub(name_size.value());
  if (!name_octets.ok()) return std::nullopt;
  const auto name = dns::Name::from_wire(name_octets.value());
  if (!name.ok() || !name_octets.value().at_end()) return std::nullopt;
  auto rest = from.bytes(state_fixed_size - 1);
  if (!rest.ok()) return std::nullopt;
  const Bytes fixed = rest.value();
  NamedState found{name.value(), {}};
  const auto form = static_cast<StateForm>(fixed[16]);
  const bool has_digest = form == StateForm::digest_and_serial;
  if (!has_digest) found.state.refreshed = {static_cast<i64>(load_be64(fixed))};
  found.state.expires = {static_cast<i64>(load_be64(fixed, 8))};
  if (form == StateForm::member) {
    const auto size = from.u16();
    if (!size.ok()) return std::nullopt;
    const auto octets = from.bytes(size.value());
    auto mark = octets.ok() ? MemberMark::read(octets.value()) : std::nullopt;
    if (!mark.has_value()) return std::nullopt;
    found.state.member = std::move(*mark);
  } else if (form != StateForm::times) {
    found.state.file = FileMark{.serial = dns::Serial(load_be32(fixed, 17)), .digest = {}};
    if (has_digest) found.state.file->digest = load_be64(fixed);
  }
  return found;
}

}  // namespace samara::zone::store
