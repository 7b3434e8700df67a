// Fields that hold nothing, an address or a name, depending on a number before them: the gateway of IPSECKEY (RFC 4025 section
// 2), the relay of AMTRELAY (RFC 8777 section 4), and the address and prefix name of A6 (RFC 2874 section 3).
#pragma once

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/text_fields.h"

namespace samara::dns {

// Gateway type, algorithm, gateway. What follows an unknown gateway type is opaque, to the end of the data.
void check_ipsec_gateway(RdataCursor& at);
Result<void, SyntaxError> read_ipsec_gateway(TextFields& fields);
// The writers return false when the presentation format cannot say it.
bool write_ipsec_gateway(RdataCursor& at, TextWriter& out);

// Discovery-optional bit with type, relay.
void check_amt_relay(RdataCursor& at);
Result<void, SyntaxError> read_amt_relay(TextFields& fields);
bool write_amt_relay(RdataCursor& at, TextWriter& out);

// Bits of the prefix that the name has.
constexpr u8 max_a6_prefix = 128;
void check_a6_address(RdataCursor& at);
Result<void, SyntaxError> read_a6_address(TextFields& fields);
bool write_a6_address(RdataCursor& at, TextWriter& out);

// Step over the field up to the name in it; false when there is none, then over the whole field.
bool skip_to_ipsec_gateway_name(RdataCursor& at);
bool skip_to_amt_relay_name(RdataCursor& at);
bool skip_to_a6_name(RdataCursor& at);

}  // namespace samara::dns
