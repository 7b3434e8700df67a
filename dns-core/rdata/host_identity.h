// HIP: a host's identity tag, its public key and its rendezvous servers (RFC 8005 section 5); in text
// "ALGORITHM TAG-IN-HEX KEY-IN-BASE64 SERVER…".
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

void check_host_identity(RdataCursor& at);
Result<void, SyntaxError> read_host_identity(TextFields& fields);
void write_host_identity(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
