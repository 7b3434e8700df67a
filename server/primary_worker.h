// PrimaryWorker: one worker of the primary. To what every authoritative worker does it adds UPDATE: these go to the loader,
// which owns the zones, and are answered when it has decided (pending_updates.h).
#pragma once

#include "server/authoritative_worker.h"
#include "server/config/primary_config.h"
#include "server/pending_updates.h"
#include "server/update_access.h"

namespace samara::server {

class PrimaryWorker : public AuthoritativeWorker {
 public:
  // As AuthoritativeWorker. `agent`: it sends the NOTIFYs.
  PrimaryWorker(const PrimaryConfig& config, const ServerCookies::Secret& cookie_secret, Seed seed, Bytes region,
                u32 max_streams, bool agent = false);

  void on_stream_closed(Instant now, runtime::StreamId id) {
    if (updates_.has_value()) updates_->forget_stream(id);
    AuthoritativeWorker::on_stream_closed(now, id);
  }

  // As a ClientApplication; it opens no streams.
  void on_client_datagram(Instant, const Endpoint& peer, Bytes payload) { on_notify_answer(peer, payload); }
  void on_stream_connected(Instant, runtime::StreamId) {}
  void on_message(Instant now, Bytes message);
  std::optional<runtime::Connect> poll_connect() { return std::nullopt; }
  size_t poll_datagram(Instant now, runtime::OutgoingDatagram& out);
  size_t poll_message(MutableBytes room) { return updates_.has_value() ? updates_->poll_message(room) : 0; }

 private:
  Answer notified(const Request& request, MutableBytes reply) override;
  Answer update(const Request& request, MutableBytes reply) override;
  bool relay(const Request& request);
  void answer_updates(Instant now);
  Bytes late_answer(PendingUpdates::Answer& answer, MutableBytes reply) const;

  const PrimaryConfig& config_;
  OverridesByZone overrides_;
  UpdateAccess update_access_;
  std::optional<PendingUpdates> updates_;  // where anybody may update anything
};

static_assert(runtime::ClientApplication<PrimaryWorker>);

}  // namespace samara::server
