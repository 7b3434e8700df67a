// NOTIFY that comes in (RFC 1996 sections 3.7 to 3.12): is it for us, may its sender say so, and what is the answer. What a
// NOTIFY says about the zone is a hint at most: whether there is something new is asked at a primary (refresh.h).
//
//   question   one, QTYPE SOA, class IN; the answer may hold the new SOA
//   allowed    an address (and key) of the zone's list, or one of its primaries: then signed with that primary's key, if it has
//   one answer     NOERROR; NOTAUTH for zones that are not here; REFUSED; FORMERR
#pragma once

#include <optional>

#include "dns-core/message/query.h"
#include "platform/base/ip_address.h"
#include "secondary/primaries.h"

namespace samara::secondary {

struct NotifyMessage {
  dns::Name zone;
  std::optional<dns::Serial> serial;  // of the SOA record in the answer section, if there is one
};

enum class NotifyError : u8 { formerr };

// Reads what dns::parse_query has found to be a NOTIFY.
Result<NotifyMessage, NotifyError> read_notify(Bytes packet, const dns::Query& query);

// The sender is known by its address and by the index of the key that its message was verified with.
struct NotifySender {
  IpAddress address;
  std::optional<u16> key;
};
enum class NotifyVerdict : u8 {
  accepted,
  notauth,  // not a zone we follow
  refused,  // not from who may
};
dns::Rcode rcode_of(NotifyVerdict verdict);

// `primaries` are the zone's; `admitted`: the zone's access list has the sender.
NotifyVerdict judge_notify(std::span<const PrimaryPeer> primaries, bool admitted, const NotifySender& sender);

}  // namespace samara::secondary
