// Interface identifiers that are stable on one network and tell nothing on another (RFC 7217 section 5).
#pragma once

#include "platform/base/ip_address.h"
#include "platform/base/types.h"
#include "platform/net/ipv6/addresses.h"
#include "platform/net/wire/mac_address.h"

namespace samara::net::ipv6 {

// The identifier for `prefix` (its first 64 bits count) under `secret`, which should hold 16 octets at least. `network` may be
// empty; `dad_counter` is how many identifiers before this one were taken or reserved.
InterfaceIdentifier stable_identifier(Bytes secret, const IpAddress& prefix, const MacAddress& mac, Bytes network,
                                      u8 dad_counter);

// Reserved for anycast and the like (RFC 5453, and IANA's registry of it).
bool is_reserved(const InterfaceIdentifier& identifier);

}  // namespace samara::net::ipv6
