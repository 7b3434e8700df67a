// The second opinion on signatures: ldns, which shares no code with ours.
#pragma once

#include "dns-core/dnssec/rrset.h"
#include "dns-core/types.h"
#include "platform/base/types.h"

namespace samara::ops {

enum class Opinion : u8 {
  good,
  bad,
  none,  // ldns cannot read the data or does not know the algorithm
};

// What ldns says of this signature over this RRset, made with this key (stored forms). Times are not looked at.
Opinion ldns_opinion(const dns::RrsetView& rrset, dns::Ttl ttl, Bytes rrsig, const dns::Name& key_owner, Bytes dnskey);

}  // namespace samara::ops
