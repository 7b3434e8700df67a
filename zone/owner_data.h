// What an owner's records become in a zone: RRsets with the signatures that cover them, the flags of its node, and the rules of
// what may stand together. The builder makes whole zones with it, a revision the owners that change.
#pragma once

#include <optional>
#include <vector>

#include "platform/base/plain_vector.h"
#include "platform/base/result.h"
#include "zone/build_error.h"
#include "zone/diagnostics.h"
#include "zone/node.h"

namespace samara::zone {

// Whether a record can be in a zone, as far as it shows by itself.
Result<void, BuildError> check_record(const dns::Name& owner, dns::RrType type, Bytes rdata);
// The set a record is kept with: signatures with what they cover.
dns::RrType set_type(RecordView record);
// Whether the first label of the name with this key is `*` (RFC 4592 section 2.1.1).
bool is_wildcard_key(Bytes key);

// What a set of this type says about its owner, `depth` labels below the apex: node flags.
u8 flags_of_set(dns::RrType type, size_t depth);
// What no zone can be served with at one owner; NSEC3 is not among `sets`.
Result<void, BuildError> check_together(MemoryView memory, std::span<const WrittenSet> sets, size_t depth);
// The rule for publishers that the sets of one owner break together, if any. A copy of another server's zone is served with it.
std::optional<BuildError> broken_rule(MemoryView memory, std::span<const WrittenSet> sets, size_t depth);

// Whether a message can hold the set, each record's owner being a pointer.
bool fits_a_message(const RrsetView& set);
// What is said of one that does not.
struct LargeSet {
  size_t count;
  void write_text(TextWriter& out) const;
};

// The warning that an owner of a copied zone breaks a rule.
void warn_of(BuildError rule, const dns::Name& owner, Diagnostics& out);

// Writes RRsets; equal small ones that come again soon are stored once, as zones repeat name server and mail exchanger sets
// thousands of times.
class RrsetWriter {
 public:
  // `expected`: about how many sets will come.
  RrsetWriter(ExtentWriter& out, size_t expected);

  // `records` have one type and are in canonical order. They get one TTL; where they differ the least holds (RFC 2181 section
  // 5.2). Of equal ones the first is taken, and the others are counted in `duplicates`. `signatures` is 0 or their set.
  Result<Ref, BuildError> write(std::span<const RecordView> records, Ref signatures, u32& duplicates);
  // Copies a set from elsewhere in zone memory, and what covers it; 0 when the extent is full.
  Ref copy(const RrsetView& set);

 private:
  // An equal set that was written before, or `fresh`, the last thing written.
  Ref shared(Ref fresh);

  ExtentWriter& out_;
  PlainVector<Ref> recent_;  // by hash of the content
};

}  // namespace samara::zone
