// The SOA query by which a secondary asks whether a zone has changed (RFC 1034 section 4.3.5), with the EXPIRE option asked for
// (RFC 7314) and signed where there is a key. Only what belongs to the query counts as an answer; all else is left to time.
#pragma once

#include <optional>

#include "dns-core/rdata/soa.h"
#include "dns-core/tsig/client.h"
#include "platform/base/time.h"

namespace samara::secondary {

struct SoaQuestion {
  dns::Name zone;
  dns::MessageId id;
  bool edns = true;
};

// Composes the query into `room` and signs it; returns its size, or 0 when it does not fit. max_soa_query octets are enough for
// any.
constexpr size_t max_soa_query = 1200;
size_t compose_soa_query(const SoaQuestion& question, dns::TsigClient* tsig, UnixTime wall, MutableBytes room);

enum class SoaAnswer : u8 {
  foreign,  // not an answer to this query: wait on
  good,
  truncated,          // ask by TCP, that is: transfer
  no_edns,            // FORMERR, NOTIMP or BADVERS: perhaps it does not know EDNS (RFC 6891 section 7)
  refused,            // another RCODE than NOERROR
  not_authoritative,  // AA is not set: it has no valid zone itself
  no_soa,             // no SOA record of the zone in the answer section
  bad_signature,
};
std::string_view describe(SoaAnswer answer);

struct SoaReply {
  SoaAnswer answer = SoaAnswer::foreign;
  dns::SoaNumbers soa;        // good
  std::optional<u32> expire;  // the EXPIRE option, seconds
  dns::Rcode rcode{};
  std::string_view reason = {};  // why it is not good
};
// `tsig` is a copy that may be used up: what cannot be verified may be forged, and the true answer still to come.
SoaReply read_soa_answer(Bytes message, const SoaQuestion& question, std::optional<dns::TsigClient> tsig, UnixTime wall);

}  // namespace samara::secondary
