#include "secondary/notify_in.h"

#include <algorithm>

#include "dns-core/message/message_reader.h"
#include "dns-core/rdata/soa.h"

namespace samara::secondary {

Result<NotifyMessage, NotifyError> read_notify(Bytes packet, const dns::Query& query) {
  if (!query.has_question || query.type != dns::RrType::SOA || query.rr_class != dns::RrClass::IN) {
    return fail(NotifyError::formerr);
  }
  NotifyMessage notify;
  dns::MessageReader at(packet);
  notify.zone = at.name();
  at.bytes(4);
  // RFC 1996 section 3.7: the answer section may hold what the sender has; only its SOA can be of use.
  for (u16 left = load_be16(packet, dns::answer_count_at); left != 0 && !at.failed(); --left) {
    const dns::Name owner = at.name();
    const dns::RecordFields record = at.fields();
    if (record.type == dns::RrType::SOA && record.rr_class == dns::RrClass::IN && owner == notify.zone) {
      std::array<u8, dns::max_soa_rdata_size> memory;
      ByteWriter rdata(memory);
      if (!at.rdata(record, rdata).ok()) return fail(NotifyError::formerr);
      notify.serial = dns::SoaNumbers::of(rdata.written()).serial;
    } else {
      at.bytes(record.size);
    }
  }
  if (at.failed()) return fail(NotifyError::formerr);
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
