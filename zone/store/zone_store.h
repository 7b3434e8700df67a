// ZoneStore: zones that survive a restart, on a Storage. For each zone the latest snapshot, the differences behind it, and a
// ZoneState. A log in one of two halves, compacted into the other (format.h says how it lies there).
//
//   open       ZoneStore::open(storage, rng): makes a store on a storage of zeros, finds what is there on one that has a store.
//              It is the opener's from then on: who had it before writes nothing any more (`taken`)
//   getters    each(f), find(name), report(), used()
//   commands   begin_snapshot / begin_difference -> ZoneWriter: add(record) …, commit();  put_state, remove
//              fold(zones): compaction at once, which writes zones whole in place of the steps they went
//              sync(): what was committed before it survives a crash when it returns. Without it a crash may leave an older
//                      version, never a mixture
//              maintain(): a part of compaction, so that no write has to wait for all of it
//   restore    restore(name, visitor): the records, batch by batch
//
// After a crash the store is as it was after one of the last commands since the last sync(). Damage (a flipped bit, a lost
// block) costs what it hits: a snapshot, its zone; a difference, those behind it, so that an older version of the zone is left.
//
// When it is full (`full`), nothing is lost: the old version of the zone stays, and its owner goes on serving. After an error
// of the device (`device`), or when somebody else has opened it, nothing is written any more until the store is opened again;
// restore() still works.
//
// Memory: about 250 octets and the name for each zone (and 64 and two names for a member of a catalog) and 48 for each further
// 64 KiB of it; two buffers of 72 KiB, and 72 KiB for each writer. Of the storage, seven sixteenths can hold zones: the rest is
// the other half and room to work.
#pragma once

#include <memory>
#include <optional>

#include "dns-core/record_image.h"
#include "platform/base/rng.h"
#include "zone/store/log_walker.h"
#include "zone/store/zone_index.h"

namespace samara::zone::store {

enum class OpenError : u8 {
  too_small,  // fewer than min_store_size octets
  foreign,    // it holds something else, or a store that is beyond repair
  version,    // it holds a store in another version's format
  changed,    // it is smaller, or has larger blocks, than when the store was made
  device,
  nothing,  // it holds nothing, and is only to be read
};
std::string_view describe(OpenError error);

enum class StoreError : u8 {
  full,        // the zone does not fit; its old version stays
  device,      // the storage failed: nothing is written any more
  not_there,   // no such zone
  not_next,    // a difference from another serial than the zone's
  superseded,  // another writer of the same zone began after this one
  damaged,     // checksums say that a snapshot is not what was written
  stopped,     // by the visitor
  taken,       // somebody else opened the storage: nothing is written any more
  too_large,   // a record of more than 64 KiB and its name
};
std::string_view describe(StoreError error);

constexpr u64 min_store_size = u64{512} * 1024;

// A part of a snapshot (from == to) or of a difference, whole records (record_image.h). Differences are in the order of
// RFC 1995 section 4. A group counts once its `last` batch came: when damage ends a restore before that, the rest is to be
// thrown away.
struct RecordBatch {
  enum class Of : u8 { snapshot, difference };
  Of of;
  dns::Serial from;
  dns::Serial to;
  bool last;
  Bytes records;
};
class ZoneVisitor {
 public:
  virtual bool on_batch(const RecordBatch& batch) = 0;  // false: no more
 protected:
  ~ZoneVisitor() = default;
};

struct ZoneSummary {
  dns::Name name;
  dns::Serial serial;  // of the content
  std::optional<ZoneState> state;
  bool damaged = false;  // later content than this is lost
  u32 differences = 0;
  u64 snapshot_octets = 0;
  u64 difference_octets = 0;
};

struct OpenReport {
  bool made = false;       // it was empty
  u32 damaged_places = 0;  // where entries were lost; which zones' is not known
  u64 lost_octets = 0;     // of entries there that were durable, the end of all included
  u32 unreadable_blocks = 0;
  bool tail_cut = false;  // the last writes were interrupted, and are gone
};

// What a write may take of the storage, beside the room to work.
enum class Room : u8 {
  usual,
  members,  // an eighth less: whoever makes a catalog leaves so much to the zones that are configured
  reserve,  // half of the room to work as well, for changes that make a zone smaller
  work,     // the room to work as well, for what is little
};

class ZoneStore;

// Writes a snapshot or a difference. The store outlives it. Dropped without commit(), it has no effect.
class ZoneWriter {
 public:
  ZoneWriter(ZoneWriter&& other) noexcept;
  ZoneWriter& operator=(ZoneWriter&&) = delete;
  ~ZoneWriter();

  Result<void, StoreError> add(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata);
  // A record as in record_image.h.
  Result<void, StoreError> add(Bytes image);
  Result<void, StoreError> commit();

 private:
  friend class ZoneStore;
  // Without room: into the half that is being written, in place of the zone's pieces.
  ZoneWriter(ZoneStore& store, const EntryHeader& header, std::optional<Room> room);
  Result<void, StoreError> write_part(bool last);

  ZoneStore* store_;
  std::optional<Room> room_;
  EntryHeader header_;
  std::vector<u8> entry_;
  size_t filled_;
  std::optional<StoreError> ended_;
};

// Zones whole, as they are kept in parts or are to be kept from now on.
class WholeZones {
 public:
  // Whether write() is to write the zone in place of what is kept.
  virtual bool has(const ZoneSummary& kept) = 0;
  // Its serial, and its records, without commit().
  virtual dns::Serial serial() = 0;
  virtual Result<void, StoreError> write(ZoneWriter& writer) = 0;

 protected:
  ~WholeZones() = default;
};

class ZoneStore {
 public:
  enum class Use : u8 {
    write,
    read,  // only: whose store it is stays as it is, and commands fail
  };
  static Result<std::unique_ptr<ZoneStore>, OpenError> open(hal::Storage& storage, Rng& rng, Use use = Use::write);
  ZoneStore(const ZoneStore&) = delete;
  ZoneStore& operator=(const ZoneStore&) = delete;

  const OpenReport& report() const { return report_; }
  // Of the storage's octets, those in use and those that can be.
  u64 used() const { return index_.live() + index_.state_octets(); }
  u64 usable() const { return layout_.capacity() / 8 * 7; }
  u64 usable(Room room) const;
  size_t zone_count() const;
  std::optional<ZoneSummary> find(const dns::Name& name) const;
  // Calls f(const ZoneSummary&) in the order in which restoring reads the storage from front to back.
  template <class F>
  void each(F&& f) const {
    for (u32 row = 0; row < index_.size(); ++row) {
      if (!index_[row].pieces.empty()) f(summary(row));
    }
  }

  Result<ZoneWriter, StoreError> begin_snapshot(const dns::Name& name, dns::Serial serial, Room room = Room::usual);
  Result<ZoneWriter, StoreError> begin_difference(const dns::Name& name, dns::Serial from, dns::Serial to,
                                                  Room room = Room::usual);
  // Makes one copy of all that is kept, in which zones that `zones` has are whole. Costs as much as all that is kept; on an
  // error everything is as it was.
  Result<void, StoreError> fold(WholeZones& zones);
  // Whether so much was written since the last one that its cost does not count.
  bool is_fold_due() const { return used() > used_when_folded_ + layout_.capacity() / 16; }
  // Calls f(const dns::Name&, const ZoneState&, bool has_content) for each zone that is kept as a member of a catalog.
  template <class F>
  void each_member(F&& f) const {
    for (u32 row = 0; row < index_.size(); ++row) {
      const auto& state = index_[row].state;
      if (state.has_value() && state->member.is_there()) f(index_.name(row), *state, !index_[row].pieces.empty());
    }
  }
  MemberMark mark_of(const dns::Name& name) const;
  // Kept in memory until sync(). Of a zone that is not there it is kept while it names the catalog that the zone is to be a
  // member of.
  Result<void, StoreError> put_state(const dns::Name& name, const ZoneState& state);
  Result<void, StoreError> remove(const dns::Name& name);
  Result<void, StoreError> sync();

  // Copies about `budget` octets where that is of use. True: there is more to do.
  Result<bool, StoreError> maintain(u64 budget);

  struct Restored {
    dns::Serial serial;  // of the last whole group
    bool damaged;        // there were later ones
  };
  Result<Restored, StoreError> restore(const dns::Name& name, ZoneVisitor& visitor);

 private:
  friend class ZoneWriter;

  // One of the halves as it is written to.
  struct Head {
    u32 half = 0;
    HalfHeader header;
    u64 tail = 0;
    u64 previous = 0;
    u64 last = 0;      // number of the last entry in front of `tail`; some numbers are in no entry here
    u64 durable = 0;   // and of the last that is known to be durable
    u32 noted_in = 0;  // the copy of the header that was written last
  };
  // Pieces that take the place of a row's.
  struct Whole {
    u32 row;
    std::vector<Piece> pieces;
  };
  struct Compaction {
    Head to;
    u32 row = 0;                  // those in front of it are copied
    size_t hint = 0;              // of the row's pieces, those in front of it are copied
    WholeZones* zones = nullptr;  // while fold() runs
    std::vector<Whole> whole;
  };

  ZoneStore(hal::Storage& storage, Rng& rng, const HalfHeader& half, u32 index, const std::optional<OwnerMark>& owner);
  static Result<HalfHeader, OpenError> make(hal::Storage& storage, Rng& rng, const OwnerMark& owner);
  void scan();
  void take_entry(const EntryHeader& header, u64 at);
  bool payload_good(const EntryHeader& header, u64 at);
  // The whole entry, if it is what was written.
  std::optional<Bytes> entry_of(const Piece& piece, const dns::Name& zone, size_t ahead);
  // The row's piece `piece` is damaged: what builds on it goes.
  void lose(u32 row, size_t piece);
  ZoneSummary summary(u32 row) const;

  Result<void, StoreError> storage_result(Result<void, hal::StorageError> result);
  Result<void, StoreError> check_owner();
  Result<void, StoreError> check_halves();
  Result<void, StoreError> write_half_header(const Head& head, u32 copy);
  Result<void, StoreError> flush();
  Result<void, StoreError> note_end();
  Result<u64, StoreError> append(Head& head, EntryHeader& header, MutableBytes entry);
  Result<void, StoreError> prepare(u64 size, Room room);
  Result<void, StoreError> append_piece(EntryHeader& header, MutableBytes entry);
  Result<void, StoreError> append_removal(Head& head, const dns::Name& name);
  // All, or those of these rows that are unsaved.
  Result<void, StoreError> write_states(Head& head, std::optional<std::span<const u32>> rows);
  void states_saved();
  Result<void, StoreError> take_format();
  void abandon(const dns::Name& name, u64 group);

  Result<void, StoreError> start_compaction();
  // True: it is finished.
  Result<bool, StoreError> compact(u64 budget);
  Result<bool, StoreError> copy_row(u64& budget);
  Result<void, StoreError> write_row_whole(const ZoneSummary& kept);
  Result<void, StoreError> append_whole(EntryHeader& header, MutableBytes entry);
  Result<void, StoreError> compact_now();
  Result<void, StoreError> switch_halves();
  void stop_compaction();

  hal::Storage& storage_;
  Rng& rng_;
  Layout layout_;
  Window window_;
  ZoneIndex index_;
  OpenReport report_;
  Head head_;
  std::optional<Compaction> compaction_;
  std::vector<u8> entry_;  // a small or copied entry on its way
  u64 sequence_ = 0;       // the last number that was given, to an entry or a group
  bool marked_ = false;    // this run's mark is written
  OwnerMark owner_;
  u64 unchecked_ = 0;      // octets that were written since the owner's mark was looked at
  bool check_due_ = true;  // it is to be looked at before the next write
  u64 used_when_folded_ = 0;
  bool broken_ = false;
  bool unflushed_ = false;
  std::vector<u32> states_unsaved_;  // rows
};

}  // namespace samara::zone::store
