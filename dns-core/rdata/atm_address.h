// Addresses of two old networks. NSAP (RFC 1706): "0x47.0005.80.005a00", dots where one likes. ATMA (ATM Forum
// af-saa-0069.000, section 5): "+358400123456" for E.164 numbers, hex with dots where one likes for end system addresses.
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

Result<void, SyntaxError> read_nsap(TextFields& fields);
void write_nsap(RdataCursor& at, TextWriter& out);

void check_atm_address(RdataCursor& at);
Result<void, SyntaxError> read_atm_address(TextFields& fields);
// False for unknown formats.
bool write_atm_address(RdataCursor& at, TextWriter& out);

}  // namespace samara::dns
