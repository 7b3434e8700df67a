// Sets of record types as NSEC, NSEC3, CSYNC (RFC 4034 section 4.1.2) and NXT (RFC 2535 section 5.2) carry them.
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

// Windows in order, none empty, no trailing zero octets; to the end of the data.
void check_type_bitmap(RdataCursor& at);
// Words up to the end of the line, in any order.
Result<void, SyntaxError> read_type_bitmap(TextFields& fields);
// With a blank in front of each type.
void write_type_bitmap(RdataCursor& at, TextWriter& out);
// Whether `type` is in a valid bitmap (as it stands in NSEC, NSEC3 or CSYNC data).
bool type_bitmap_contains(Bytes bitmap, RrType type);

// Types 1 to 127 in one bitmap of 1 to 16 octets. If bit 0 is set, the format is undefined, and the octets are opaque.
void check_nxt_bitmap(RdataCursor& at);
Result<void, SyntaxError> read_nxt_bitmap(TextFields& fields);
bool write_nxt_bitmap(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
