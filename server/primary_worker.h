// PrimaryWorker: what one worker of the primary does with what comes in: admit, answer, limit. It is the Application of
// platform/runtime for datagrams and streams alike, takes all its memory when it is made and none afterwards.
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
#include "server/outgoing_transfers.h"
#include "server/query.h"

namespace samara::server {

class PrimaryWorker {
 public:
  // `config` and `region` outlive the worker. `cookie_secret` is used when the configuration has none; it is the same in all
  // workers, so that each accepts what the others gave.
  PrimaryWorker(const PrimaryConfig& config, const ServerCookies::Secret& cookie_secret,
                std::span<const u8, crypto::Drbg::seed_size> seed, Bytes region, u32 max_streams);
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
  Instant next_deadline() const { return sessions_.next_deadline(); }
  void on_deadline(Instant now) { sessions_.on_deadline(now); }

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
  };

  size_t respond(const Endpoint& peer, std::optional<runtime::StreamId> stream, Bytes packet, MutableBytes reply);
  size_t respond_signed(Request& request, MutableBytes reply);
  size_t admit(const Request& request, MutableBytes reply);
  Answer answer(const Request& request, MutableBytes reply);
  Answer transfer(const Request& request, MutableBytes reply);
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
  Instant now_;
  UnixTime wall_;
};

static_assert(runtime::Application<PrimaryWorker>);

}  // namespace samara::server
