// A request to a name server that is no query: a NOTIFY or an UPDATE, signed or not (RFC 8945), over UDP and, where it is too
// large or the answer was cut, over TCP; and what became of it, in words.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dns-core/tsig/key.h"
#include "dns-core/types.h"
#include "ops/exit_code.h"
#include "ops/net/server_place.h"
#include "platform/base/ip_address.h"
#include "platform/base/result.h"

namespace samara::ops {

struct Server {
  Endpoint endpoint;
  const dns::TsigKey* key = nullptr;  // null: unsigned
  std::chrono::milliseconds patience{5000};
};

struct Outcome {
  enum class Kind : u8 {
    accepted,
    refused,      // an answer that says no, or that is not signed as it must be
    unavailable,  // none
  };
  Kind kind = Kind::unavailable;
  dns::Rcode rcode = dns::Rcode::NOERROR;       // of the answer, when there is one
  dns::Rcode tsig_error = dns::Rcode::NOERROR;  // what the server has against our signature
  std::string words;                            // "REFUSED: the server does not allow it"; empty when accepted

  ExitCode exit_code() const;
  // "accepted"
  std::string_view kind_name() const;
};

// Sends `message`, which has everything but its id and its TSIG record.
Outcome send_request(const Server& server, const std::vector<u8>& message);
// The same to a server that may have several addresses: the first that answers counts, and together they have `patience`.
Outcome send_request(const ServerPlace& place, const dns::TsigKey* key, std::chrono::milliseconds patience,
                     const std::vector<u8>& message);
// What a response code means for a request of this kind.
std::string refusal_words(dns::Opcode opcode, dns::Rcode rcode);

}  // namespace samara::ops
