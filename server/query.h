// Answering: from a parsed request and the zones in service to a response (RFC 1034 section 4.3.2, RFC 2308, RFC 4035 section
// 3, RFC 5155 section 7.2, RFC 6672, RFC 8482). A pure function of its inputs; it allocates nothing.
//
//   zones.find ─ lookup ─┬─ data        RRset (and RRSIGs), or a CNAME to follow, or NODATA with proof
//                        ├─ wildcard    the same, with proof that the name itself does not exist
//                        ├─ delegation  NS, DS or proof of its absence, glue
//                        ├─ dname       DNAME and the CNAME made from it, followed
//                        └─ nxdomain    SOA and proof
#pragma once

#include "dns-core/compose/composer.h"
#include "dns-core/message/query.h"
#include "server/config/primary_config.h"
#include "zone/zone_set.h"

namespace samara::server {

enum class Transport : u8 { udp, tcp };

// CNAME and DNAME links followed for one answer. BIND stops at 16 too; real chains have two or three.
constexpr unsigned max_chain = 16;
// Targets looked up for the additional section of one answer, glue that a referral needs not counted.
constexpr unsigned max_additional_names = 32;

// How this answer may look. The views live as long as the call.
struct AnswerRules {
  Transport transport = Transport::udp;
  size_t udp_payload_size = 1232;    // the most we send by UDP, and what our OPT announces
  Bytes cookie;                      // the cookie option to return: client's 8 octets, ours; empty: none
  std::string_view nsid;             // at most max_nsid_size octets, for those who ask (RFC 5001); empty: none
  std::optional<u16> tcp_keepalive;  // units of 100 ms (RFC 7828 section 3.1), by TCP
  size_t tail_room = 0;              // octets to leave free behind the message (TSIG)
  bool rotate = false;               // begin each RRset of the answer with another record, by the message's id
};

// What was answered, for rate limiting, metrics and logs.
struct Answer {
  size_t size = 0;  // octets in the reply; 0: none is sent
  dns::Rcode rcode = dns::Rcode::NOERROR;
  bool referral = false;
  bool truncated = false;
  bool bare = false;     // no records: an error, or one that only makes the client come by TCP
  bool made_up = false;  // from a wildcard or a DNAME: names without end have such an answer
  u8 apex_labels = 0;    // labels of the zone it came from (0 when from none)
  u8 cut_labels = 0;     // with `referral`: labels of the zone cut
};

// Composes the response to `packet`, which was parsed as `query`, into `reply` (at least 1,280 octets by UDP, 65,535 by TCP).
Answer answer_query(const zone::ZoneSet& zones, const Identity& identity, const AnswerRules& rules, Bytes packet,
                    const dns::Query& query, MutableBytes reply);

// A response without records: an error, or a truncated one that makes the client come by TCP.
Answer answer_error(const AnswerRules& rules, Bytes packet, const dns::Query& query, dns::Rcode rcode,
                    std::optional<dns::ExtendedError> why, std::string_view text, MutableBytes reply);
Answer answer_truncated(const AnswerRules& rules, Bytes packet, const dns::Query& query, dns::Rcode rcode, MutableBytes reply);

}  // namespace samara::server
