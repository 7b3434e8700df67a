#include "secondary/secondary_worker.h"

#include <algorithm>

#include "dns-core/message/hop_cookie.h"
#include "server/loader_messages.h"
#include "server/update_access.h"

namespace samara::secondary {

using dns::ExtendedError;
using dns::Rcode;
using server::Answer;

namespace {

AgentLimits limits_of(const server::SecondaryConfig& config, u32 max_streams, u32 client_streams) {
  const server::TransferInLimits& in = config.transfers_in;
  AgentLimits limits;
  limits.forward_streams = std::min(forward_streams_of(config), client_streams - 1);
  limits.streams = client_streams - limits.forward_streams;
  limits.refresh = {.zones = server::max_zones + server::max_catalogs,
                    .transfers = limits.streams,
                    .transfers_per_primary = in.per_primary,
                    .min_refresh = config.refresh.refresh_min,
                    .max_refresh = config.refresh.refresh_max,
                    .min_retry = config.refresh.retry_min,
                    .max_retry = config.refresh.retry_max,
                    .min_expire = config.refresh.expire_min,
                    .max_expire = config.refresh.expire_max};
  limits.transfer.octets = in.zone_octets;
  limits.transfer.records = in.zone_records;
  const u64 per_window = u64{in.minimum_rate} * static_cast<u64>(rate_window.seconds());
  limits.transfer.octets_per_window = static_cast<u32>(std::min<u64>(per_window, 0xffffffff));
  limits.transfer.total = Duration::seconds(in.total_seconds);
  limits.first_stream = max_streams;
  return limits;
}

bool is_notify(Bytes message) {
  const auto header = dns::read_header(message);
  return header.has_value() && header->opcode() == dns::Opcode::NOTIFY;
}

}  // namespace

SecondaryWorker::SecondaryWorker(const server::SecondaryConfig& config, const server::ServerCookies::Secret& cookie_secret,
                                 Seed seed, Bytes region, u32 max_streams, u32 client_streams)
    : UpdatingWorker(config, settings_, cookie_secret, seed, region, max_streams), config_(config), settings_(config, rng()) {
  if (config.forwards_any_updates()) take_updates();
  if (client_streams == 0) return;
  agent_.emplace(primaries_, limits_of(config, max_streams, client_streams), rng());
  if (server::notifies_anybody(config)) send_notifies(server::names_of(config.catalogs));
}

// ---- what others say ------------------------------------------------------------------------------------------------

Answer SecondaryWorker::notified(const Request& request, MutableBytes reply) {
  const auto error = [&](Rcode rcode, std::optional<ExtendedError> why = std::nullopt, std::string_view text = {}) {
    return answer_error(request.rules, request.packet, request.query, rcode, why, text, reply);
  };
  // RFC 1996 section 3.3 defines NOTIFY of the SOA only.
  if (request.query.type != dns::RrType::SOA) return error(Rcode::NOTIMP, ExtendedError::not_supported, "NOTIFY is for SOA");
  const auto notify = read_notify(request.packet, request.query);
  if (!notify.ok()) return error(Rcode::FORMERR);
  const NotifyVerdict verdict = judge(notify.value().zone, request);
  if (verdict == NotifyVerdict::refused) {
    constexpr std::string_view why = "not one of the zone's primaries";
    log_refusal(request, "NOTIFY", why);
    return error(Rcode::REFUSED, ExtendedError::prohibited, why);
  }
  if (verdict == NotifyVerdict::accepted) take_notify(notify.value(), request.peer.address);
  return error(rcode_of(verdict));
}

NotifyVerdict SecondaryWorker::judge(const dns::Name& zone, const Request& request) const {
  const auto followed = settings_.find(zone);
  if (!followed.has_value()) return NotifyVerdict::notauth;
  const server::AccessList& allowed = config_.notify_access(settings_.of(zone));
  return judge_notify(settings_.primaries(followed->group), server::admits(allowed, request.peer.address, request.key),
                      {request.peer.address, request.key});
}

void SecondaryWorker::take_notify(const NotifyMessage& notify, const IpAddress& sender) {
  if (agent_.has_value()) return agent_->on_notify(notify.zone, sender, notify.serial);
  const bool waits = std::ranges::find(notifies_, notify.zone, &AgentMessage::zone) != notifies_.end();
  if (waits || notifies_.size() == max_waiting_notifies) return;
  notifies_.push_back({.kind = AgentMessageKind::notified, .zone = notify.zone, .sender = sender, .serial = notify.serial});
}

// ---- updates --------------------------------------------------------------------------------------------------------

std::optional<FollowedZones::Followed> SecondaryWorker::zone_asked(const Request& request) const {
  ByteReader name(request.query.name(request.packet));
  const auto zone = dns::Name::from_wire(name);
  return zone.ok() && request.query.rr_class == dns::RrClass::IN ? settings_.find(zone.value()) : std::nullopt;
}

// An unknown key shows nothing of who signed: one forged datagram would make us connect to a primary, and take the places of
// the client that has that address.
bool SecondaryWorker::may_pass_on(const Request& request, bool address_shown) const {
  ByteReader name(request.query.name(request.packet));
  const server::ZoneOverrides& overrides = settings_.of(MUST(dns::Name::from_wire(name)));
  return takes_updates() && config_.forwards_updates(overrides) &&
         server::admits_change(config_.update_access(overrides), request.peer.address, request.key, address_shown);
}

bool SecondaryWorker::passes_on(const Request& request) const {
  return zone_asked(request).has_value() && may_pass_on(request, true);  // update() asks for the address where it is needed
}

Answer SecondaryWorker::update(const Request& request, MutableBytes reply) {
  const auto error = [&](Rcode rcode, std::optional<ExtendedError> why = std::nullopt, std::string_view text = {}) {
    return answer_error(request.rules, request.packet, request.query, rcode, why, text, reply);
  };
  // RFC 2136 sections 3.1.1 and 3.1.2.
  if (request.query.type != dns::RrType::SOA) return error(Rcode::FORMERR);
  if (!zone_asked(request).has_value()) return error(Rcode::NOTAUTH, ExtendedError::not_authoritative, "no such zone here");
  if (!config_.forwards_any_updates()) {
    constexpr std::string_view why = "this server is a secondary; updates go to the primary";
    log_refusal(request, "update", why);
    return error(Rcode::REFUSED, ExtendedError::not_supported, why);
  }
  if (!may_pass_on(request, request.address_shown())) {
    if (may_pass_on(request, true)) return ask_for_address(request, reply);
    constexpr std::string_view why = "updates of this client are not passed on to the primary";
    log_refusal(request, "update", why);
    return error(Rcode::REFUSED, ExtendedError::prohibited, why);
  }
  const bool has_cookie = request.query.edns.has_value() && request.query.edns->cookie.has_value();
  if (!has_cookie || request.query.tsig_at != 0) return put_off_update(request, request.packet, reply);
  // The requester's cookie is for us.
  std::vector<u8> relayed(request.packet.size());
  ByteWriter out(relayed);
  dns::write_with_cookie(request.packet, {}, out);
  return put_off_update(request, out.written(), reply);
}

// In the agent: an update that the loader hands on.
void SecondaryWorker::pass_on(Instant now, Bytes message) {
  const auto relay = server::read_update(message);
  if (!relay.has_value() || !agent_.has_value()) return;
  const dns::Query query = dns::parse_query(relay->message);
  ByteReader name(query.name(relay->message));
  const auto zone = dns::Name::from_wire(name);
  if (!zone.ok()) return;
  const auto followed = settings_.find(zone.value());
  agent_->on_update(now, {.worker = relay->worker,
                          .tag = relay->tag,
                          .client = relay->peer,
                          .zone = zone.value(),
                          .group = followed.has_value() ? std::optional(followed->group) : std::nullopt,
                          .message = relay->message});
}

size_t SecondaryWorker::poll_forward_outcome(MutableBytes room) {
  const auto outcome = agent_->poll_forward_outcome();
  if (!outcome.has_value()) return 0;
  ByteWriter out(room);
  server::write_update_done({.worker = outcome->worker,
                             .tag = outcome->tag,
                             .rcode = Rcode::SERVFAIL,
                             .why = ExtendedError::no_reachable_authority,
                             .reason = outcome->reason,
                             .response = outcome->response},
                            out);
  return out.size();
}

// ---- as a ClientApplication -----------------------------------------------------------------------------------------

void SecondaryWorker::on_client_datagram(Instant now, const Endpoint& peer, Bytes payload) {
  if (is_notify(payload)) {
    on_notify_answer(peer, payload);
  } else if (agent_.has_value()) {
    agent_->on_client_datagram(now, peer, payload);
  }
}

size_t SecondaryWorker::poll_datagram(Instant now, runtime::OutgoingDatagram& out) {
  if (const size_t size = poll_late_answer(out); size != 0) return size;
  if (const size_t size = poll_notify(now, out); size != 0) return size;
  return agent_.has_value() ? agent_->poll_datagram(now, out) : 0;
}

size_t SecondaryWorker::poll_message(MutableBytes room) {
  if (const size_t size = poll_update(room); size != 0) return size;
  if (const size_t size = poll_transfer_note(room); size != 0) return size;
  if (agent_.has_value()) {
    const size_t size = poll_forward_outcome(room);
    return size != 0 ? size : agent_->poll_message(room);
  }
  if (notifies_.empty()) return 0;
  ByteWriter out(room);
  write_message(notifies_.front(), out);
  notifies_.erase(notifies_.begin());
  return out.size();
}

void SecondaryWorker::on_message(Instant now, Bytes octets) {
  const auto kind = server::kind_of(octets);
  if (kind == server::LoaderMessage::zones_changed) return on_zones_changed(now, octets);
  if (kind == server::LoaderMessage::update) return pass_on(now, octets);
  if (kind == server::LoaderMessage::update_done) return on_update_done(now, octets);
  if (kind == server::LoaderMessage::held || kind == server::LoaderMessage::end_transfer) return on_transfer_note(octets);
  if (kind == server::LoaderMessage::zone_settings) {
    if (const auto* settings = reloaded_.on_message(octets); settings != nullptr) settings_.use(*settings);
    return;
  }
  const auto read = read_message(octets);
  if (!read.ok()) return;
  const AgentMessage& message = read.value();
  settings_.on_message(now, message);
  if (!agent_.has_value()) return;
  if (message.kind == AgentMessageKind::primaries) add_group(message.members);
  agent_->on_message(now, octets);
}

void SecondaryWorker::add_group(const std::vector<PrimaryPeer>& members) {
  std::vector<Primary> group;
  group.reserve(members.size());
  for (const PrimaryPeer& member : members) {
    const dns::TsigKey* key = member.key.has_value() ? keys().find(config_.keys[*member.key].name) : nullptr;
    group.push_back({member.endpoint, key});
  }
  primaries_.add_group(group);
}

}  // namespace samara::secondary
