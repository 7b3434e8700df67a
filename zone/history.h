// History: the differences that lead from earlier versions of a zone to this one, for incremental transfers (RFC 1995). They
// lie in zone memory and hang off the zone's header, so whoever may read the zone may read them.
//
//   difference   word 0: the one before it; word 1: serial before; word 2: serial after; word 3: records; word 4: octets of
//                them; then the records
//
// The newest is found first and the oldest is forgotten by being counted no more. (No IXFR condensation, RFC 1995 section 5:
// a path is sent as the steps it has.)
#pragma once

#include <vector>

#include "dns-core/types.h"
#include "zone/header.h"
#include "zone/memory.h"
#include "zone/zone.h"

namespace samara::zone {

// How much is kept; the one that is reached first counts. A secondary asks for steps it missed in minutes, or hours after it
// was cut off; beyond that a whole transfer is hardly more work.
struct HistoryLimits {
  u32 differences = 1'000;
  size_t octets = size_t{16} << 20;
};

// One step from one serial to the next.
class StoredDifference {
 public:
  StoredDifference(MemoryView memory, Ref ref) : memory_(memory), ref_(ref) {}
  dns::Serial from() const { return dns::Serial(memory_.word(ref_ + 1)); }
  dns::Serial to() const { return dns::Serial(memory_.word(ref_ + 2)); }
  // Both SOAs included.
  u32 record_count() const { return memory_.word(ref_ + 3); }
  // In the order of RFC 1995 section 4: the old SOA, what is deleted, the new SOA, what is added. Each record is its owner's
  // name in wire form (absolute, not compressed), then TYPE CLASS TTL RDLENGTH RDATA as in a message, uncompressed.
  Bytes records() const { return memory_.octets(ref_, fixed_words * 4, memory_.word(ref_ + 4)); }

  Ref ref() const { return ref_; }
  Ref previous() const { return memory_.word(ref_); }
  // Octets it takes.
  size_t size() const { return fixed_words * 4 + memory_.word(ref_ + 4); }
  static constexpr Ref fixed_words = 5;

 private:
  MemoryView memory_;
  Ref ref_;
};

class History {
 public:
  explicit History(const Zone& zone);

  u32 count() const { return count_; }
  size_t octets() const { return octets_; }
  // The differences that lead from `from` to the zone's serial, oldest first: none when that is the zone's. False when not all
  // of them are kept.
  bool path(dns::Serial from, std::vector<StoredDifference>& steps) const;
  // All of them, oldest first.
  std::vector<StoredDifference> all() const;
  // Calls f(const StoredDifference&) for each from the newest back to the one that leads on from `from`, and takes no memory.
  // False when that is not kept; then f was called for all.
  template <class F>
  bool for_each_back_to(dns::Serial from, F&& f) const {
    Ref ref = newest_;
    for (u32 i = 0; i < count_; ++i) {
      const StoredDifference step(memory_, ref);
      f(step);
      if (step.from() == from) return true;
      ref = step.previous();
    }
    return false;
  }

 private:
  MemoryView memory_;
  dns::Serial serial_;
  Ref newest_;
  u32 count_;
  size_t octets_;
};

// The records of a step while it is gathered. More octets than are kept of a whole history, or than the heap has room for, are
// not gathered.
class StepRecords {
 public:
  explicit StepRecords(size_t limit) : limit_(limit) {}
  void soa(const dns::Name& apex, RecordView before, RecordView after);
  void deleted(const dns::Name& owner, RecordView record) { put(deleted_, owner, record); }
  void added(const dns::Name& owner, RecordView record) { put(added_, owner, record); }
  // Nothing but the SOAs, if those.
  bool empty() const { return records_ == 0; }
  bool too_large() const { return too_large_; }
  u32 record_count() const { return records_ + 2; }
  size_t size() const { return old_soa_.size() + deleted_.size() + new_soa_.size() + added_.size(); }
  void write(MutableBytes to) const;

 private:
  void put(std::vector<u8>& to, const dns::Name& owner, RecordView record);

  size_t limit_;
  u32 records_ = 0;
  bool too_large_ = false;
  std::vector<u8> old_soa_;
  std::vector<u8> deleted_;
  std::vector<u8> new_soa_;
  std::vector<u8> added_;
};

// The history of a zone from one version to the next, as its loader keeps it. It says what the next header must.
class HistoryKeeper {
 public:
  explicit HistoryKeeper(HistoryLimits limits) : limits_(limits) {}

  size_t octets_limit() const { return limits_.octets; }
  // Of all that is kept.
  size_t octets() const { return octets_; }
  void adopt(const Zone& zone);
  void forget() { kept_.clear(), octets_ = 0; }
  // The zone changes and its serial does not go up from `before`. Who has a serial up to that one may have other content than
  // the zone had: a step from there would lead it astray, so none is kept until the zone's serial is above.
  void break_off(dns::Serial before);
  // Appends a step and drops the oldest as the limits want it. False, and unchanged, when memory is full.
  [[nodiscard]] bool append(ExtentWriter& out, dns::Serial from, dns::Serial to, const StepRecords& records);
  // Writes all that is kept again. False, and unchanged, when memory is full.
  [[nodiscard]] bool move_to(ExtentWriter& out);

  // What a header says of it.
  void describe_in(HeaderWords& words) const;

 private:
  Ref newest() const { return kept_.empty() ? 0 : kept_.back(); }

  HistoryLimits limits_;
  std::vector<Ref> kept_;  // oldest first
  size_t octets_ = 0;
  std::optional<dns::Serial> ambiguous_up_to_;
};

}  // namespace samara::zone
