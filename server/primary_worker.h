// PrimaryWorker: what one worker of the primary does with what comes in: admit, answer, limit. It is the Application of
// platform/runtime for datagrams and streams alike, takes all its memory when it is made and none afterwards. Updates go to the
// loader, which owns the zones, and are answered when it has decided (pending_updates.h). One worker, the agent, also sends
// NOTIFYs (notify_agent.h).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "dns-core/tsig/server.h"
#include "platform/crypto/drbg.h"
#include "platform/runtime/application.h"
#include "server/config/primary_config.h"
#include "server/frontend/access.h"
#include "server/frontend/cookies.h"
#include "server/frontend/rate_limit.h"
#include "server/frontend/tcp_sessions.h"
#include "server/notify_agent.h"
#include "server/outgoing_transfers.h"
#include "server/pending_updates.h"
#include "server/query.h"
#include "server/update_access.h"

namespace samara::server {

class PrimaryWorker {
 public:
  // `config` and `region` outlive the worker. `cookie_secret` is used when the configuration has none; it is the same in all
  // workers, so that each accepts what the others gave. `agent`: it sends the NOTIFYs.
  PrimaryWorker(const PrimaryConfig& config, const ServerCookies::Secret& cookie_secret,
                std::span<const u8, crypto::Drbg::seed_size> seed, Bytes region, u32 max_streams, bool agent = false);
  PrimaryWorker(const PrimaryWorker&) = delete;
  PrimaryWorker& operator=(const PrimaryWorker&) = delete;

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
    if (!agent_.has_value()) [[likely]]
      return sessions_.next_deadline();
    return told_of_start_ || !zones_.has_value() ? std::min(sessions_.next_deadline(), agent_->next_deadline()) : Instant();
  }
  void on_deadline(Instant now) { sessions_.on_deadline(now); }

  // As a ClientApplication; it opens no streams.
  void on_client_datagram(Instant, const Endpoint& peer, Bytes payload) {
    if (agent_.has_value() && zones_.has_value()) agent_->on_datagram(wall_, *zones_, peer, payload);
  }
  void on_stream_connected(Instant, runtime::StreamId) {}
  void on_message(Instant now, Bytes message);
  std::optional<runtime::Connect> poll_connect() { return std::nullopt; }
  size_t poll_datagram(Instant now, runtime::OutgoingDatagram& out);
  size_t poll_message(MutableBytes room) { return updates_.has_value() ? updates_->poll_message(room) : 0; }

 private:
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
  };
  size_t respond(const Endpoint& peer, const Endpoint* local, std::optional<runtime::StreamId> stream, Bytes packet,
                 MutableBytes reply);
  size_t respond_signed(Request& request, MutableBytes reply);
  size_t admit(const Request& request, MutableBytes reply);
  Answer answer(const Request& request, MutableBytes reply);
  Answer transfer(const Request& request, MutableBytes reply);
  Answer notified(const Request& request, MutableBytes reply) const;
  Answer update(const Request& request, MutableBytes reply);
  bool relay(const Request& request);
  void answer_updates(Instant now);
  Bytes late_answer(PendingUpdates::Answer& answer, MutableBytes reply) const;
  static Answer transfer_at_once(const Request& request, const TransferPlan& plan, MutableBytes reply);
  size_t limit(const Request& request, const Answer& answer, MutableBytes reply);
  RateVerdict rate(const IpAddress& client, const dns::Query& query, Bytes packet, const Answer& answer);
  void answer_waiting(Instant now, runtime::StreamId id);
  void go_on_with_transfer(Instant now, runtime::StreamId id);

  const PrimaryConfig& config_;
  zone::MemoryView memory_;
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
  OverridesByZone overrides_;
  UpdateAccess update_access_;
  std::optional<PendingUpdates> updates_;  // where anybody may update anything
  bool put_off_ = false;                   // the request at hand is answered later
  std::optional<NotifyAgent> agent_;
  bool told_of_start_ = false;  // the agent has been
  Instant now_;
  UnixTime wall_;
};

static_assert(runtime::ClientApplication<PrimaryWorker>);

}  // namespace samara::server
