// SecondaryWorker: one worker of a secondary. To what every authoritative worker does it adds NOTIFY in; the first one, the
// agent, also asks the primaries (agent.h) and passes on to secondaries of its own what has changed. An UPDATE is refused, or
// put off while the agent passes it on to the zone's primaries (forward_updates.h), whichever worker it came to:
//
//   worker ─ loader ─ agent ─ primary ─ agent ─ loader ─ worker
#pragma once

#include "secondary/agent.h"
#include "secondary/followed_zones.h"
#include "secondary/notify_in.h"
#include "server/reloaded_settings.h"
#include "server/updating_worker.h"

namespace samara::secondary {

// NOTIFYs that wait for the loader, in a worker that is not the agent; each zone once. Beyond that they are dropped: the zone's
// refresh time comes anyway.
constexpr size_t max_waiting_notifies = 256;

// The agent makes so many connections to pass updates on.
inline u32 forward_streams_of(const server::SecondaryConfig& config) {
  return config.forwards_any_updates() ? forward_streams : 0;
}

class SecondaryWorker : public server::UpdatingWorker {
 public:
  // As AuthoritativeWorker; `client_streams`: the transfers at a time and forward_streams_of(config), and that it is the agent.
  // 0: it is not.
  SecondaryWorker(const server::SecondaryConfig& config, const server::ServerCookies::Secret& cookie_secret, Seed seed,
                  Bytes region, u32 max_streams, u32 client_streams);

  // Streams are the difference from other workers: one is a client's or the agent's.
  void on_turn(Instant now, UnixTime wall) {
    UpdatingWorker::on_turn(now, wall);
    if (agent_.has_value()) agent_->on_turn(now, wall);
  }
  MutableBytes stream_input_space(runtime::StreamId id) {
    return is_agents(id) ? agent_->stream_input_space(id) : UpdatingWorker::stream_input_space(id);
  }
  void on_stream_input(Instant now, runtime::StreamId id, size_t count) {
    is_agents(id) ? agent_->on_stream_input(now, id, count) : UpdatingWorker::on_stream_input(now, id, count);
  }
  Bytes stream_output(runtime::StreamId id) {
    return is_agents(id) ? agent_->stream_output(id) : UpdatingWorker::stream_output(id);
  }
  void on_stream_output_sent(Instant now, runtime::StreamId id, size_t count) {
    is_agents(id) ? agent_->on_stream_output_sent(now, id, count) : UpdatingWorker::on_stream_output_sent(now, id, count);
  }
  bool stream_finished(runtime::StreamId id) {
    return is_agents(id) ? agent_->stream_finished(id) : UpdatingWorker::stream_finished(id);
  }
  void on_stream_end(Instant now, runtime::StreamId id) {
    is_agents(id) ? agent_->on_stream_end(now, id) : UpdatingWorker::on_stream_end(now, id);
  }
  void on_stream_closed(Instant now, runtime::StreamId id) {
    is_agents(id) ? agent_->on_stream_closed(now, id) : UpdatingWorker::on_stream_closed(now, id);
  }
  std::optional<runtime::StreamId> poll_stream_abort() {
    const auto id = UpdatingWorker::poll_stream_abort();
    return id.has_value() || !agent_.has_value() ? id : agent_->poll_stream_abort();
  }
  Instant next_deadline() const {
    const Instant next = UpdatingWorker::next_deadline();
    return agent_.has_value() ? std::min(next, agent_->next_deadline()) : next;
  }
  void on_deadline(Instant now) {
    UpdatingWorker::on_deadline(now);
    if (agent_.has_value()) agent_->on_deadline(now);
  }

  // As a ClientApplication.
  void on_client_datagram(Instant now, const Endpoint& peer, Bytes payload);
  void on_stream_connected(Instant now, runtime::StreamId id) { agent_->on_stream_connected(now, id); }
  std::optional<runtime::Connect> poll_connect() { return agent_.has_value() ? agent_->poll_connect() : std::nullopt; }
  size_t poll_datagram(Instant now, runtime::OutgoingDatagram& out);
  size_t poll_message(MutableBytes room);
  void on_message(Instant now, Bytes message);

 private:
  server::Answer notified(const Request& request, MutableBytes reply) override;
  server::Answer update(const Request& request, MutableBytes reply) override;
  bool is_agents(runtime::StreamId id) const { return agent_.has_value() && agent_->owns(id); }
  bool passes_on(const Request& request) const override;
  std::optional<FollowedZones::Followed> zone_asked(const Request& request) const;
  bool may_pass_on(const Request& request, bool address_shown) const;
  void pass_on(Instant now, Bytes message);
  size_t poll_forward_outcome(MutableBytes room);
  NotifyVerdict judge(const dns::Name& zone, const Request& request) const;
  void take_notify(const NotifyMessage& notify, const IpAddress& sender);
  void add_group(const std::vector<PrimaryPeer>& members);

  const server::SecondaryConfig& config_;
  FollowedZones settings_;
  server::ReloadedSettings<server::SecondaryConfig> reloaded_{server::read_secondary_config};
  Primaries primaries_;  // in the agent
  std::optional<SecondaryAgent> agent_;
  std::vector<AgentMessage> notifies_;  // for the loader
};

static_assert(runtime::ClientApplication<SecondaryWorker>);

}  // namespace samara::secondary
