#include "secondary/secondary_worker.h"

#include <algorithm>

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
  limits.refresh = {.zones = server::max_zones + server::max_catalogs,
                    .transfers = client_streams,
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
  limits.streams = client_streams;
  return limits;
}

// RFC 1035 section 4.1.1.
bool is_notify(Bytes message) {
  return message.size() >= dns::header_size && (message[2] >> 3 & 15) == static_cast<u8>(dns::Opcode::NOTIFY);
}

}  // namespace

SecondaryWorker::SecondaryWorker(const server::SecondaryConfig& config, const server::ServerCookies::Secret& cookie_secret,
                                 Seed seed, Bytes region, u32 max_streams, u32 client_streams)
    : AuthoritativeWorker(config, settings_, cookie_secret, seed, region, max_streams),
      config_(config),
      settings_(config, rng()) {
  if (client_streams == 0) return;
  agent_.emplace(primaries_, limits_of(config, max_streams, client_streams), rng());
  if (server::NotifyAgent::is_needed(config)) send_notifies();
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
    return error(Rcode::REFUSED, ExtendedError::prohibited, "not one of the zone's primaries");
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

Answer SecondaryWorker::update(const Request& request, MutableBytes reply) {
  return answer_error(request.rules, request.packet, request.query, Rcode::REFUSED, ExtendedError::not_supported,
                      "this server is a secondary; updates go to the primary", reply);
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
  if (const size_t size = poll_notify(now, out); size != 0) return size;
  return agent_.has_value() ? agent_->poll_datagram(now, out) : 0;
}

size_t SecondaryWorker::poll_message(MutableBytes room) {
  if (agent_.has_value()) return agent_->poll_message(room);
  if (notifies_.empty()) return 0;
  ByteWriter out(room);
  write_message(notifies_.front(), out);
  notifies_.erase(notifies_.begin());
  return out.size();
}

void SecondaryWorker::on_message(Instant now, Bytes octets) {
  if (server::kind_of(octets) == server::LoaderMessage::zones_changed) return on_zones_changed(now, octets);
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
