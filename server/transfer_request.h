// A request for a transfer, AXFR (RFC 5936) or IXFR (RFC 1995), is answered by this. A pure function of the request and the
// zones in service; who may ask at all is decided before, how many transfers run at once after.
//
// AXFR by UDP is FORMERR, as BIND says: RFC 5936 section 4.2 does not define it, so such a request is not one of the protocol.
#pragma once

#include "dns-core/message/query.h"
#include "server/response.h"
#include "zone/zone_set.h"

namespace samara::server {

struct TransferPlan {
  enum class Content : u8 {
    whole,        // the zone
    differences,  // what has changed since `from`
    serial,       // the SOA alone: the client has the newest version
  };
  dns::Rcode rcode = dns::Rcode::NOERROR;  // anything else: there is no transfer, and `why`
  std::optional<dns::ExtendedError> why;
  std::optional<zone::Zone> zone;
  Content content = Content::whole;
  dns::Serial from;
};

// AXFR or IXFR of class IN.
bool asks_for_transfer(const dns::Query& query);

TransferPlan plan_transfer(const zone::ZoneSet& zones, Transport transport, Bytes packet, const dns::Query& query);

}  // namespace samara::server
