// Response: what a server has answered to a request (RFC 1035 section 4.1, RFC 6891), read in one pass: header, question, OPT
// and TSIG. That done, the whole message has been seen to be whole, and its answer records may be read from answers_at on.
#pragma once

#include <optional>

#include "dns-core/message/header.h"
#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/result.h"

namespace samara::dns {

struct Question {
  Name name;
  RrType type{};
  RrClass rr_class = RrClass::IN;
  friend bool operator==(const Question&, const Question&) = default;  // names without regard to case
};

struct Response {
  Header header;
  Rcode rcode{};  // with the upper bits of the OPT record
  std::optional<Question> question;
  bool has_edns = false;
  std::optional<u32> expire;      // the EXPIRE option's value (RFC 7314), seconds
  Bytes reason;                   // the text of the first extended error (RFC 8914): a view into the message, from the peer
  std::optional<size_t> tsig_at;  // where the TSIG record begins
  size_t answers_at = 0;          // where the answer section begins
};

enum class ResponseError : u8 {
  malformed,  // the octets end too soon, go on after the last record, or a record is where it cannot be
  not_a_response,
};

Result<Response, ResponseError> read_response(Bytes message);

}  // namespace samara::dns
