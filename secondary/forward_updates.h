// UpdateForwarder: passes UPDATEs on to the primaries of their zones (RFC 2136 section 6), each by a TCP connection of its own,
// whatever way it came (section 6.3), and brings back what the primary answers:
//
//   add() ─ waiting ─ connecting, asking ─┬─ answered ───────────────────────────────────── outcome: the primary's words
//              ▴                          └─ out of reach, silent, of no use ─ next primary
//              └── once more those out of reach, after a pause ◂── none left ┘ ─ time over ─ outcome: why not
//
// A message goes on as it came but for an id of our own, and its answer back with the requester's id. TSIG allows that (RFC
// 8945 section 5.1: Original ID), so that requester and primary share the key and the right, whoever is between them; keys of
// our own sign nothing, even where we know the requester's. That is what BIND and Knot DNS do too. RFC 8945 section 5.5 has a
// forwarder that knows the key sign anew; the primary would then take our word for who asks. SERVFAIL, NOTIMP (RFC 2136
// section 4.5) and NOTAUTH are words of a primary that is of no use; they go back only when no other has better ones. An answer
// that does not come may be lost behind a change that was made: who needs to know says so with a prerequisite.
//
// Order of calls: add(), the stream's on_*, on_deadline(); after each poll_connect(), poll_abort() and poll_outcome(), until
// they yield nothing. A slot that poll_connect() named is a stream until on_closed(). `now` never goes back. The primaries
// outlive this; so may their health change (refresh.h): who fails is asked last.
// Capacities: max_forwards updates of max_forward_octets together, max_forwards_per_client of one address; one message of 64
// KiB for each of the streams.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "secondary/primaries.h"

namespace samara::secondary {

// Connections at a time, and to one primary, so that one that is silent leaves some to the others.
constexpr u32 forward_streams = 16;
constexpr u32 forward_streams_per_primary = 8;
// Updates that wait or are under way; a few thousand a second pass through a network nearby.
constexpr size_t max_forwards = 256;
constexpr size_t max_forwards_per_client = 64;
constexpr size_t max_forward_octets = size_t{1} << 20;
// In all: nsupdate gives up after 12 seconds by UDP, and is to hear of the failure before.
constexpr Duration forward_limit = Duration::seconds(10);
// For a primary while there is another to ask.
constexpr Duration forward_primary_limit = Duration::seconds(4);
// A primary that is starting again.
constexpr Duration forward_pause = Duration::seconds(1);
// A message to the loader has room for so much beside its head (server/loader_messages.h).
constexpr size_t max_forward_response = 65'000;

struct UpdateToForward {
  u16 worker = 0;  // whose it is, and …
  u32 tag = 0;     // … what that calls it
  Endpoint client;
  dns::Name zone;
  std::optional<Primaries::Group> group;  // of the zone; nothing: it has just gone
  Bytes message = {};                     // a request that can be read; copied
};

struct ForwardOutcome {
  u16 worker = 0;
  u32 tag = 0;
  Endpoint client;
  dns::Name zone;
  std::vector<u8> response = {};  // the primary's, with the requester's id; empty: `reason` says why there is none
  Endpoint primary = {};          // with a response
  dns::Rcode rcode{};             // with a response
  std::string_view reason = {};   // at most 60 characters
  Duration took = {};
};

// A primary that was of no use for an update.
struct ForwardFailure {
  Endpoint primary;
  std::string_view reason;
};

struct ForwardCounters {
  u64 taken = 0;        // updates that came
  u64 answered = 0;     // by a primary, whatever it said
  u64 failed = 0;       // no primary answered
  u64 turned_away = 0;  // there was no room
  u64 primaries_of_no_use = 0;
};

class UpdateForwarder {
 public:
  struct Connect {
    u32 slot = 0;
    Endpoint peer;
  };

  UpdateForwarder(const Primaries& primaries, u32 streams, Rng& rng);
  UpdateForwarder(const UpdateForwarder&) = delete;
  UpdateForwarder& operator=(const UpdateForwarder&) = delete;

  const ForwardCounters& counters() const { return counters_; }
  u32 streams() const { return static_cast<u32>(slots_.size()); }
  size_t pending() const;

  void add(Instant now, const UpdateToForward& update);
  std::optional<Connect> poll_connect(Instant now);
  void on_connected(u32 slot) { slots_[slot].connected = true; }
  MutableBytes input_space(u32 slot);
  void on_input(Instant now, u32 slot, size_t count);
  Bytes output(u32 slot) const;
  void on_sent(u32 slot, size_t count) { slots_[slot].sent += count; }
  // True once nothing more is wanted of the stream.
  bool finished(u32 slot) const { return !slots_[slot].update.has_value(); }
  void on_end(Instant now, u32 slot);
  void on_closed(Instant now, u32 slot);
  std::optional<u32> poll_abort();
  std::optional<ForwardOutcome> poll_outcome();
  // For the log.
  std::optional<ForwardFailure> poll_failure();
  Instant next_deadline() const;
  void on_deadline(Instant now);

 private:
  struct Update {
    enum class State : u8 { unused, waiting, asking, decided };
    State state = State::unused;
    bool again = false;  // asks those once more that were out of reach
    u8 place = 0;        // in the group, of the primary being asked
    u64 tried = 0;       // by place
    u64 out_of_reach = 0;
    u64 order = 0;  // of coming
    Instant came;
    Instant due;  // waiting: not before; asking: the primary's time is over
    Primaries::Group group = 0;
    std::vector<u8> message;  // as it came
    std::string_view reason;
    ForwardOutcome outcome;  // with a response, perhaps, that is used when there is no better one
  };
  struct Slot {
    bool open = false;
    bool connected = false;
    bool abort = false;
    std::optional<u16> update;  // nothing: its stream is only to be closed
    Primaries::Index primary = 0;
    size_t sent = 0;
    std::array<u8, 2> length{};
    size_t received = 0;  // the length's octets included
    std::vector<u8> message;
    dns::MessageId id;
    std::vector<u8> framed;  // what is sent: the message with our id, its length in front
  };

  Instant end_of(const Update& update) const { return update.came + forward_limit; }
  std::optional<u16> room_for(const UpdateToForward& update) const;
  std::optional<u16> next_waiting(Instant now) const;
  bool has_idle_slot() const { return std::ranges::find(slots_, false, &Slot::open) != slots_.end(); }
  bool may_connect(const Update& update) const;
  void connect(Instant now, u16 index, u32 slot);
  void leave(u32 slot, bool abort);
  void on_response(Instant now, u32 slot);
  void primary_failed(Instant now, u32 slot, std::string_view reason, bool out_of_reach);
  void ask_next(Instant now, u16 index);
  void decide(Instant now, u16 index);

  const Primaries& primaries_;
  Rng& rng_;
  std::vector<Update> updates_;
  std::vector<Slot> slots_;
  std::vector<u16> decided_;
  std::vector<ForwardOutcome> turned_away_;  // no more than the workers may have put off (server/pending_updates.h)
  std::vector<ForwardFailure> failures_;
  size_t octets_ = 0;
  u64 last_order_ = 0;
  ForwardCounters counters_;
};

}  // namespace samara::secondary
