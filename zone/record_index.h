// RecordIndex: where in its source each record of a zone stands, for messages about zones that are already built, and what a
// built zone does not show any more: records that stood there twice, and sets whose records had different TTLs. It knows
// records by their hashes only; 40 octets a record.
//
// Order of calls: add() for each record, then finish(), then the rest.
#pragma once

#include <optional>
#include <vector>

#include "zone/record.h"

namespace samara::zone {

class RecordIndex {
 public:
  void add(const Record& record);
  void finish();

  // Of the first record of a type at an owner; without such a one, of the owner's first record of any type.
  std::optional<SourcePosition> find(const dns::Name& owner, dns::RrType type) const;
  // Of this record.
  std::optional<SourcePosition> find(const dns::Name& owner, dns::RrType type, Bytes rdata) const;

  // Calls f(SourcePosition) for each set of records that do not all have one TTL (RFC 2181 section 5.2), with the position of
  // one whose TTL differs from that of the set's first.
  template <class F>
  void for_each_mixed_ttl(F&& f) const {
    for (size_t first = 0, next = 0; first < entries_.size(); first = next) {
      size_t other = 0;
      for (next = first + 1; next < entries_.size() && same_set(entries_[first], entries_[next]); ++next) {
        if (entries_[next].ttl != entries_[first].ttl) other = next;
      }
      if (other != 0 && entries_[first].type != dns::code(dns::RrType::RRSIG)) f(position_of(entries_[other]));
    }
  }
  // Calls f(SourcePosition again, SourcePosition first) for each record that stands there again. Case does not matter in names.
  template <class F>
  void for_each_duplicate(F&& f) const {
    for (size_t i = 1, first = 0; i < entries_.size(); ++i) {
      if (!same_record(entries_[first], entries_[i])) {
        first = i;
      } else {
        f(position_of(entries_[i]), position_of(entries_[first]));
      }
    }
  }

 private:
  struct Entry {
    u64 owner;  // hash of the owner
    u64 data;   // hash of the type and the canonical rdata
    u32 file;
    u32 line;
    u32 column;
    u32 ttl;
    u16 type;
  };
  static SourcePosition position_of(const Entry& e) { return {e.file, {e.line, e.column}}; }
  static bool same_set(const Entry& a, const Entry& b) { return a.owner == b.owner && a.type == b.type; }
  static bool same_record(const Entry& a, const Entry& b) { return same_set(a, b) && a.data == b.data; }

  std::vector<Entry> entries_;  // after finish() by owner, type, data, place
  std::vector<u8> canonical_;   // scratch
};

}  // namespace samara::zone
