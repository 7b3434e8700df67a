// UpdatingWorker: a worker that puts UPDATEs off until its loader has an outcome for them (pending_updates.h): a primary's,
// which decides itself, or a secondary's, which passes them on to a primary. The role says who may, and what goes to the
// loader.
#pragma once

#include "server/authoritative_worker.h"
#include "server/pending_updates.h"

namespace samara::server {

class UpdatingWorker : public AuthoritativeWorker {
 public:
  using AuthoritativeWorker::AuthoritativeWorker;

  void on_stream_closed(Instant now, runtime::StreamId id) {
    if (updates_.has_value()) updates_->forget_stream(id);
    AuthoritativeWorker::on_stream_closed(now, id);
  }

 protected:
  // Once, in the constructor; else nothing else here is called.
  void take_updates();
  bool takes_updates() const { return updates_.has_value(); }
  // Puts the request off, of which the loader gets `relayed`; or answers at once: a datagram that has come before, or too much.
  Answer put_off_update(const Request& request, Bytes relayed, MutableBytes reply);
  // As runtime::ClientApplication::poll_message: the next update for the loader.
  size_t poll_update(MutableBytes room) { return updates_.has_value() ? updates_->poll_message(room) : 0; }
  // A message of the kind update_done.
  void on_update_done(Instant now, Bytes message);
  // As runtime::ClientApplication::poll_datagram: the next answer that comes late.
  size_t poll_late_answer(runtime::OutgoingDatagram& out);

 private:
  bool add_update(const Request& request, Bytes relayed);
  Bytes late_answer(PendingUpdates::Answer& answer, MutableBytes reply) const;

  std::optional<PendingUpdates> updates_;
};

}  // namespace samara::server
