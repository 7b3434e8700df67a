// The parameters of SVCB and HTTPS records (RFC 9460 sections 2.1, 2.2, 7, 8 and appendix A; dohpath: RFC 9461 section 5;
// ohttp: RFC 9540 section 4; docpath: RFC 9953 section 3; pvd: draft-ietf-intarea-proxy-config section 2.1; oots:
// draft-johani-dnsop-svcb-oots section 2). A value that breaks the format of its key is malformed everywhere; that a record is
// self-consistent (section 2.4.3) is asked of people only: such data from the wire is kept, and written as `\# …`.
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

// Keys in strictly increasing order, each value in its key's format; to the end of the data. AliasMode may have parameters too
// (section 2.4.2).
void check_service_parameters(RdataCursor& at);
// `key` or `key=value` up to the end of the line, in any order.
Result<void, SyntaxError> read_service_parameters(TextFields& fields);
// With a blank in front of each. False when the record is not self-consistent.
bool write_service_parameters(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
