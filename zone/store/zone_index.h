// ZoneIndex: which zones a store holds and where their parts are. What an entry does to it is the same whether the entry is
// being written or was found when the store was opened.
#pragma once

#include <optional>
#include <vector>

#include "dns-core/types.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"
#include "platform/base/time.h"
#include "zone/store/format.h"

namespace samara::zone::store {

// The file that a primary's zone came from.
struct FileMark {
  dns::Serial serial;
  std::optional<u64> digest;  // content_digest() of what was read; earlier builds kept the serial alone
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

// What is to be remembered of a zone besides its content.
struct ZoneState {
  // At a secondary.
  UnixTime refreshed;  // when its primary was last heard to have this serial, or a smaller one
  UnixTime expires;    // when the zone is not served any more unless it is refreshed (RFC 1035 section 3.3.13)
  // At a primary, where the times mean nothing: the zone's file, which updates have changed since.
  std::optional<FileMark> file;
  friend bool operator==(const ZoneState&, const ZoneState&) = default;
};

// A snapshot's or a difference's entry.
struct Piece {
  u64 at;
  u64 moved = 0;  // where its copy is while the store is being compacted
  u64 group;
  u32 size;
  u32 from;
  u32 to;
  Kind kind;
  bool last;
};

struct ZoneRow {
  u32 name_at;
  u8 name_size;
  bool damaged = false;  // what was written later than the content that is left is lost
  bool state_unsaved = false;
  std::vector<Piece> pieces;   // a snapshot and the differences behind it, whole groups; none: the zone is not there
  std::vector<Piece> pending;  // of a group that is not complete
  std::optional<ZoneState> state;
};

class ZoneIndex {
 public:
  static constexpr u32 none = UINT32_MAX;

  u32 find(const dns::Name& name) const;
  u32 find_or_add(const dns::Name& name);
  u32 size() const { return static_cast<u32>(rows_.size()); }
  ZoneRow& operator[](u32 row) { return rows_[row]; }
  const ZoneRow& operator[](u32 row) const { return rows_[row]; }
  dns::Name name(u32 row) const;

  // The entry `header`, which is at `at` and `size` octets long, belongs to a snapshot or difference. False: it does not fit to
  // what is there, and was left out.
  bool take_piece(const EntryHeader& header, u64 at, u32 size, u64 moved);
  void drop_pending(u32 row);
  void remove(u32 row);
  // Leaves the first `count` pieces.
  void cut(u32 row, size_t count);
  void set_state(u32 row, const ZoneState& state);

  // Octets of all pieces, and of all states once they are written.
  u64 live() const { return live_; }
  u64 state_octets() const { return state_octets_; }
  // Forgets the rows of zones that are not there. Row numbers change.
  void tidy();

 private:
  void drop(std::vector<Piece>& pieces, size_t from = 0);
  void rehash(size_t slots);
  void insert(u32 row);

  std::vector<ZoneRow> rows_;
  std::vector<u8> names_;   // lower case, wire form
  std::vector<u32> slots_;  // a power of two of them; row + 1, 0: free
  u64 live_ = 0;
  u64 state_octets_ = 0;
};

// ---- states as they are written -------------------------------------------------------------------------------------

constexpr size_t state_size(size_t name_size) {
  return 1 + name_size + 8 + 8 + 1 + 4;
}
void write_state(ByteWriter& out, const dns::Name& name, const ZoneState& state);
struct NamedState {
  dns::Name name;
  ZoneState state;
};
std::optional<NamedState> read_state(ByteReader& from);

}  // namespace samara::zone::store
