// UPDATE and NOTIFY at a primary's worker: who may, and what goes to the loader.
#include "server/primary_worker.h"

namespace samara::server {

using dns::ExtendedError;
using dns::Rcode;
using dns::RrClass;
using dns::RrType;

namespace {

dns::Name zone_of(const dns::Query& query, Bytes packet) {
  ByteReader name(query.name(packet));
  return MUST(dns::Name::from_wire(name));
}

}  // namespace

PrimaryWorker::PrimaryWorker(const PrimaryConfig& config, const ServerCookies::Secret& cookie_secret, Seed seed, Bytes region,
                             u32 max_streams, bool agent)
    : UpdatingWorker(config, overrides_, cookie_secret, seed, region, max_streams),
      config_(config),
      overrides_(config),
      update_access_(config, overrides_) {
  if (UpdateAccess::is_needed(config)) take_updates();
  if (agent && notifies_anybody(config)) send_notifies(names_of(config.catalogs));
}

// RFC 1996 is for secondaries; of a primary nobody has anything to tell. A permitted sender gets NOERROR, as from bind.
Answer PrimaryWorker::notified(const Request& request, MutableBytes reply) {
  const dns::Query& query = request.query;
  const auto error = [&](Rcode rcode, std::optional<ExtendedError> why = std::nullopt, std::string_view text = {}) {
    return answer_error(request.rules, request.packet, query, rcode, why, text, reply);
  };
  // RFC 1996 section 3.3 defines NOTIFY of the SOA only.
  if (query.type != RrType::SOA) return error(Rcode::NOTIMP, ExtendedError::not_supported, "NOTIFY is for SOA");
  const dns::Name zone = zone_of(query, request.packet);
  if (query.rr_class != RrClass::IN || !zones()->at(zone).has_value()) return error(Rcode::NOTAUTH);
  if (!admits(config_.notify_access(overrides_.of(zone)), request.peer.address, request.key)) {
    constexpr std::string_view why = "this server is the zone's primary";
    log_refusal(request, "NOTIFY", why);
    return error(Rcode::REFUSED, ExtendedError::prohibited, why);
  }
  return error(Rcode::NOERROR);
}

// This answers what can be answered without the loader, which decides about the rest.
Answer PrimaryWorker::update(const Request& request, MutableBytes reply) {
  const auto& [peer, packet, query, rules, cookie, key, stream, local, tsig] = request;
  const auto error = [&](Rcode rcode, std::optional<ExtendedError> why = std::nullopt, std::string_view text = {}) {
    return answer_error(rules, packet, query, rcode, why, text, reply);
  };
  // RFC 2136 sections 3.1.1 and 3.1.2.
  if (query.type != RrType::SOA) return error(Rcode::FORMERR);
  const auto match = query.rr_class == RrClass::IN ? zones()->at(zone_of(query, packet)) : std::nullopt;
  if (!match.has_value()) return error(Rcode::NOTAUTH, ExtendedError::not_authoritative, "no such zone here");
  if (!match->zone.has_value()) return error(Rcode::SERVFAIL, ExtendedError::not_ready, reason_text(ExtendedError::not_ready));
  Requester requester = update_access_.requester(peer.address, key, request.address_shown());
  const UpdateRights rights = update_access_.rights(requester, *match->zone);
  if (!rights.any() && takes_updates() && !requester.address_shown) {
    requester.address_shown = true;
    if (update_access_.rights(requester, *match->zone).any()) return ask_for_address(request, reply);
  }
  if (!rights.any() || !takes_updates()) {
    const std::string_view why =
        rights.refused_as_signed() ? "the zone is signed elsewhere" : "this client may not update this zone";
    log_refusal(request, "update", why);
    return error(Rcode::REFUSED, ExtendedError::prohibited, why);
  }
  // Prerequisites are questions too (RFC 2136 section 2.4); their number stands where a query's answers do.
  if (load_be16(packet, 6) != 0 && !may_ask(request)) {
    constexpr std::string_view why = "this client may not ask here, so not by prerequisites";
    log_refusal(request, "update", why);
    return error(Rcode::REFUSED, ExtendedError::prohibited, why);
  }
  // The records behind the update section end the message; the TSIG record is the last of them and has done its work.
  return put_off_update(request, query.tsig_at != 0 ? packet.first(query.tsig_at) : packet, reply);
}

void PrimaryWorker::on_message(Instant now, Bytes message) {
  const auto kind = kind_of(message);
  if (kind == LoaderMessage::update_done) on_update_done(now, message);
  if (kind == LoaderMessage::zones_changed) on_zones_changed(now, message);
  if (kind == LoaderMessage::held || kind == LoaderMessage::end_transfer) on_transfer_note(message);
  if (kind == LoaderMessage::zone_settings) {
    const PrimaryConfig* settings = reloaded_.on_message(message);
    if (settings == nullptr) return;
    overrides_ = OverridesByZone(*settings);
    if (!takes_updates() && UpdateAccess::is_needed(*settings)) take_updates();
  }
}

size_t PrimaryWorker::poll_datagram(Instant now, runtime::OutgoingDatagram& out) {
  const size_t size = poll_late_answer(out);
  return size != 0 ? size : poll_notify(now, out);
}

}  // namespace samara::server
