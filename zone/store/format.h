// How a zone store lies on its storage. Everything is big-endian and in whole blocks.
//
//   half 0                                    half 1
//   header, header again, entry, entry, …     header, header again, entry, entry, …
//
// One half is in use: the one whose header has the higher generation. Entries are appended to it and never changed. When it is
// full, what is still needed is copied to the other one, made durable, and only then that half's header is written, which makes
// it the one in use.
//
// An entry is a header, a payload and zeros up to the end of its block. Its header's checksum also covers where it is and which
// half it was written for (`instance`, new for each use of a half), so that nothing old or misplaced passes for an entry; it
// names the header before it (`previous`), so that nothing missing goes unnoticed; and it tells up to which entry everything
// was durable when it was written (`durable`), so that damage in what was once safe is told from an end that never was. After
// the last entry that is what the half's header does: each flush is noted in it (`solid`), so that zeros where entries were are
// told from the zeros behind the end.
//
// Checksums are SipHash-2-4 with a key that is drawn when the store is made: 64 bits where a CRC has 32, in the tree already,
// and nobody who can choose what a zone holds can choose what passes for an entry.
#pragma once

#include <optional>
#include <string_view>

#include "dns-core/record_image.h"
#include "platform/base/ip_address.h"
#include "platform/base/types.h"
#include "platform/crypto/siphash.h"

namespace samara::zone::store {

// The first octets of a half, and so of a store.
constexpr std::string_view signature = "samaraZS";

// A build reads its own version and those before it from `oldest_version` on, and writes its own: a change of the format raises
// the number and brings the way to read the one before. The first write to a store of an earlier version says in both headers
// of the half in use that it is of this one now, so that no earlier build takes it for its own.
//   3  states of members of catalogs (zone_index.h) have the catalog and the label behind them
constexpr u16 format_version = 3;
constexpr u16 oldest_version = 2;
constexpr bool is_readable(u16 version) {
  return version >= oldest_version && version <= format_version;
}

constexpr u64 round_up(u64 value, u64 unit) {
  return (value + unit - 1) / unit * unit;
}

// ---- halves ---------------------------------------------------------------------------------------------------------

struct HalfHeader {
  static constexpr size_t wire_size = 104;

  u16 version = format_version;  // that was read; what is written is of the latest
  u64 generation = 0;
  u64 instance = 0;
  u64 size = 0;            // of the whole storage, in octets
  u32 block = 0;           // the size of blocks
  u64 reach = 0;           // no entry ends beyond this offset
  u64 solid = 0;           // all entries in front of this offset were durable when this header was written
  u64 solid_hash = 0;      // checksum of the last of them
  u64 solid_sequence = 0;  // no entry in front of it has a higher sequence number
  crypto::SipHashKey key{};

  void write(MutableBytes block_of_it) const;  // at least 512 octets, all are written
  static std::optional<HalfHeader> read(Bytes block_of_it);
  // The format's version; nothing when this is no half's header, or a damaged one. Magic, version and checksum stand in the
  // same places in every version.
  static std::optional<u16> version_of(Bytes block_of_it);
};

// Whose store it is, in both header blocks of half 0, whether they hold a header or not: who opens a store to write leaves a
// mark of its own there, and writes only as long as it finds it. What is acknowledged was on the medium while the mark was
// still there, and whoever takes the store over looks at what there is after its mark is on the medium: so it finds all of
// that. One write that was under way meanwhile may bring the old mark back in one of the places: then neither finds its own in
// both. Builds before these marks leave none, and take no notice.
struct OwnerMark {
  static constexpr size_t place = 256;  // in the same 512 octets as the header
  static constexpr size_t wire_size = 32;

  u64 opening = 0;  // how often the store was opened, as far as it was counted
  u64 owner = 0;    // drawn at random

  void write(MutableBytes header_block) const;
  static std::optional<OwnerMark> read(Bytes header_block);
  friend bool operator==(const OwnerMark&, const OwnerMark&) = default;
};
// For a header block without a header: a disk is known by it.
void write_signature(MutableBytes header_block);

// Where the halves of a store of `size` octets lie.
struct Layout {
  u64 half;  // octets of one
  u32 block;
  Layout(u64 size, u32 block_size) : half(size / 2 / block_size * block_size), block(block_size) {}
  u64 begin(u32 index) const { return index * half; }
  u64 log_begin(u32 index) const { return begin(index) + u64{2} * block; }
  u64 end(u32 index) const { return begin(index) + half; }
  u64 capacity() const { return half - u64{2} * block; }
};

// ---- entries --------------------------------------------------------------------------------------------------------

enum class Kind : u8 {
  mark = 1,        // the first entry of a run; its payload makes it unlike any other, and is large (zone_store_write.cpp)
  snapshot = 2,    // records of a zone, or a part of them
  difference = 3,  // a step from one serial to the next, or a part of it
  states = 4,      // ZoneStates of any number of zones
  removal = 5,     // the zone is no more
};

struct EntryHeader {
  static constexpr size_t fixed_size = 80;  // besides the name
  static constexpr size_t max_size = fixed_size + dns::max_name_size;

  Kind kind = Kind::mark;
  bool last = true;  // of its group
  dns::Name zone{};  // the root where the kind has none
  u32 payload_size = 0;
  u32 part = 0;  // which of its group, from 0
  u64 sequence = 0;
  u64 durable = 0;
  u64 previous = 0;  // the checksum of the header in front of this one
  u64 group = 0;     // the parts of a snapshot or difference have the same
  u64 follows = 0;   // difference: the group it continues
  u32 from = 0;      // serials; of a snapshot both are its own
  u32 to = 0;
  u64 payload_hash = 0;

  size_t size() const { return fixed_size + zone.size(); }
  u64 total_size(u32 block) const { return round_up(size() + payload_size, block); }
};

// What an entry's checksum covers besides the header itself.
struct EntryPlace {
  const crypto::SipHashKey& key;
  u64 instance;
  u64 offset;
};

// Writes it to the front of `into` and returns its checksum.
u64 write_entry_header(const EntryHeader& header, const EntryPlace& place, MutableBytes into);

struct ReadEntry {
  EntryHeader header;
  u64 hash;
};
// The entry header at the front of `at`, if that is one, undamaged and in its place.
std::optional<ReadEntry> read_entry_header(Bytes at, const EntryPlace& place);

// An entry's payload: as many records as go into 64 KiB, or one that is larger.
constexpr size_t usual_payload = size_t{64} * 1024;
constexpr size_t max_payload = size_t{66} * 1024;
static_assert(max_payload >= dns::max_record_image);
constexpr size_t max_entry_size = size_t{72} * 1024;
static_assert(max_entry_size % 4096 == 0 && max_entry_size >= EntryHeader::max_size + max_payload + 4096);

}  // namespace samara::zone::store
