// LOC: where on Earth something is (RFC 1876): "52 14 5.000 N 0 8 50.000 E 10.00m 1.00m 10000.00m 10.00m".
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

// Data of a version other than 0 is opaque (section 2).
void check_location(RdataCursor& at);
// Up to the end of the line; what is left out after the altitude has the defaults of section 3.
Result<void, SyntaxError> read_location(TextFields& fields);
bool write_location(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
