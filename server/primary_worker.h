// PrimaryWorker: one worker of the primary. To what every authoritative worker does it adds UPDATE: these go to the loader,
// which owns the zones, and are answered when it has decided (pending_updates.h).
#pragma once

#include "server/config/primary_config.h"
#include "server/reloaded_settings.h"
#include "server/update_access.h"
#include "server/updating_worker.h"

namespace samara::server {

class PrimaryWorker : public UpdatingWorker {
 public:
  // As AuthoritativeWorker. `agent`: it sends the NOTIFYs.
  PrimaryWorker(const PrimaryConfig& config, const ServerCookies::Secret& cookie_secret, Seed seed, Bytes region,
                u32 max_streams, bool agent = false);

  // As a ClientApplication; it opens no streams.
  void on_client_datagram(Instant, const Endpoint& peer, Bytes payload) { on_notify_answer(peer, payload); }
  void on_stream_connected(Instant, runtime::StreamId) {}
  void on_message(Instant now, Bytes message);
  std::optional<runtime::Connect> poll_connect() { return std::nullopt; }
  size_t poll_datagram(Instant now, runtime::OutgoingDatagram& out);
  size_t poll_message(MutableBytes room) {
    const size_t size = poll_update(room);
    return size != 0 ? size : poll_transfer_note(room);
  }

 private:
  Answer notified(const Request& request, MutableBytes reply) override;
  Answer update(const Request& request, MutableBytes reply) override;

  const PrimaryConfig& config_;
  OverridesByZone overrides_;
  UpdateAccess update_access_;
  ReloadedSettings<PrimaryConfig> reloaded_{read_primary_config};
  std::optional<PendingUpdates> updates_;  // where anybody may update anything
};

static_assert(runtime::ClientApplication<PrimaryWorker>);

}  // namespace samara::server
