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

// The catalog that a secondary's zone is a member of, and its label there (RFC 9432 section 4.1).
class MemberMark {
 public:
  MemberMark() = default;  // of no catalog
  MemberMark(const dns::Name& catalog, Bytes unique);
  // Nothing: the octets, which are as octets() gives them, are no mark.
  static std::optional<MemberMark> read(Bytes octets);

  bool is_there() const { return !octets_.empty(); }
  dns::Name catalog() const;
  Bytes unique() const;  // without its length
  // The catalog's name in wire form, and the label behind it, both in lower case.
  Bytes octets() const { return octets_; }
  friend bool operator==(const MemberMark&, const MemberMark&) = default;

 private:
  std::vector<u8> octets_;
};

// What is to be remembered of a zone besides its content.
struct ZoneState {
  // At a secondary.
  UnixTime refreshed;  // when its primary was last heard to have this serial, or a smaller one
  UnixTime expires;    // when the zone is not served any more unless it is refreshed (RFC 1035 section 3.3.13)
  MemberMark member{};
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
  // A snapshot and the differences behind it, whole groups. None: the zone is not there, or is a member of a catalog that has
  // not been transferred yet, of which there is a state alone.
  std::vector<Piece> pieces;
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
  // These whole pieces are all of the zone.
  void replace(u32 row, std::vector<Piece>&& pieces);
  void remove(u32 row);
  // The content is damaged. Whose member the zone is stays known.
  void lose(u32 row);
  // Leaves the first `count` pieces.
  void cut(u32 row, size_t count);
  void set_state(u32 row, ZoneState state);

  // Octets of all pieces, and of all states once they are written.
  u64 live() const { return live_; }
  u64 state_octets() const { return state_octets_; }
  // Forgets the rows of zones that are not there. Row numbers change.
  void tidy();

 private:
  void drop(std::vector<Piece>& pieces, size_t from = 0);
  void drop_state(ZoneRow& zone);
  void rehash(size_t slots);
  void insert(u32 row);

  std::vector<ZoneRow> rows_;
  std::vector<u8> names_;   // lower case, wire form
  std::vector<u32> slots_;  // a power of two of them; row + 1, 0: free
  u64 live_ = 0;
  u64 state_octets_ = 0;
};

// ---- states as they are written -------------------------------------------------------------------------------------

constexpr size_t state_fixed_size = 1 + 8 + 8 + 1 + 4;  // besides the name
constexpr size_t max_state_size = state_fixed_size + dns::max_name_size + 2 + dns::max_name_size + dns::max_label_size;
inline size_t state_size(size_t name_size, const ZoneState& state) {
  return state_fixed_size + name_size + (state.member.is_there() ? 2 + state.member.octets().size() : 0);
}
void write_state(ByteWriter& out, const dns::Name& name, const ZoneState& state);
struct NamedState {
  dns::Name name;
  ZoneState state;
};
std::optional<NamedState> read_state(ByteReader& from);

}  // namespace samara::zone::store
