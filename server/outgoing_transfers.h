// OutgoingTransfers: the transfers that run on a worker's streams, how many there may be, in all and for one client, and what
// they keep from being given back: the generation they began in, until the loader has taken note of the zone they read, and
// from then on that zone alone. Most are over before there is another generation, and the loader never hears of them.
//
// Order of calls for a stream: start(), when it gives a transfer; of() while it runs; end() once, when it is done or the stream
// closed (calling it for a stream without a transfer does nothing). poll_note() at any time, on_held() with the answers.
#pragma once

#include <optional>
#include <vector>

#include "platform/base/time.h"
#include "server/loader_messages.h"
#include "server/transfer_out.h"

namespace samara::server {

class OutgoingTransfers {
 public:
  struct Limits {
    u32 transfers = 64;
    u32 per_client = 8;
  };
  // However fast its client is: what it reads cannot be given back meanwhile. BIND ends a transfer after as long
  // (max-transfer-time-out).
  static constexpr Duration longest = Duration::seconds(2 * 3600);

  // `streams`: their ids are below.
  OutgoingTransfers(const Limits& limits, u32 streams);

  // A transfer of `zone` for a stream that has none; `client` tells clients apart. Returns nothing when a limit is reached.
  TransferOut* start(Instant now, u32 stream, u64 client, u64 generation, const dns::Name& zone);
  // The transfer of a stream; nothing when it has none, or none any more because it took too long.
  TransferOut* of(Instant now, u32 stream);
  bool runs(u32 stream) const { return slot_of_[stream] != no_slot; }
  void end(u32 stream);
  u32 running() const { return running_; }
  // The oldest generation that one of them keeps; `current` when none keeps an older one.
  u64 oldest_generation(u64 current) const;

  // Returns what the loader has to know: about a transfer that reads an older generation than `current`, or that held a zone
  // and is over.
  std::optional<TransferNote> poll_note(u64 current);
  // The loader keeps the zone of this one.
  void on_held(u32 tag);
  // The stream of the transfer with this tag; nothing when it is over.
  std::optional<u32> stream_of(u32 tag) const;

 private:
  static constexpr u16 no_slot = 0xffff;
  struct Slot {
    enum class Keeps : u8 { generation, asked, zone, over };
    bool running = false;
    Keeps keeps = Keeps::generation;  // `asked` keeps the generation as well; `over`: the loader is to be told
    u16 turn = 0;                     // of the slot: makes tags of earlier uses void
    u32 stream = 0;
    u64 client = 0;
    u64 generation = 0;
    Instant started;
    dns::Name zone;
  };
  u32 tag_of(size_t slot) const { return u32{slots_[slot].turn} << 16 | static_cast<u32>(slot); }
  static bool is_free(const Slot& slot) { return !slot.running && slot.keeps != Slot::Keeps::over; }

  Limits limits_;
  u32 running_ = 0;
  bool notes_ = false;        // some slot may have one
  std::vector<u16> slot_of_;  // by stream
  std::vector<Slot> slots_;
  std::vector<TransferOut> transfers_;  // by slot
};

}  // namespace samara::server
