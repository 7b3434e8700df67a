#include "server/transfer_request.h"

#include "dns-core/message/message_reader.h"
#include "dns-core/rdata/soa.h"
#include "zone/history.h"

namespace samara::server {
namespace {

using dns::ExtendedError;
using dns::Rcode;
using dns::RrType;
using Content = TransferPlan::Content;

TransferPlan refused(Rcode rcode, std::optional<ExtendedError> why = std::nullopt) {
  return {.rcode = rcode, .why = why, .zone = std::nullopt, .content = Content::whole, .from = {}};
}

// RFC 1995 section 3: the client's version, as the zone's SOA in the authority section.
std::optional<dns::Serial> client_serial(const dns::Name& zone, Bytes packet, const dns::Query& query) {
  if (query.authority_at == 0) return std::nullopt;
  dns::MessageReader at(packet, query.authority_at);
  if (at.name() != zone) return std::nullopt;
  const dns::RecordFields soa = at.fields();
  const size_t start = at.position();
  at.name();
  at.name();
  const Bytes numbers = at.bytes(dns::soa_numbers_size);
  if (at.failed() || soa.type != RrType::SOA || at.position() - start != soa.size) return std::nullopt;
  return dns::SoaNumbers::of(numbers).serial;
}

// True when the differences since `from` are all kept, and have no more records than the zone.
bool worth_differences(const zone::Zone& zone, dns::Serial from) {
  u64 records = 0;
  const bool kept =
      zone::History(zone).for_each_back_to(from, [&](const zone::StoredDifference& step) { records += step.record_count(); });
  return kept && records <= zone.record_count();
}

}  // namespace

bool asks_for_transfer(const dns::Query& query) {
  return query.verdict == dns::QueryVerdict::good && query.opcode == dns::Opcode::QUERY && query.rr_class == dns::RrClass::IN &&
         (query.type == RrType::AXFR || query.type == RrType::IXFR);
}

TransferPlan plan_transfer(const zone::ZoneSet& zones, Transport transport, Bytes packet, const dns::Query& query) {
  ByteReader reader(query.name(packet));
  const auto name = dns::Name::from_wire(reader);
  if (!name.ok()) return refused(Rcode::FORMERR);
  const auto found = zones.at(name.value());
  // RFC 5936 section 2.2.1: NOTAUTH where the name is no zone of ours.
  if (!found.has_value()) return refused(Rcode::NOTAUTH, ExtendedError::not_authoritative);
  if (!found->zone.has_value()) return refused(Rcode::SERVFAIL, ExtendedError::not_ready);
  TransferPlan plan;
  plan.zone = found->zone;
  if (query.type == RrType::AXFR) {
    if (transport == Transport::udp) return refused(Rcode::FORMERR, ExtendedError::not_supported);
    return plan;
  }
  const auto from = client_serial(name.value(), packet, query);
  if (!from.has_value()) return refused(Rcode::FORMERR);
  plan.from = *from;
  // RFC 1995 section 2: a client that has this version or a newer one is told so by the SOA alone.
  const dns::Serial::Order order = from->compare(plan.zone->serial());
  if (order == dns::Serial::Order::equal || order == dns::Serial::Order::greater) {
    plan.content = Content::serial;
  } else if (worth_differences(*plan.zone, *from)) {
    plan.content = Content::differences;
  }
  return plan;
}

}  // namespace samara::server
