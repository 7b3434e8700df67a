// An UPDATE changes a zone in this order (RFC 2136 section 3, RFC 3007 section 3.1): prerequisites, permission, prescan,
// changes, each change seeing those before it, all of them or none. A pure function: the outcome is a response code and, where
// the zone is to change, the Patch that changes it. The cost goes by the message and the RRsets it touches.
//
//   the zone section's type and count   UpdateMessage::read() (section 3.1.1)
//   do we have a zone of that name      the caller, who has the zones (section 3.1.2): NOTAUTH
//   its class, and the rest             apply_update()
//
// Where the zone grows, limits are looked at last (update_quota.h). A client that may only add changes no existing TTL.
//
// Beyond the RFC: DNAME follows RFC 6672 section 5.2; an RRset's records take the TTL of the one added last (RFC 2181
// section 5.2); where a change of the zone left the serial as it was, it is raised by one (section 3.6). Forwarding
// to a primary (section 6) is a secondary's (secondary/forward_updates.h).
#pragma once

#include <optional>
#include <string_view>

#include "dns-core/message/edns.h"
#include "platform/base/short_text.h"
#include "server/update_message.h"
#include "server/update_policy.h"
#include "zone/diff.h"

namespace samara::server {

// UpdateRoom is what there is room for.
struct UpdateRoom {
  ZoneLimits limits = default_update_limits;  // of the zone
  // The zone itself may have no more, whatever the rules give.
  u32 most_records_per_rrset = rrset_record_count.high;
  u64 zone_octets = 0;  // that its records have (zone/content_digest.h)
  bool scarce = false;  // storage or memory run short: rules with a limit add nothing
};

// Octets of a reason: with the longest name that is usual.
constexpr size_t max_refusal = 384;

struct UpdateOutcome {
  dns::Rcode rcode = dns::Rcode::NOERROR;
  // Why it was refused, for the response's extended error and the log; empty when the code says all.
  std::optional<dns::ExtendedError> why;
  ShortText<max_refusal> reason;
  std::optional<zone::Patch> patch;  // nothing: the zone stays as it is
  dns::Serial serial;                // with a patch: the zone's new serial
  i64 growth = 0;                    // with a patch: octets that the zone's records have more
};

// `message` names `zone`, which is of class IN; one about another class gets NOTAUTH.
UpdateOutcome apply_update(const zone::Zone& zone, const UpdateMessage& message, const UpdateRights& rights,
                           const UpdateRoom& room = {});

// The serial after `current` where an update did not bring one. 0 is passed over: some take it for none.
constexpr dns::Serial serial_after(dns::Serial current) {
  const dns::Serial next = current.next();
  return next.value() == 0 ? next.next() : next;
}

}  // namespace samara::server
