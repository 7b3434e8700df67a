// SecondaryAgent: the part of a secondary that speaks first. It asks primaries for serials, makes transfers in, and hands what
// comes to the loader; answers are not its business. It is what a worker's ClientApplication (platform/runtime/application.h)
// does with client ports, client streams and messages, function by function, and keeps that contract:
//
//   primaries ─ datagrams ─ RefreshTable ─ starts ─ TransferIn ─ batches ─ loader ─ installed or rejected ─ RefreshTable
//   updates ─ loader ─ UpdateForwarder ─ outcomes ─ loader ─ the worker that has the requester
//
// Only worker 0 has one. Primaries and keys outlive it.
// Capacities: RefreshLimits; as many transfers as client streams, 64 KiB each while they go on. A batch is taken from a
// transfer only when the loader has room for it, so that a slow loader slows the primary down.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "platform/runtime/application.h"
#include "secondary/agent_messages.h"
#include "secondary/forward_updates.h"
#include "secondary/refresh.h"
#include "secondary/transfer_in.h"

namespace samara::secondary {

struct AgentLimits {
  RefreshLimits refresh;
  TransferLimits transfer;
  runtime::StreamId first_stream = 0;  // the ids of its streams: from here on …
  u32 streams = 10;                    // … this many for transfers …
  u32 forward_streams = 0;             // … and this many to pass updates on; 0: it does not
};

// A transfer brings so many in some seconds at least.
constexpr u64 records_between_lines = 1'000'000;

class SecondaryAgent {
 public:
  SecondaryAgent(Primaries& primaries, const AgentLimits& limits, Rng& rng);
  SecondaryAgent(const SecondaryAgent&) = delete;
  SecondaryAgent& operator=(const SecondaryAgent&) = delete;

  void on_turn(Instant now, UnixTime wall) {
    now_ = now;
    wall_ = wall;
  }
  const RefreshTable& table() const { return table_; }
  // A NOTIFY to this worker that was found to be allowed.
  void on_notify(const dns::Name& zone, const IpAddress& sender, std::optional<dns::Serial> serial);

  bool owns(runtime::StreamId id) const {
    return id >= limits_.first_stream && id - limits_.first_stream < slots_.size() + forwarder_.streams();
  }
  // An update that is to be passed on to the zone's primaries, and the next that became of one.
  void on_update(Instant now, const UpdateToForward& update) { forwarder_.add(now, update); }
  std::optional<ForwardOutcome> poll_forward_outcome();
  const ForwardCounters& forward_counters() const { return forwarder_.counters(); }
  void on_client_datagram(Instant now, const Endpoint& peer, Bytes payload);
  size_t poll_datagram(Instant now, runtime::OutgoingDatagram& out);
  std::optional<runtime::Connect> poll_connect();
  void on_stream_connected(Instant now, runtime::StreamId id);
  MutableBytes stream_input_space(runtime::StreamId id);
  void on_stream_input(Instant now, runtime::StreamId id, size_t count);
  Bytes stream_output(runtime::StreamId id);
  void on_stream_output_sent(Instant now, runtime::StreamId id, size_t count);
  bool stream_finished(runtime::StreamId id);
  void on_stream_end(Instant now, runtime::StreamId id);
  void on_stream_closed(Instant now, runtime::StreamId id);
  std::optional<runtime::StreamId> poll_stream_abort();
  size_t poll_message(MutableBytes room);
  void on_message(Instant now, Bytes message);
  Instant next_deadline() const;
  void on_deadline(Instant now);

 private:
  // One transfer: from poll_connect() until its stream is closed, its end is told and the loader knows.
  struct Slot {
    bool used = false;
    bool stream_open = false;
    bool connected = false;
    bool abort = false;     // the stream is to be dropped
    bool begun = false;     // the loader has a batch of it
    bool awaited = false;   // all batches are with the loader, which decides
    bool settled = false;   // the table knows what became of it
    bool drop_due = false;  // the loader is to be told that no more will come
    u32 number = 0;
    u32 following = 0;
    Instant begin;
    u64 next_line = records_between_lines;  // records at which the log says how far it is
    StartTransfer start;
    std::unique_ptr<TransferIn> transfer;
  };

  // A stream's place, beyond those of transfers.
  std::optional<u32> forward_of(runtime::StreamId id) const {
    const size_t place = id - limits_.first_stream;
    return place < slots_.size() ? std::nullopt : std::optional(static_cast<u32>(place - slots_.size()));
  }
  Slot& slot_of(runtime::StreamId id) { return slots_[id - limits_.first_stream]; }
  void settle(Slot& slot, const TransferResult& result);
  void settle_if_failed(Slot& slot);
  void release_if_done(Slot& slot);
  size_t next_batch(Slot& slot, MutableBytes room);
  void on_verdict(const AgentMessage& message);
  void follow(const AgentMessage& message);
  void unfollow(const dns::Name& zone);
  static void tell_failure(const Slot& slot);
  void tell_success(const Slot& slot) const;
  void tell_progress(Slot& slot) const;

  AgentLimits limits_;
  RefreshTable table_;
  std::vector<u32> followings_;  // by ZoneId::index
  std::vector<Slot> slots_;
  UpdateForwarder forwarder_;
  u32 last_number_ = 0;
  // A batch was taken, so that its stream may have room for input again, or a transfer is over, so that there is a stream to
  // drop or to open: what the loop looks at in its next turn.
  bool look_again_ = false;
  Instant now_;
  UnixTime wall_;
};

}  // namespace samara::secondary
