// Answering: from a parsed request and the zones in service to a response (RFC 1034 section 4.3.2, RFC 2308, RFC 4035 section
// 3, RFC 5155 section 7.2, RFC 6672, RFC 8482). A pure function of its inputs; it allocates nothing.
//
//   zones.find ─ lookup ─┬─ data        RRset (and RRSIGs), or a CNAME to follow, or NODATA with proof
//                        ├─ wildcard    the same, with proof that the name itself does not exist
//                        ├─ delegation  NS, DS or proof of its absence, glue
//                        ├─ dname       DNAME and the CNAME made from it, followed
//                        └─ nxdomain    SOA and proof
#pragma once

#include "server/response.h"
#include "zone/zone_set.h"

namespace samara::server {

// CNAME and DNAME links followed for one answer. BIND stops at 16 too; real chains have two or three.
constexpr unsigned max_chain = 16;
// Targets looked up for the additional section of one answer, glue that a referral needs not counted.
constexpr unsigned max_additional_names = 32;

// Composes the response to `packet`, which was parsed as `query`, into `reply` (at least 1,280 octets by UDP, 65,535 by TCP).
Answer answer_query(const zone::ZoneSet& zones, const Identity& identity, const AnswerRules& rules, Bytes packet,
                    const dns::Query& query, MutableBytes reply);

}  // namespace samara::server
