// APL: lists of address prefixes (RFC 3123): "1:192.168.32.0/21 !2:2001:db8::/32".
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

// Addresses without trailing zero octets (section 4); those of unknown families are opaque.
void check_address_prefixes(RdataCursor& at);
Result<void, SyntaxError> read_address_prefixes(TextFields& fields);
// False when a family has no presentation format.
bool write_address_prefixes(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
