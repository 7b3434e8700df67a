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

// The fault of ldns that is known about a type, because of which its opinion does not count; empty where there is none.
constexpr std::string_view fault_of_ldns(dns::RrType type) {
  if (type != dns::RrType::NSAP_PTR) return {};
  return "ldns takes the data of NSAP-PTR for a text, which is a name (RFC 1706 section 6) and not one of those whose case is "
         "lowered (RFC 4034 section 6.2)";
}

}  // namespace samara::ops
