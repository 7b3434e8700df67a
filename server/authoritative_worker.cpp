#include "server/authoritative_worker.h"

#include <algorithm>

#include "server/loader_messages.h"

namespace samara::server {
namespace {

using dns::Rcode;

AccessTable table_of(const AccessList& list) {
  std::vector<AccessTable::Rule> rules;
  rules.reserve(list.size());
  for (const AccessRule& rule : list) rules.push_back({rule.from, rule.key});
  return AccessTable(std::move(rules));
}

// The worker's share, and no more than a sixteenth of the streams: each has a transfer's state and a message of 64 KiB.
OutgoingTransfers::Limits transfer_limits_of(const ServiceConfig& config, u32 max_streams) {
  const u32 share = (config.limits.transfers + config.workers - 1) / config.workers;
  return {.transfers = std::min(share, std::max<u32>(max_streams / 16, 1)), .per_client = config.limits.transfers_per_prefix};
}

TcpSessions::Limits limits_of(const ServiceConfig& config, u32 max_streams) {
  // RFC 9210 section 6.1: limits in all, for one client, and in time.
  return {.streams = max_streams,
          .streams_per_prefix = config.limits.tcp_clients_per_prefix,
          .prefixes = {.v4 = config.limits.tcp_prefix_ipv4, .v6 = config.limits.tcp_prefix_ipv6},
          .idle = Duration::seconds(config.limits.tcp_idle_seconds),
          .queries = config.limits.tcp_queries_per_connection,
          .long_messages = std::clamp<u32>(max_streams / 16, std::min<u32>(max_streams, 4), 64) +
                           transfer_limits_of(config, max_streams).transfers};
}

std::optional<RateLimiter> limiter_of(const ServiceConfig& config, Rng& rng) {
  if (!config.rate_limit.has_value()) return std::nullopt;
  const RateLimit& limit = *config.rate_limit;
  crypto::SipHashKey key{};
  rng.fill(key);
  return std::optional<RateLimiter>(std::in_place,
                                    RateLimiter::Rules{.responses_per_second = limit.responses_per_second,
                                                       .slip = limit.slip,
                                                       .window_seconds = limit.window_seconds,
                                                       .prefix_ipv4 = limit.prefix_ipv4,
                                                       .prefix_ipv6 = limit.prefix_ipv6,
                                                       .table_size = limit.table_size,
                                                       .exempt = limit.exempt},
                                    key);
}

dns::TsigAlgorithm algorithm_of(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::hmac_sha1: return dns::TsigAlgorithm::hmac_sha1;
    case KeyAlgorithm::hmac_sha224: return dns::TsigAlgorithm::hmac_sha224;
    case KeyAlgorithm::hmac_sha256: return dns::TsigAlgorithm::hmac_sha256;
    case KeyAlgorithm::hmac_sha384: return dns::TsigAlgorithm::hmac_sha384;
    case KeyAlgorithm::hmac_sha512: return dns::TsigAlgorithm::hmac_sha512;
  }
  return dns::TsigAlgorithm::hmac_sha256;
}

// The part of the question's name that an answer is counted under: all of it, or where names without end have such an answer
// what they share: the zone cut of a referral, the zone's apex for a denial and for what a wildcard or DNAME made up.
Bytes subject_of(Bytes name, const Answer& answer, ResponseKind kind) {
  if (kind == ResponseKind::error) return {};
  const bool referral = kind == ResponseKind::referral;
  if (!referral && kind != ResponseKind::denial && !answer.made_up) return name;
  const size_t shared = referral ? answer.cut_labels : answer.apex_labels;
  size_t labels = 0;
  for (size_t at = 0; name[at] != 0; at += size_t{1} + name[at]) ++labels;
  size_t at = 0;
  for (; labels > shared; --labels) at += size_t{1} + name[at];
  return name.subspan(at);
}

// The log calls a request that is not answered like a query by this word.
std::string_view request_word(const dns::Query& query) {
  if (query.opcode == dns::Opcode::UPDATE) return "update";
  if (query.opcode == dns::Opcode::NOTIFY) return "NOTIFY";
  if (query.type == dns::RrType::AXFR) return "AXFR";
  return query.type == dns::RrType::IXFR ? "IXFR" : "query";
}

// The name a query asks for, as it came.
struct NameAsked {
  Bytes wire;
  void write_text(TextWriter& out) const {
    ByteReader at(wire);
    const auto name = dns::Name::from_wire(at);
    if (name.ok()) name.value().write_text(out);
  }
};

}  // namespace

AuthoritativeWorker::AuthoritativeWorker(const ServiceConfig& config, const ZoneSettings& settings,
                                         const ServerCookies::Secret& cookie_secret, Seed seed, Bytes region, u32 max_streams)
    : config_(config),
      settings_(settings),
      memory_(region),
      rng_(seed),
      query_access_(table_of(config.access.query)),
      transfer_access_(table_of(config.access.transfer)),
      cookies_(config.cookies.current.value_or(cookie_secret), config.cookies.previous),
      sessions_(limits_of(config, max_streams), rng_.u64_value()),
      transfers_(transfer_limits_of(config, max_streams), max_streams),
      reply_(std::make_unique_for_overwrite<std::array<u8, max_message>>()) {
  limiter_ = limiter_of(config, rng_);
  for (const TsigKey& key : config.keys) {
    SAMARA_UNINITIALIZED std::array<u8, key_secret_size.high> octets;
    ByteWriter secret(octets);
    secret.text(key.secret);
    keys_.add({.name = key.name, .algorithm = algorithm_of(key.algorithm), .secret = crypto::SecretBytes(secret.written())});
    crypto::wipe(octets);
  }
}

void AuthoritativeWorker::renew_secrets() {
  if (config_.cookies.current.has_value()) return;
  ServerCookies::Secret fresh{};
  rng_.fill(fresh);
  cookies_.replace_secret(fresh);
}

void AuthoritativeWorker::log_refusal(const Request& request, std::string_view what, std::string_view why) {
  const NameAsked zone{request.query.name(request.packet)};
  const IpAddress& client = request.peer.address;
  if (request.key.has_value()) {
    refusals_.line(now_, "zone ", zone, ": ", what, " of ", config_.keys[*request.key].name, " at ", client, " refused: ", why);
  } else {
    refusals_.line(now_, "zone ", zone, ": ", what, " of ", client, " refused: ", why);
  }
}

void AuthoritativeWorker::send_notifies(std::vector<dns::Name> catalogs) {
  std::array<u8, crypto::Drbg::seed_size> seed{};
  rng_.fill(seed);
  notify_agent_.emplace(config_, settings_, keys_, seed, std::move(catalogs));
}

size_t AuthoritativeWorker::on_datagram(Instant, const runtime::Datagram& datagram) {
  put_off_ = false;
  return respond(datagram.peer, &datagram.local, std::nullopt, datagram.payload, datagram.reply);
}

size_t AuthoritativeWorker::respond(const Endpoint& peer, const Endpoint* local, std::optional<runtime::StreamId> stream,
                                    Bytes packet, MutableBytes reply) {
  const dns::Query query = dns::parse_query(packet);
  if (query.verdict == dns::QueryVerdict::ignore || !zones_.has_value()) return 0;

  SAMARA_UNINITIALIZED ServerCookies::Full cookie;
  Request request{.peer = peer,
                  .packet = packet,
                  .query = query,
                  .rules = {},
                  .cookie = CookieVerdict::absent,
                  .key = std::nullopt,
                  .stream = stream,
                  .local = local,
                  .tsig = nullptr};
  request.rules.transport = stream.has_value() ? Transport::tcp : Transport::udp;
  request.rules.nsid = config_.identity.nsid;
  request.rules.rotate = config_.answer_rotation;
  request.rules.udp_payload_size = peer.address.is_v4() ? config_.limits.udp_payload_ipv4 : config_.limits.udp_payload_ipv6;
  if (stream.has_value()) {
    request.rules.tcp_keepalive = static_cast<u16>(std::min<u32>(config_.limits.tcp_idle_seconds * 10, 0xffff));
  }
  if (query.verdict == dns::QueryVerdict::good && query.edns.has_value() && query.edns->expire) [[unlikely]] {
    request.rules.expire = expire_of(query, packet);
  }
  if (config_.cookies.enabled && query.edns.has_value() && query.edns->cookie.has_value()) {
    request.cookie = cookies_.check(query.edns->cookie, peer.address, wall_);
    cookie = cookies_.make(*query.edns->cookie, peer.address, wall_);
    request.rules.cookie = cookie;
  }
  if (query.verdict == dns::QueryVerdict::good && query.tsig_at != 0) [[unlikely]] {
    return respond_signed(request, reply);
  }
  return admit(request, reply);
}

std::optional<u32> AuthoritativeWorker::expire_of(const dns::Query& query, Bytes packet) const {
  ByteReader name(query.name(packet));
  const auto zone = dns::Name::from_wire(name);
  const auto left = zone.ok() ? settings_.expires_in(zone.value(), now_) : std::nullopt;
  return left.has_value() ? std::optional(static_cast<u32>(std::clamp<i64>(left->seconds(), 0, dns::Ttl::max))) : std::nullopt;
}

// RFC 8945 section 5.2: who signs is known by a key, or told why not; the response is signed in turn.
size_t AuthoritativeWorker::respond_signed(Request& request, MutableBytes reply) {
  dns::TsigServer tsig;
  // A signature under a change is good no longer than it is remembered (seen_updates.h).
  const u16 most_fudge = request.query.opcode == dns::Opcode::UPDATE ? dns::tsig_fudge : 0xffff;
  const dns::TsigVerdict verdict = tsig.on_request(request.packet, request.query.tsig_at, keys_, wall_, most_fudge);
  if (verdict == dns::TsigVerdict::badkey && request.query.opcode == dns::Opcode::UPDATE &&
      keys_.find(tsig.key_name()) == nullptr && passes_on(request)) {
    return admit(request, reply);  // what we say ourselves cannot be signed
  }
  request.rules.tail_room = tsig.response_size();
  size_t size = 0;
  if (verdict == dns::TsigVerdict::verified) {
    const auto key = std::ranges::find(config_.keys, tsig.key()->name, &TsigKey::name);
    request.key = static_cast<u16>(key - config_.keys.begin());
    request.tsig = &tsig;
    size = admit(request, reply);
  } else {
    const NameAsked asked{request.query.name(request.packet)};
    if (verdict == dns::TsigVerdict::formerr) {
      refusals_.line(now_, request_word(request.query), " of ", request.peer.address, " for ", asked,
                     " refused: ", describe(verdict));
    } else {
      refusals_.line(now_, request_word(request.query), " of ", request.peer.address, " for ", asked, ", signed as ",
                     tsig.key_name(), ", refused: ", describe(verdict));
    }
    size = limit(request, answer_error(request.rules, request.packet, request.query, tsig.rcode(), std::nullopt, {}, reply),
                 reply);
  }
  if (size == 0 || verdict == dns::TsigVerdict::formerr) return size;
  ByteWriter message(reply, size);
  tsig.sign_response(message, wall_);
  if (request.stream.has_value() && transfers_.runs(*request.stream)) {
    transfers_.of(now_, *request.stream)->continue_signed(tsig);
  }
  return message.overflowed() ? 0 : message.size();
}

size_t AuthoritativeWorker::admit(const Request& request, MutableBytes reply) {
  return limit(request, answer(request, reply), reply);
}

Answer AuthoritativeWorker::answer(const Request& request, MutableBytes reply) {
  const auto& [peer, packet, query, rules, cookie, key, stream, local, tsig] = request;
  const bool for_transfer = asks_for_transfer(query);
  const bool for_change = query.verdict == dns::QueryVerdict::good && query.opcode != dns::Opcode::QUERY;
  if (query.verdict == dns::QueryVerdict::good) {
    if (!for_transfer && !for_change && !query_access_.allows(peer.address, key)) {
      return answer_error(rules, packet, query, Rcode::REFUSED, dns::ExtendedError::prohibited, "this client may not ask here",
                          reply);
    }
    // NOTIFY and UPDATE have rules of their own of whom they are taken from; few who send them know of cookies.
    if (!for_change && rules.transport == Transport::udp && config_.cookies.required && cookie != CookieVerdict::good) {
      // RFC 7873 section 5.2.3 and 5.2.4: with a client cookie BADCOOKIE and a good one to use, without one TCP.
      if (!rules.cookie.empty()) return answer_error(rules, packet, query, Rcode::BADCOOKIE, std::nullopt, {}, reply);
      return answer_truncated(rules, packet, query, Rcode::NOERROR, reply);
    }
  }
  if (query.verdict == dns::QueryVerdict::cookie && !rules.cookie.empty()) [[unlikely]] {
    // RFC 7873 section 5.4.
    return answer_error(rules, packet, query, cookie == CookieVerdict::bad ? Rcode::BADCOOKIE : Rcode::NOERROR, std::nullopt,
                        {}, reply);
  }
  if (for_change) [[unlikely]] {
    if (query.opcode == dns::Opcode::UPDATE) return update(request, reply);
    const Answer verdict = notified(request, reply);
    if (stream.has_value() && verdict.rcode == Rcode::NOERROR) sessions_.spare(*stream);
    return verdict;
  }
  if (for_transfer) [[unlikely]]
    return transfer(request, reply);
  return answer_query(*zones_, config_.identity, rules, packet, query, reply);
}

Answer AuthoritativeWorker::ask_for_address(const Request& request, MutableBytes reply) {
  const auto& [peer, packet, query, rules, cookie, key, stream, local, tsig] = request;
  if (!rules.cookie.empty()) return answer_error(rules, packet, query, Rcode::BADCOOKIE, std::nullopt, {}, reply);
  return answer_truncated(rules, packet, query, Rcode::REFUSED, reply);
}

// Who may depends on the zone, which need not be there.
bool AuthoritativeWorker::may_transfer(const Request& request) const {
  ByteReader name(request.query.name(request.packet));
  const auto zone = dns::Name::from_wire(name);
  if (!zone.ok()) return false;
  const auto& own = settings_.of(zone.value()).transfer;
  if (own.has_value()) return admits(*own, request.peer.address, request.key);
  return transfer_access_.allows(request.peer.address, request.key);
}

// The first message of a transfer. More of them by TCP follow when it is on its way.
Answer AuthoritativeWorker::transfer(const Request& request, MutableBytes reply) {
  const auto& [peer, packet, query, rules, cookie, key, stream, local, tsig] = request;
  const auto error = [&](Rcode rcode, std::optional<dns::ExtendedError> why, std::string_view text) {
    return answer_error(rules, packet, query, rcode, why, text, reply);
  };
  if (!may_transfer(request)) {
    constexpr std::string_view why = "this client may not transfer the zone";
    log_refusal(request, request_word(query), why);
    return error(Rcode::REFUSED, dns::ExtendedError::prohibited, why);
  }
  const TransferPlan plan = plan_transfer(*zones_, rules.transport, packet, query);
  if (!plan.zone.has_value()) return error(plan.rcode, plan.why, plan.why.has_value() ? reason_text(*plan.why) : "");
  if (stream.has_value()) sessions_.spare(*stream);
  if (!stream.has_value() || plan.content == TransferPlan::Content::serial) return transfer_at_once(request, plan, reply);
  TransferOut* const transfer = transfers_.start(now_, *stream, sessions_.client(*stream), generation_, plan.zone->apex());
  // RFC 5936 section 2.2.1 leaves the RCODE open; SERVFAIL makes a secondary try again later, or elsewhere.
  if (transfer == nullptr) return error(Rcode::SERVFAIL, dns::ExtendedError::not_ready, "too many transfers are under way");
  transfer->start(plan, packet, query);
  const size_t size = transfer->first(rules, reply);
  if (transfer->done()) transfers_.end(*stream);
  return {.size = size, .rcode = Rcode::NOERROR};
}

// A transfer of one message. By UDP it is the whole answer or, when that does not fit, the SOA alone, which makes the client
// come by TCP (RFC 1995 section 2).
Answer AuthoritativeWorker::transfer_at_once(const Request& request, const TransferPlan& plan, MutableBytes reply) {
  TransferOut transfer;
  transfer.start(plan, request.packet, request.query);
  size_t size = transfer.first(request.rules, reply);
  if (!transfer.done()) {
    TransferPlan least = plan;
    least.content = TransferPlan::Content::serial;
    transfer.start(least, request.packet, request.query);
    size = transfer.first(request.rules, reply);
  }
  if (!transfer.done()) return answer_truncated(request.rules, request.packet, request.query, Rcode::NOERROR, reply);
  return {.size = size, .rcode = Rcode::NOERROR};
}

size_t AuthoritativeWorker::within_rate(const Request& request, const Answer& answer, MutableBytes reply) {
  switch (rate(request.peer.address, request.query, request.packet, answer)) {
    case RateVerdict::send: return answer.size;
    case RateVerdict::drop: return 0;
    case RateVerdict::slip: break;
  }
  AnswerRules least = request.rules;
  least.nsid = {};  // no longer than need be
  // The TSIG record behind an error of its own speaks of NOTAUTH (RFC 8945 section 5.2); other errors wait for TCP, but of a
  // change that is not made nobody is to think that it was.
  const bool asked = request.query.opcode == dns::Opcode::QUERY;
  const Rcode rcode = answer.rcode == Rcode::NOTAUTH || !asked ? answer.rcode : Rcode::NOERROR;
  return answer_truncated(least, request.packet, request.query, rcode, reply).size;
}

RateVerdict AuthoritativeWorker::rate(const IpAddress& client, const dns::Query& query, Bytes packet, const Answer& answer) {
  ResponseKind kind = ResponseKind::data;
  if (answer.rcode == Rcode::NXDOMAIN) {
    kind = ResponseKind::denial;
  } else if (answer.rcode != Rcode::NOERROR || answer.bare) {
    kind = ResponseKind::error;
  } else if (answer.referral) {
    kind = ResponseKind::referral;
  }
  const Bytes name = query.has_question ? query.name(packet) : Bytes();
  return limiter_->count(now_, client, name.empty() ? ResponseKind::error : kind,
                         name.empty() ? name : subject_of(name, answer, kind));
}

bool AuthoritativeWorker::on_stream_open(Instant now, runtime::StreamId id, const Endpoint& peer, const Endpoint&) {
  return sessions_.open(now, id, peer);
}

void AuthoritativeWorker::on_stream_input(Instant now, runtime::StreamId id, size_t count) {
  sessions_.on_input(now, id, count);
  answer_waiting(now, id);
}

void AuthoritativeWorker::on_stream_output_sent(Instant now, runtime::StreamId id, size_t count) {
  sessions_.on_sent(now, id, count);
  answer_waiting(now, id);
}

void AuthoritativeWorker::on_stream_end(Instant now, runtime::StreamId id) {
  sessions_.on_end(id);
  answer_waiting(now, id);
}

void AuthoritativeWorker::on_stream_closed(Instant, runtime::StreamId id) {
  transfers_.end(id);
  sessions_.closed(id);
}

void AuthoritativeWorker::answer_waiting(Instant now, runtime::StreamId id) {
  if (sessions_.wants_message(id)) go_on_with_transfer(now, id);
  for (auto message = sessions_.next_query(id); message.has_value(); message = sessions_.next_query(id)) {
    put_off_ = false;
    const size_t size = respond(sessions_.peer(id), nullptr, id, *message, *reply_);
    if (put_off_) return;  // the session waits
    if (size == 0) transfers_.end(id);
    sessions_.answer(now, id, Bytes(*reply_).first(size), transfers_.runs(id));
  }
}

void AuthoritativeWorker::go_on_with_transfer(Instant now, runtime::StreamId id) {
  TransferOut* const transfer = transfers_.of(now, id);
  const MutableBytes room = sessions_.message_space(id);
  const size_t size = transfer == nullptr || room.empty() ? 0 : transfer->next(room, wall_);
  if (size == 0 || transfer->done()) transfers_.end(id);
  if (size == 0) return sessions_.drop(id);
  sessions_.message(now, id, size, !transfer->done());
}

size_t AuthoritativeWorker::poll_transfer_note(MutableBytes room) {
  const auto note = transfers_.poll_note(generation_);
  if (!note.has_value()) return 0;
  ByteWriter out(room);
  write_transfer_note(*note, out);
  return out.size();
}

void AuthoritativeWorker::on_transfer_note(Bytes message) {
  const auto note = read_transfer_note(message);
  if (!note.has_value()) return;
  if (note->kind == LoaderMessage::held) transfers_.on_held(note->tag);
  if (note->kind != LoaderMessage::end_transfer) return;
  const auto stream = transfers_.stream_of(note->tag);
  if (!stream.has_value()) return;
  transfers_.end(*stream);
  sessions_.drop(*stream);
}

size_t AuthoritativeWorker::poll_notify(Instant now, runtime::OutgoingDatagram& out) {
  if (!notify_agent_.has_value() || !zones_.has_value()) return 0;
  if (!told_of_start_) {
    told_of_start_ = true;
    notify_agent_->on_start(now, *zones_);
  }
  out.local = std::nullopt;
  return notify_agent_->poll_datagram(now, wall_, *zones_, out.peer, out.payload);
}

void AuthoritativeWorker::on_zones_changed(Instant now, Bytes message) {
  if (!notify_agent_.has_value() || !zones_.has_value()) return;
  for_each_changed_zone(message, [&](const dns::Name& zone) { notify_agent_->on_zone_changed(now, *zones_, zone); });
}

}  // namespace samara::server
