// AuthoritativeWorker: what one worker of every authoritative role does with what comes in: admit, answer, limit, transfer
// zones, and send NOTIFYs. A role adds what it does with UPDATE and NOTIFY. It is the Application of platform/runtime for
// datagrams and streams alike, takes all its memory when it is made and none afterwards.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "dns-core/tsig/server.h"
#include "platform/crypto/drbg.h"
#include "platform/runtime/application.h"
#include "server/config/service_config.h"
#include "server/frontend/access.h"
#include "server/frontend/cookies.h"
#include "server/frontend/rate_limit.h"
#include "server/frontend/tcp_sessions.h"
#include "server/notify_agent.h"
#include "server/outgoing_transfers.h"
#include "server/overrides_by_zone.h"
#include "server/query.h"
#include "server/refusal_log.h"

namespace samara::server {

class AuthoritativeWorker {
 public:
  using Seed = std::span<const u8, crypto::Drbg::seed_size>;

  // `config`, `settings` and `region` outlive the worker. `cookie_secret` is used when the configuration has none; it is the
  // same in all workers, so that each accepts what the others gave.
  AuthoritativeWorker(const ServiceConfig& config, const ZoneSettings& settings, const ServerCookies::Secret& cookie_secret,
                      Seed seed, Bytes region, u32 max_streams);
  AuthoritativeWorker(const AuthoritativeWorker&) = delete;
  AuthoritativeWorker& operator=(const AuthoritativeWorker&) = delete;

  // Serve the zone set at `root` of the region from now on; `generation` is the number it was published under.
  void use_zones(zone::Ref root, u64 generation) {
    zones_.emplace(memory_, root);
    generation_ = generation;
  }
  // The oldest generation that is still read. Answers are complete when they are composed; transfers go on.
  u64 oldest_generation() const { return transfers_.oldest_generation(generation_); }

  void on_turn(Instant now, UnixTime wall) {
    now_ = now;
    wall_ = wall;
  }
  size_t on_datagram(Instant now, const runtime::Datagram& datagram);
  std::optional<runtime::StreamId> stream_in_the_way(Instant now, const Endpoint& peer, bool full) const {
    return sessions_.in_the_way(now, peer, full);
  }
  bool on_stream_open(Instant now, runtime::StreamId id, const Endpoint& peer, const Endpoint& local);
  MutableBytes stream_input_space(runtime::StreamId id) { return sessions_.input_space(id); }
  void on_stream_input(Instant now, runtime::StreamId id, size_t count);
  Bytes stream_output(runtime::StreamId id) { return sessions_.output(id); }
  void on_stream_output_sent(Instant now, runtime::StreamId id, size_t count);
  bool stream_finished(runtime::StreamId id) { return sessions_.finished(id); }
  void on_stream_end(Instant now, runtime::StreamId id);
  void on_stream_closed(Instant now, runtime::StreamId id);
  std::optional<runtime::StreamId> poll_stream_abort() { return sessions_.poll_abort(); }
  Instant next_deadline() const {
    if (!notify_agent_.has_value()) [[likely]]
      return sessions_.next_deadline();
    return told_of_start_ || !zones_.has_value() ? std::min(sessions_.next_deadline(), notify_agent_->next_deadline())
                                                 : Instant();
  }
  void on_deadline(Instant now) { sessions_.on_deadline(now); }
  // A configured cookie secret stays: other servers have it too.
  [[gnu::cold]] void renew_secrets();

 protected:
  static constexpr size_t max_message = 65535;

  // One request on its way through the frontend.
  struct Request {
    const Endpoint& peer;
    Bytes packet;
    const dns::Query& query;
    AnswerRules rules;
    CookieVerdict cookie = CookieVerdict::absent;
    std::optional<u16> key;                   // the TSIG key it was verified with, as an index into the configuration's
    std::optional<runtime::StreamId> stream;  // absent: a datagram
    const Endpoint* local = nullptr;          // of a datagram
    const dns::TsigServer* tsig = nullptr;    // with a key
    // True when the sender has shown that it has the address it came from: anybody can send one datagram from anywhere.
    bool address_shown() const { return stream.has_value() || cookie == CookieVerdict::good; }
  };
  virtual ~AuthoritativeWorker() = default;

  // The role answers, or defers its answer.
  virtual Answer notified(const Request& request, MutableBytes reply) = 0;
  virtual Answer update(const Request& request, MutableBytes reply) = 0;
  // True when another server is to verify an UPDATE that is signed with a key unknown here (RFC 8945 section 5.5).
  virtual bool passes_on(const Request& /*request*/) const { return false; }
  // True when the client may ask what the zones say.
  bool may_ask(const Request& request) const { return query_access_.allows(request.peer.address, request.key); }
  // To a change that only its address would allow, and that does not show to be the sender's: with a client's cookie
  // BADCOOKIE and a good one to use, without one TCP. Never NOERROR, which some would take for "done".
  static Answer ask_for_address(const Request& request, MutableBytes reply);
  // A line for the log: who asked for what ("AXFR", "update") in which zone, and why it is refused. Costs nothing where nothing
  // is.
  [[gnu::cold]] void log_refusal(const Request& request, std::string_view what, std::string_view why);
  // The request at hand is answered later.
  Answer put_off() {
    put_off_ = true;
    return {};
  }
  // The answer to one that was put off and came by a stream. An empty message drops the stream.
  void answer_late(Instant now, runtime::StreamId stream, Bytes message) {
    sessions_.answer(now, stream, message);
    answer_waiting(now, stream);
  }
  MutableBytes room_for_answer() { return *reply_; }

  // This worker sends the NOTIFYs. Once, in the constructor.
  void send_notifies(std::vector<dns::Name> catalogs);
  void on_zones_changed(Instant now, Bytes message);
  void on_notify_answer(const Endpoint& peer, Bytes payload) {
    if (notify_agent_.has_value() && zones_.has_value()) notify_agent_->on_datagram(wall_, *zones_, peer, payload);
  }
  // As runtime::ClientApplication::poll_message: what the loader is to know of transfers.
  size_t poll_transfer_note(MutableBytes room);
  // A message of the kinds held and end_transfer.
  void on_transfer_note(Bytes message);
  // As runtime::ClientApplication::poll_datagram.
  size_t poll_notify(Instant now, runtime::OutgoingDatagram& out);

  const std::optional<zone::ZoneSet>& zones() const { return zones_; }
  const dns::TsigKeyring& keys() const { return keys_; }
  Rng& rng() { return rng_; }
  Instant now() const { return now_; }
  UnixTime wall() const { return wall_; }

 private:
  size_t respond(const Endpoint& peer, const Endpoint* local, std::optional<runtime::StreamId> stream, Bytes packet,
                 MutableBytes reply);
  [[gnu::cold]] size_t respond_signed(Request& request, MutableBytes reply);
  std::optional<u32> expire_of(const dns::Query& query, Bytes packet) const;
  size_t admit(const Request& request, MutableBytes reply);
  Answer answer(const Request& request, MutableBytes reply);
  [[gnu::cold]] Answer transfer(const Request& request, MutableBytes reply);
  bool may_transfer(const Request& request) const;
  static Answer transfer_at_once(const Request& request, const TransferPlan& plan, MutableBytes reply);
  // Returns the size of what is sent of an answer, which is another one when too many like it were sent.
  size_t limit(const Request& request, const Answer& answer, MutableBytes reply) {
    return is_limited(request) ? within_rate(request, answer, reply) : answer.size;
  }
  // Errors may be aimed at a victim as well as data. Only a good cookie shows that the address is the client's own; a key does
  // not, because a signed request can be sent again from anywhere while its time lasts.
  bool is_limited(const Request& request) const {
    return limiter_.has_value() && request.rules.transport == Transport::udp && request.cookie != CookieVerdict::good &&
           !put_off_;
  }
  [[gnu::noinline]] size_t within_rate(const Request& request, const Answer& answer, MutableBytes reply);
  RateVerdict rate(const IpAddress& client, const dns::Query& query, Bytes packet, const Answer& answer);
  void answer_waiting(Instant now, runtime::StreamId id);
  void go_on_with_transfer(Instant now, runtime::StreamId id);

  const ServiceConfig& config_;
  const ZoneSettings& settings_;
  zone::MemoryView memory_;
  crypto::Drbg rng_;
  std::optional<zone::ZoneSet> zones_;
  u64 generation_ = 0;
  AccessTable query_access_;
  AccessTable transfer_access_;
  dns::TsigKeyring keys_;
  ServerCookies cookies_;
  std::optional<RateLimiter> limiter_;
  TcpSessions sessions_;
  OutgoingTransfers transfers_;
  std::unique_ptr<std::array<u8, max_message>> reply_;  // one answer by TCP
  RefusalLog refusals_;
  bool put_off_ = false;
  std::optional<NotifyAgent> notify_agent_;
  bool told_of_start_ = false;  // the agent has been
  Instant now_;
  UnixTime wall_;
};

static_assert(runtime::Application<AuthoritativeWorker>);

}  // namespace samara::server
