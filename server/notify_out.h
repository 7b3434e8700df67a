// Notifier: tells other servers that zones have changed (RFC 1996). For each zone and peer it sends a NOTIFY with the zone's
// SOA, and again after 2, 4, 8 and 16 seconds, each a little sooner or later, until any response comes; 32 seconds after the
// last it gives up. A newer serial takes the place of the one under way. Changes are told at once, and of a zone that changes
// all the time once a second, with the serial there is then.
//
// A peer that learns of its zones from a catalog (RFC 9432) has to take that first: where peers do, its NOTAUTH is no answer,
// and is told of when the tries are used up.
//
// Input     on_zone_changed(): a zone has a new serial, or is served for the first time
//           on_datagram(): what arrived at a client port; only what answers a NOTIFY of ours counts: by peer, id, opcode,
//           question and, where the peer has a key, its signature
// Output    poll_datagram(): the next NOTIFY, when its time has come; poll_event(): what a person should know
// Getters   next_deadline(): when poll_datagram() is to be asked; for_each_peer()
//
// Not to burst, all NOTIFYs together keep to a rate; those of zones that changed go before first ones of zones at start, which
// are spread over time, and before those sent again. The SOA is read from the zones when it is sent.
//
// Capacities: Limits::pending NOTIFYs under way or waiting; max_notify_peers peers with counters of their own. All memory is
// taken when it is made.
#pragma once

#include <optional>
#include <vector>

#include "dns-core/tsig/client.h"
#include "platform/base/ip_address.h"
#include "platform/base/meter.h"
#include "platform/base/plain_vector.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "zone/zone_set.h"

namespace samara::server {

// Peers that are counted one by one; the rest share a place. More is no setup anybody watches peer by peer.
constexpr size_t max_notify_peers = 256;
// Sent at most so often, in about a minute (RFC 1996 section 3.6).
constexpr unsigned max_notify_tries = 5;
// A few NOTIFYs of changes of one zone go to one peer at once, then one each notify_spacing. Our secondaries look at a zone as
// often (secondary/refresh.h), and a zone that changes all the time is to leave the rate to others.
constexpr Duration notify_spacing = Duration::seconds(1);
constexpr u32 notify_burst = 5;

struct NotifyTarget {
  Endpoint peer;
  const dns::TsigKey* key = nullptr;  // signs it and its response; outlives the Notifier
};

struct NotifyCounters {
  u64 sent = 0;      // each try
  u64 answered = 0;  // with NOERROR
  u64 refused = 0;   // with another code
  u64 given_up = 0;  // no answer to any try
  u64 bad = 0;       // responses whose signature was not right
};

// One peer and one zone, for the log.
struct NotifyEvent {
  enum class Kind : u8 { refused, given_up, bad_signature };
  Kind kind;
  dns::Name zone;
  dns::Serial serial;
  Endpoint peer;
  dns::Rcode rcode = dns::Rcode::NOERROR;  // with refused, and a bad signature that is the peer's view of ours
};
std::string_view describe(NotifyEvent::Kind kind);

class Notifier {
 public:
  enum class Urgency : u8 { change, start };
  struct Limits {
    size_t pending = 4096;
    u32 per_second = 100;       // datagrams; a burst may have half a second's
    u32 start_per_second = 40;  // first ones at start, so that with those sent again they keep below the rate
    bool by_catalogs = false;   // peers may learn of their zones from catalogs
  };

  Notifier(const Limits& limits, Rng& rng);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Octets that it takes.
  static size_t memory(const Limits& limits);

  bool has_room(size_t targets) const { return used_ + targets <= limits_.pending; }
  // No NOTIFY goes before `not_before`. False: there was no room for all targets; what found none is not sent.
  bool on_zone_changed(Instant now, const dns::Name& zone, dns::Serial serial, std::span<const NotifyTarget> targets,
                       Urgency urgency, Instant not_before = {});
  // `zones` are those the NOTIFY was sent from, or later ones.
  void on_datagram(UnixTime wall, const zone::ZoneSet& zones, const Endpoint& peer, Bytes message);
  // Writes a NOTIFY to `message` (at least 1,232 octets) and sets `peer`; 0: none now.
  size_t poll_datagram(Instant now, UnixTime wall, const zone::ZoneSet& zones, Endpoint& peer, MutableBytes message);
  std::optional<NotifyEvent> poll_event();
  Instant next_deadline() const;

  size_t pending() const { return used_ - resting_; }
  // Calls f(const IpAddress*, const NotifyCounters&); for those beyond max_notify_peers once, with nullptr.
  template <class F>
  void for_each_peer(F&& f) const {
    for (const PeerCount& count : peers_) f(&count.address, count.counters);
    f(static_cast<const IpAddress*>(nullptr), other_peers_);
  }

 private:
  static constexpr u32 none = 0xffffffff;
  static constexpr size_t max_events = 64;
  static constexpr size_t bucket_count = 1024;  // power of two

  struct Pending {
    dns::Name zone;
    dns::Serial serial;
    NotifyTarget target;
    u32 next = none;  // in its bucket, or of the free ones
    u32 next_of_id = none;
    u32 stamp = 0;  // of its place in a queue
    u16 id = 0;     // once sent
    u8 tries = 0;
    UnixTime signed_at;      // all tries are signed with the time of the first, so that an answer to any of them fits
    bool told_bad = false;   // a wrongly signed answer has been told of
    bool of_change = false;  // and not of the start
    bool not_known = false;  // the peer has answered NOTAUTH
    bool resting = false;    // answered; kept until as much as a burst may go again
    Meter sent;              // of changes
  };
  // A moment at which something is to be done for a NOTIFY; void when the stamps differ.
  struct Due {
    Instant at;
    u32 index;
    u32 stamp;
  };
  struct PeerCount {
    IpAddress address;
    NotifyCounters counters;
  };
  using Queue = std::vector<Due>;  // a heap, the earliest first

  size_t bucket_of(const dns::Name& zone, const Endpoint& peer) const;
  u32 find(const dns::Name& zone, const Endpoint& peer) const;
  u32 take();
  void release(u32 index);
  void rest(u32 index);
  void schedule(Queue& queue, u32 index, Instant at);
  void tidy(Queue& queue);
  bool take_id(u32 index);
  void free_id(u32 index);
  u32& id_bucket(u16 id) { return ids_[id % bucket_count]; }
  u32 find_id(u16 id) const;
  std::optional<u32> next_due(Queue& queue, Instant now);
  static size_t compose(const Pending& pending, const zone::Zone& zone, dns::TsigClient* tsig, MutableBytes room);
  bool is_verified(const Pending& pending, const zone::ZoneSet& zones, Bytes message, std::optional<size_t> tsig_at,
                   UnixTime wall, dns::Rcode& peer_error) const;
  Duration wait_after(unsigned tries);
  NotifyCounters& counters(const Endpoint& peer);
  void tell(NotifyEvent::Kind kind, const Pending& pending, dns::Rcode rcode);

  Limits limits_;
  Rng& rng_;
  std::vector<Pending> pending_;
  size_t used_ = 0;
  size_t resting_ = 0;  // of those
  u32 free_ = none;
  PlainVector<u32> buckets_;
  // A NOTIFY under way holds an id of its own until the last wait is over, about a minute.
  PlainVector<u32> ids_;
  Queue urgent_;  // first tries for zones that changed
  Queue later_;
  Instant next_start_;      // when the next of those at start may be due
  Instant bucket_full_at_;  // the rate: when as much as a burst may be sent again
  std::vector<PeerCount> peers_;
  NotifyCounters other_peers_;
  std::vector<NotifyEvent> events_;
};

}  // namespace samara::server
