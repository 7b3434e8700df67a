// ZoneBuilder: turns records in any order into an immutable zone. Records are staged with their owner's key, sorted once, and
// written front to back: nodes in canonical order, each beside its RRsets, then the trie and the hash table. Nothing is visible
// to readers before finish() has succeeded; a builder that fails or is dropped gives its memory back.
//
// Order of calls: add() for each record, then finish() once.
// Records are staged in the heap, where who gives them has them anyway, or in zone memory, where what a peer sends is held only
// once; the heap has 32 octets a record then, while finish() runs, and is asked for them first.
// Capacities: zone memory (memory.h); 4 GiB of records staged in the heap; 4,096 RRsets an owner; 65,535 records an RRset, or
// what SizeLimits say.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "dns-core/name.h"
#include "platform/base/result.h"
#include "zone/build_error.h"
#include "zone/diagnostics.h"
#include "zone/owner_data.h"
#include "zone/pause.h"
#include "zone/size_limits.h"
#include "zone/staged_octets.h"
#include "zone/zone.h"

namespace samara::zone {

class ZoneBuilder {
 public:
  // `expected_octets`: about how much staging the records need (the size of the zone's text will do); 0 when unknown. `copied`:
  // given, and outliving this, when the zone is another server's: what it breaks of the rules for publishers is a warning
  // there.
  ZoneBuilder(ZoneMemory& memory, const dns::Name& apex, size_t expected_octets = 0, Diagnostics* copied = nullptr,
              const SizeLimits& limits = {});
  // Of another server's zone, whose records are staged in zone memory.
  ZoneBuilder(ZoneMemory& memory, const dns::Name& apex, Diagnostics& copied, const SizeLimits& limits);
  ZoneBuilder(const ZoneBuilder&) = delete;
  ZoneBuilder& operator=(const ZoneBuilder&) = delete;

  // `rdata` is a stored form that dns::check_copied_rdata accepts (the parsers yield no other); it is copied.
  Result<void, BuildError> add(const dns::Name& owner, dns::RrType type, dns::Ttl ttl, Bytes rdata);
  // `pause` is taken every so often, also while records are sorted; nobody knows of the zone yet.
  Result<Zone, BuildError> finish(const Pause& pause = {});

  // The owner an error of finish() is about, and the type of the set, where it is one set's.
  dns::Name error_owner() const;
  std::optional<dns::RrType> error_type() const { return error_type_; }
  // Records that were equal to another one and are not in the zone twice.
  u32 duplicates() const { return duplicates_; }
  // The sets that no message can hold, as warnings: "OWNER TYPE: …".
  const Diagnostics& large_sets() const { return large_sets_; }
  // Of the zone's records, each with its owner (content_digest.h), once finish() has succeeded.
  u64 octets() const { return octets_written_; }
  // What add() has staged so far, and after finish(), with which it gives memory back.
  size_t staged_octets() const { return staged_.used(); }
  void drop_staged() {
    staged_.clear();
    entries_ = {};
  }

 private:
  struct Entry {
    u64 prefix;     // the key's first ten symbols, to sort by
    u32 key_at;     // in staged_: size of the symbols (16 bits), of the labels (8 bits), symbols, labels
    u32 record_at;  // in staged_: the record's image
  };
  // In zone memory, in front of a record's image: where the record before it is, and the key. Entries are made of them when all
  // records are there, and their number is known.
  static constexpr size_t link_size = 8;
  // What holds for the names being written, which come in canonical order.
  struct Ancestry;

  Result<void, BuildError> stage_key(const dns::Name& owner);
  bool make_entries();
  Bytes key_of(const Entry& entry) const;
  Bytes labels_of(const Entry& entry) const;
  [[gnu::noinline]] bool key_before(const Entry& a, const Entry& b) const;
  RecordView record_of(const Entry& entry) const;
  void sort_entries(Pace& pace);
  Result<Zone, BuildError> write_into(Extent extent, Pace& pace);
  Result<void, BuildError> write_owner(ExtentWriter& out, std::span<Entry> records, Ancestry& ancestry);
  Result<Ref, BuildError> write_rrset(Ancestry& ancestry, std::span<const RecordView> records, size_t owner_size,
                                      Ref signatures);
  Result<Zone, BuildError> write_zone(ExtentWriter& out, Ancestry& ancestry, Extent extent, Pace& pace);

  ZoneMemory& memory_;
  dns::Name apex_;
  Diagnostics* copied_;
  SizeLimits limits_;
  size_t apex_key_size_;
  LookupKey owner_key_;
  dns::Name last_owner_;
  u32 last_key_at_ = 0;
  bool any_ = false;
  StagedOctets staged_;
  u32 last_record_at_ = 0;
  size_t records_staged_ = 0;
  std::vector<Entry> entries_;
  size_t expected_sets_;
  std::vector<RecordView> owner_records_;
  std::vector<WrittenSet> written_;
  u32 records_written_ = 0;
  u64 octets_written_ = 0;  // of records, each with its owner
  std::optional<dns::RrType> error_type_;
  Diagnostics large_sets_;
  u32 nodes_written_ = 0;
  u32 duplicates_ = 0;
  std::array<u8, max_key_size> last_written_key_;
  size_t last_written_size_ = 0;
};

}  // namespace samara::zone
