// Response: what every response has, whatever it answers: how large it may be, its flags, its OPT record (RFC 6891) with the
// options that were asked for, and errors with their reason (RFC 8914). Nothing here allocates.
#pragma once

#include <optional>
#include <string_view>

#include "dns-core/compose/composer.h"
#include "dns-core/message/query.h"
#include "server/config/primary_config.h"
#include "zone/zone.h"

namespace samara::server {

enum class Transport : u8 { udp, tcp };

// Octets of the text beside an extended error (RFC 8914): a reason and a name of usual length.
constexpr size_t max_extended_error_text = 126;

// AnswerRules say how this answer may look. The views live as long as the call.
struct AnswerRules {
  Transport transport = Transport::udp;
  size_t udp_payload_size = 1232;    // the most we send by UDP, and what our OPT announces
  Bytes cookie;                      // the cookie option to return: client's 8 octets, ours; empty: none
  std::string_view nsid;             // at most max_nsid_size octets, for those who ask (RFC 5001); empty: none
  std::optional<u16> tcp_keepalive;  // units of 100 ms (RFC 7828 section 3.1), by TCP
  size_t tail_room = 0;              // octets to leave free behind the message (TSIG)
  std::optional<u32> expire;         // seconds that the zone is still good (RFC 7314); absent: its SOA says it
  bool rotate = false;               // begin each RRset of the answer with another record, by the message's id
};

// Answer says what was answered, for rate limiting, metrics and logs.
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

// A response without records: an error, or a truncated one that makes the client come by TCP.
Answer answer_error(const AnswerRules& rules, Bytes packet, const dns::Query& query, dns::Rcode rcode,
                    std::optional<dns::ExtendedError> why, std::string_view text, MutableBytes reply);
Answer answer_truncated(const AnswerRules& rules, Bytes packet, const dns::Query& query, dns::Rcode rcode, MutableBytes reply);

// The most octets a response may have in `reply`.
size_t message_budget(const AnswerRules& rules, const dns::Query& query, MutableBytes reply);
// QR, and what is copied from the request.
u16 response_flags(const dns::Query& query);
// Octets the OPT record will take, so that the sections leave room for it; none when the request has none.
size_t opt_size(const AnswerRules& rules, const dns::Query& query);
// The OPT record with the options that every answer may have, errors too; the caller may add some, and ends it. The request
// has one.
void write_opt(dns::Composer& out, const AnswerRules& rules, const dns::Query& query, dns::Rcode rcode);
// RFC 7314 section 3: with the SOA, to who asks for it, a primary tells the SOA's EXPIRE field, a secondary what is left of it.
void write_expire(dns::Composer& out, const AnswerRules& rules, const dns::Query& query, const zone::Zone& zone);
// The text for a reason where nothing better is known.
std::string_view reason_text(dns::ExtendedError why);

}  // namespace samara::server
