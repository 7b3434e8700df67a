// UPDATE and NOTIFY at a primary's worker: who may, what goes to the loader, and answers that come late.
#include <algorithm>

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
    : AuthoritativeWorker(config, overrides_, cookie_secret, seed, region, max_streams),
      config_(config),
      overrides_(config),
      update_access_(config) {
  crypto::SipHashKey hash_key{};
  rng().fill(hash_key);
  if (UpdateAccess::is_needed(config)) updates_.emplace(hash_key);
  if (agent && NotifyAgent::is_needed(config)) send_notifies();
}

// RFC 1996 is for secondaries; of a primary nobody has anything to tell. Who may is told that all is well, as bind does.
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
    return error(Rcode::REFUSED, ExtendedError::prohibited, "this server is the zone's primary");
  }
  return error(Rcode::NOERROR);
}

// What can be said without the loader; the rest is its to decide.
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
  const Requester requester = update_access_.requester(peer.address, key);
  const UpdateRights rights = update_access_.rights(requester, *match->zone);
  if (!rights.any() || !updates_.has_value()) {
    return error(Rcode::REFUSED, ExtendedError::prohibited,
                 rights.refused_as_signed() ? "the zone is signed elsewhere" : "this client may not update this zone");
  }
  if (!stream.has_value()) {
    const auto [known, outcome] = updates_->find(now(), peer, packet);
    if (known == PendingUpdates::Known::answered) return error(outcome->rcode, outcome->why, outcome->text());
    if (known == PendingUpdates::Known::waiting) {
      return put_off();
    }
  }
  if (!relay(request)) return error(Rcode::SERVFAIL, ExtendedError::not_ready, "too many updates are waiting");
  return put_off();
}

bool PrimaryWorker::relay(const Request& request) {
  PendingUpdates::Asker asker;
  asker.peer = request.peer;
  if (request.local != nullptr) asker.local = *request.local;
  asker.stream = request.stream;
  asker.query = request.query;
  asker.rules = request.rules;
  asker.has_cookie = request.rules.cookie.size() == asker.cookie.size();
  if (asker.has_cookie) std::ranges::copy(request.rules.cookie, asker.cookie.begin());
  asker.rules.cookie = {};
  if (request.tsig != nullptr) asker.tsig = *request.tsig;
  asker.head_size = dns::header_size + request.query.question_size();
  std::ranges::copy(request.packet.first(asker.head_size), asker.head.begin());
  // The records behind the update section end the message; the TSIG record is the last of them and has done its work.
  const size_t tsig_at = request.query.tsig_at;
  const Bytes relayed = tsig_at != 0 ? request.packet.first(tsig_at) : request.packet;
  return updates_->add(now(), request.packet, relayed, request.key, asker);
}

void PrimaryWorker::on_message(Instant now, Bytes message) {
  const auto kind = kind_of(message);
  if (kind == LoaderMessage::update_done && updates_.has_value()) {
    if (const auto verdict = read_update_done(message); verdict.has_value()) updates_->on_done(now, *verdict);
    answer_updates(now);
  } else if (kind == LoaderMessage::zones_changed) {
    on_zones_changed(now, message);
  }
}

// Composed when it is sent, so that nothing is kept meanwhile but what the request was.
Bytes PrimaryWorker::late_answer(PendingUpdates::Answer& answer, MutableBytes reply) const {
  auto& [asker, outcome] = answer;
  if (asker.has_cookie) asker.rules.cookie = asker.cookie;
  const Bytes head = Bytes(asker.head).first(asker.head_size);
  ByteWriter out(reply, answer_error(asker.rules, head, asker.query, outcome.rcode, outcome.why, outcome.text(), reply).size);
  if (asker.tsig.has_value()) asker.tsig->sign_response(out, wall());
  return out.overflowed() ? Bytes() : Bytes(reply).first(out.size());
}

void PrimaryWorker::answer_updates(Instant now) {
  for (auto decided = updates_->poll_answer(PendingUpdates::To::stream); decided.has_value();
       decided = updates_->poll_answer(PendingUpdates::To::stream)) {
    answer_late(now, *decided->asker.stream, late_answer(*decided, room_for_answer()));
  }
}

size_t PrimaryWorker::poll_datagram(Instant now, runtime::OutgoingDatagram& out) {
  auto decided = updates_.has_value() ? updates_->poll_answer(PendingUpdates::To::datagram) : std::nullopt;
  if (!decided.has_value()) return poll_notify(now, out);
  out.peer = decided->asker.peer;
  out.local = decided->asker.local;
  return late_answer(*decided, out.payload).size();
}

}  // namespace samara::server
