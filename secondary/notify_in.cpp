#include "secondary/notify_in.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"
#include "secondary/message_reader.h"

namespace samara::secondary {

Result<NotifyMessage, NotifyError> read_notify(Bytes packet, const dns::Query& query) {
  const auto as_formerr = [](auto) { return NotifyError::formerr; };
  if (!query.has_question || query.type != dns::RrType::SOA || query.rr_class != dns::RrClass::IN) {
    return fail(NotifyError::formerr);
  }
  NotifyMessage notify;
  ByteReader name(query.name(packet));
  notify.zone = TRY(dns::Name::from_wire(name).map_error(as_formerr));
  // RFC 1996 section 3.7: the answer section may hold what the sender has; only its SOA can be of use.
  ByteReader at(packet);
  TRY(at.skip(dns::header_size + query.question_size()).map_error(as_formerr));
  for (u16 left = load_be16(packet, 6); left != 0; --left) {
    const RecordHead head = TRY(read_record_head(at).map_error(as_formerr));
    if (head.type == dns::RrType::SOA && head.rr_class == dns::RrClass::IN && head.owner == notify.zone) {
      std::array<u8, 2 * dns::max_name_size + 20> memory;
      ByteWriter rdata(memory);
      TRY(dns::rdata_from_message(head.type, at, head.size, rdata).map_error(as_formerr));
      notify.serial = soa_fields(rdata.written()).serial;
    } else {
      TRY(at.skip(head.size).map_error(as_formerr));
    }
  }
  return notify;
}

dns::Rcode rcode_of(NotifyVerdict verdict) {
  switch (verdict) {
    case NotifyVerdict::accepted: return dns::Rcode::NOERROR;
    case NotifyVerdict::notauth: return dns::Rcode::NOTAUTH;
    case NotifyVerdict::refused: return dns::Rcode::REFUSED;
  }
  return dns::Rcode::REFUSED;
}

NotifyVerdict judge_notify(std::span<const PrimaryPeer> primaries, bool admitted, const NotifySender& sender) {
  const bool primary = std::ranges::any_of(primaries, [&](const PrimaryPeer& p) {
    return p.endpoint.address == sender.address && (!p.key.has_value() || p.key == sender.key);
  });
  return primary || admitted ? NotifyVerdict::accepted : NotifyVerdict::refused;
}

}  // namespace samara::secondary
