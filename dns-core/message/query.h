// Query: what a request asks, read in one pass over its octets without allocation (RFC 1035 section 4.1, RFC 6891, RFC 8945
// section 5.1). It refers to the packet by offset only, so it can outlive a move of the packet but not a change.
#pragma once

#include <optional>

#include "dns-core/message/edns.h"
#include "dns-core/message/header.h"
#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/result.h"

namespace samara::dns {

// Records besides the question that a query may carry (OPT, TSIG, an IXFR's SOA, SIG(0), and a little room). An UPDATE is made
// of records, and carries as many as a message holds.
constexpr unsigned max_query_records = 16;

enum class QueryVerdict : u8 {
  good,
  ignore,   // too short for a header, or a response: no answer at all
  cookie,   // a query without a question, for a cookie (RFC 7873 section 5.4)
  formerr,  // the header is usable, the rest is not
  notimp,   // an opcode we do not know
  badvers,  // EDNS of a later version (RFC 6891 section 6.1.3)
};

struct Query {
  QueryVerdict verdict = QueryVerdict::ignore;
  MessageId id;
  u16 flags = 0;  // the request's flag word
  Opcode opcode = Opcode::QUERY;
  // The question, if the message has exactly one that can be read. Its name starts at header_size and is uncompressed.
  bool has_question = false;
  u8 name_size = 0;
  RrType type{};
  RrClass rr_class = RrClass::IN;
  std::optional<Edns> edns;
  u16 tsig_at = 0;       // offset of the TSIG record, the last one; 0 when there is none
  u16 authority_at = 0;  // offset of the first authority record (an IXFR's SOA); 0 when there is none

  size_t question_size() const { return has_question ? size_t{name_size} + 4 : 0; }
  Bytes name(Bytes packet) const { return packet.subspan(header_size, name_size); }
};

// Reads a request. Whatever the octets are, the result says what to do with them.
Query parse_query(Bytes packet);

}  // namespace samara::dns
