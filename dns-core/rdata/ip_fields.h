// IP addresses as fields of record data.
#pragma once

#include "dns-core/rdata/text_fields.h"
#include "platform/base/ip_address.h"

namespace samara::dns {

// 4 or 16 octets.
IpAddress ip_from_octets(Bytes octets);
Result<void, SyntaxError> read_ipv4(TextFields& fields);
Result<void, SyntaxError> read_ipv6(TextFields& fields);

}  // namespace samara::dns
