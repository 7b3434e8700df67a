// OutgoingTransfers: the transfers that run on a worker's streams, how many there may be, in all and for one client, and which
// generation of the zones they still read.
//
// Order of calls for a stream: start(), when it gives a transfer; of() while it runs; end() once, when it is done or the stream
// closed (calling it for a stream without a transfer does nothing).
#pragma once

#include <optional>
#include <vector>

#include "platform/base/time.h"
#include "server/transfer_out.h"

namespace samara::server {

class OutgoingTransfers {
 public:
  struct Limits {
    u32 transfers = 64;
    u32 per_client = 8;
  };
  // However fast its client is: what it reads cannot be given back meanwhile, nor anything newer. BIND ends a transfer after as
  // long (max-transfer-time-out).
  static constexpr Duration longest = Duration::seconds(2 * 3600);

  // `streams`: their ids are below.
  OutgoingTransfers(const Limits& limits, u32 streams);

  // A transfer for a stream that has none; `client` tells clients apart. Nothing: a limit is reached.
  TransferOut* start(Instant now, u32 stream, u64 client, u64 generation);
  // The transfer of a stream; nothing when it has none, or none any more because it took too long.
  TransferOut* of(Instant now, u32 stream);
  bool runs(u32 stream) const { return slot_of_[stream] != no_slot; }
  void end(u32 stream);
  u32 running() const { return running_; }
  // The oldest generation that one of them reads; `current` when none reads an older one.
  u64 oldest_generation(u64 current) const;

 private:
  static constexpr u16 no_slot = 0xffff;
  struct Slot {
    bool running = false;
    u64 client = 0;
    u64 generation = 0;
    Instant started;
  };

  Limits limits_;
  u32 running_ = 0;
  std::vector<u16> slot_of_;  // by stream
  std::vector<Slot> slots_;
  std::vector<TransferOut> transfers_;  // by slot
};

}  // namespace samara::server
