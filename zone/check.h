// Strict checks of a zone that is built: what the builder, which refuses what is no zone (builder.h lists it), lets through
// although a resolver would stumble over it. A zone with errors should not replace one that is being served.
//
//   check_hints.cpp   slips of people: a final dot that is missing, text cut by a comment, RFC 7208 section 3.2, RFC 8659
//   check_data.cpp    RFC 1034, 1912, 2181, 4592, 6672: cuts and glue, targets, DNAMEs, wildcards, TTLs, the SOA's values,
//   names check_dnssec.cpp  RFC 4034, 4035, 9276: keys and signatures: coverage, times, form, and on demand the mathematics
//   check_denial.cpp  RFC 4034 section 4, RFC 5155: the NSEC and NSEC3 chains and their bitmaps
//   and RFC 8976 section 4: the zone's digest
#pragma once

#include <optional>

#include "platform/base/time.h"
#include "zone/builder.h"
#include "zone/diagnostics.h"
#include "zone/record_index.h"
#include "zone/zone.h"

namespace samara::zone {

struct CheckOptions {
  // When given, signatures must be valid at this time (signature_times.h counts those that are not).
  std::optional<UnixTime> now;
  // Whether signatures are verified, not only looked at: about 0.1 ms each.
  bool verify_signatures = false;
  // When given, messages have file positions, and records that stand there twice are reported.
  const RecordIndex* index = nullptr;
};

void check_zone(const Zone& zone, const CheckOptions& options, Diagnostics& out);

// The error of a builder that gave no zone, in the words and with the position that fit the others.
void add_build_error(BuildError error, const dns::Name& owner, const RecordIndex* index, Diagnostics& out);

}  // namespace samara::zone
