// Strict checks of a zone that is built: what the builder, which refuses only what is no zone at all, lets through although a
// resolver would stumble over it. A zone with errors should not replace one that is being served.
//
//   check_data.cpp    RFC 1034, 1035, 2181, 6672: apex, CNAME and DNAME, cuts and glue, targets, TTLs, the SOA's values, names
//   check_dnssec.cpp  RFC 4034, 4035, 9276: keys, signatures' coverage, times and form (the mathematics is dnssec's)
//   check_denial.cpp  RFC 4034 section 4, RFC 5155: the NSEC and NSEC3 chains and their bitmaps
#pragma once

#include <optional>

#include "platform/base/time.h"
#include "zone/diagnostics.h"
#include "zone/record_index.h"
#include "zone/zone.h"

namespace samara::zone {

struct CheckOptions {
  // When given, signatures must be valid at this time.
  std::optional<UnixTime> now;
  // When given, messages have file positions, and records that stand there twice are reported.
  const RecordIndex* index = nullptr;
};

void check_zone(const Zone& zone, const CheckOptions& options, Diagnostics& out);

}  // namespace samara::zone
