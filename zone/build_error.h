// Why records make no zone.
#pragma once

#include <string_view>

#include "dns-core/types.h"

namespace samara::zone {

enum class BuildError : u8 {
  out_of_zone,        // the owner is not at or below the apex
  bad_rdata,          // the rdata is not its type's stored form
  record_too_long,    // no message of a transfer could hold it (node.h: max_record_octets)
  meta_type,          // OPT, TSIG, ANY and their like are no zone data
  out_of_memory,      // zone memory, or the staging area, is full
  no_heap,            // the heap has no room for what is needed meanwhile
  too_many_rrsets,    // at one owner
  too_many_records,   // in one RRset
  rrset_over_limit,   // SizeLimits::rrset_records (size_limits.h)
  zone_over_records,  // SizeLimits::records
  zone_over_octets,   // SizeLimits::octets
  no_soa,             // no SOA at the apex
  several_soa,        // more than one
  soa_below_apex,     // an SOA elsewhere
  no_apex_ns,         // no NS at the apex (RFC 1035 section 5.2)
  cname_and_data,     // CNAME beside other data (RFC 2181 section 10.1), or two different CNAMEs
  several_dname,      // two different DNAMEs (RFC 6672 section 2.4)
};
std::string_view describe(BuildError error);
// The type whose record the error is about; ANY when it is about none in particular.
dns::RrType culprit(BuildError error);

}  // namespace samara::zone
