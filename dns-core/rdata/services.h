// The last two fields of WKS, protocol and port bitmap (RFC 1035 section 3.4.2): "6 25 53" or "TCP SMTP DOMAIN".
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

// The bitmap has no trailing zero octets and at most 8,192.
void check_services(RdataCursor& at);
Result<void, SyntaxError> read_services(TextFields& fields);
// In numbers.
void write_services(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
