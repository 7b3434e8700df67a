// RefreshTable: keeps zones fresh (RFC 1034 section 4.3.5, RFC 1982, 1995, 1996, 7314). For each zone it knows when to ask a
// primary for the SOA, whom, what to do with the answer, and when the zone is no longer good:
//
//   idle ─ due ─ ready ─ asking ─┬─ equal ───────────────────────────────────────── refreshed: again after REFRESH
//                   │  no answer │ newer ─ queued ─ transferring ─┬─ installed ──── refreshed
//                   └─ next primary, fewest failures first ◂──────┘ failed
//                      none left: after RETRY, doubled with each failure. EXPIRE after the last good word: expired
//
// No wait is longer than half of the time the zone is still good for, unless RETRY is.
//
// Where an answer by UDP is truncated or none comes, the SOA is asked for by TCP (RFC 7766 section 5), in the place of a
// transfer. That a primary does not answer there either is found out once a minute for all its zones. A primary whose answer by
// UDP cannot be believed is asked for the transfer all the same: some speak of a zone by TCP alone, and refuse the query
// without a signature (Knot DNS its catalogs).
//
// An incremental transfer that fails is followed by one of the whole zone from the same primary, at once or when its turn comes
// again (whole_zone_after()).
//
// A zone that is absent or expired is asked for and taken whole, whatever its serial. A serial that is not newer is never
// taken. NOTIFY makes a zone due at once, its sender asked first; what it says of the serial is not believed.
//
// Getters   find(), status(), expires_in(), next_deadline()
// Commands  add_zone(), remove_zone(), refresh_now(), retransfer()
// Inputs    on_datagram(), on_notify(), on_transfer_done(), on_deadline()
// Outputs   poll_datagram(), poll_transfer(), poll_event(), each until it yields nothing, after every command and input
//
// `now` never goes back. A transfer that was polled ends with on_transfer_done(), unless the zone was removed: then it is the
// caller's to drop, and on_transfer_done() still frees its place. Primaries and keys outlive the table.
// Capacities: RefreshLimits; no more packets than zone_query_* and queries_per_second allow, whatever happens.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "platform/base/meter.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "secondary/due_heap.h"
#include "secondary/name_table.h"
#include "secondary/primaries.h"
#include "secondary/soa_query.h"
#include "secondary/transfer_in.h"

namespace samara::secondary {

// One zone's SOA queries: a burst for several primaries in a row, then one a second. A zone therefore sends at most 70 packets
// in a minute, whether its primaries are dead, flap or flood us with NOTIFYs.
constexpr Duration zone_query_interval = Duration::seconds(1);
constexpr u32 zone_query_burst = 10;
// A SOA query waits for its answer so long, and is sent three times: 10.5 seconds for a primary that does not answer.
constexpr std::array<Duration, 3> query_timeouts = {Duration::milliseconds(1500), Duration::seconds(3), Duration::seconds(6)};
// Attempts that NOTIFYs cause: a few in a row at once, then one a second; after a failure none sooner than this interval,
// doubled with each since the last success (six times at most).
constexpr Duration notify_interval = Duration::seconds(1);
constexpr u32 notify_burst = 5;
// Between two tries by TCP of a primary that answers neither way. A try holds a place to transfer until the connection fails,
// half a minute at most; so dead primaries leave half of their places to others.
constexpr Duration tcp_probe_interval = Duration::seconds(60);
// A zone that is not there yet: the first wait, and the longest.
constexpr Duration first_load_retry = Duration::seconds(2);
constexpr Duration longest_load_retry = Duration::seconds(300);
// Waits are cut by a random part, up to this many percent, so that zones loaded together do not stay together.
constexpr u32 jitter_percent = 10;

struct RefreshLimits {
  u32 zones = 100'000;
  u32 queries_per_second = 200;  // SOA queries in all; a burst of as many
  u32 outstanding = 512;         // SOA queries waiting for their answer
  u32 transfers = 10;            // at a time; as many as BIND
  u32 transfers_per_primary = 2;
  // The SOA's timers are brought within these bounds, in seconds.
  u32 min_refresh = 2;
  u32 max_refresh = 2'419'200;
  u32 min_retry = 1;
  u32 max_retry = 1'209'600;
  u32 min_expire = 3;
  u32 max_expire = 0x7fffffff;
  u32 max_backoff = 3600;  // RETRY, if longer, stays
};

enum class ZoneStatus : u8 { absent, current, expired };

struct ZoneId {
  u32 index = no_index;
  u32 generation = 0;
  friend constexpr bool operator==(const ZoneId&, const ZoneId&) = default;
};

// HeldVersion is left by a restart: the version held and how long it is still good.
struct HeldVersion {
  dns::SoaNumbers soa;
  Duration expires_in;
};

struct StartTransfer {
  ZoneId zone;
  Primary primary;
  Primaries::Index primary_index = 0;
  TransferRequest request;  // without limits
};

struct TransferResult {
  enum class Outcome : u8 { installed, up_to_date, answered, failed };
  Outcome outcome = Outcome::failed;
  dns::SoaNumbers soa = {};        // installed
  SoaReply reply = {};             // answered: to the question for the SOA
  std::optional<u32> expire = {};  // the EXPIRE option
  TransferError error{};           // failed
  dns::Rcode rcode{};
};

// Since the start, of all zones.
struct RefreshCounters {
  u64 queries = 0;     // for the SOA
  u64 installed = 0;   // transfers that made a new version
  u64 up_to_date = 0;  // transfers that found nothing new
  u64 failed = 0;      // transfers that broke off, were refused, or brought what cannot be served
  u64 expired = 0;     // zones
  u64 behind = 0;      // answers of primaries whose serial is not newer than the one held, nor the same
  friend bool operator==(const RefreshCounters&, const RefreshCounters&) = default;
};

struct RefreshEvent {
  enum class Kind : u8 { refreshed, expired };
  ZoneId zone;
  Kind kind{};
  Duration expires_in;  // refreshed: to be kept for a restart
};

class RefreshTable {
 public:
  RefreshTable(Primaries& primaries, const RefreshLimits& limits, Rng& rng);
  RefreshTable(const RefreshTable&) = delete;
  RefreshTable& operator=(const RefreshTable&) = delete;

  // Fails when the table is full, or the zone is there already. A catalog, which says what other zones there are, does not wait
  // behind these.
  std::optional<ZoneId> add_zone(Instant now, const dns::Name& name, Primaries::Group group, std::optional<HeldVersion> held,
                                 bool is_catalog = false);
  void remove_zone(ZoneId id);
  std::optional<ZoneId> find(const dns::Name& name) const;
  ZoneStatus status(ZoneId id) const { return zones_[id.index].status; }
  Primaries::Group group(ZoneId id) const { return zones_[id.index].group; }
  std::optional<dns::Serial> serial(ZoneId id) const;
  Duration expires_in(ZoneId id, Instant now) const;
  dns::Name name(ZoneId id) const { return name_of(id.index); }
  size_t size() const { return live_; }
  const RefreshCounters& counters() const { return counters_; }

  // An operator's wish: look now; or take the whole zone whatever its serial.
  void refresh_now(Instant now, ZoneId id) { request(now, id.index, std::nullopt, false); }
  void retransfer(Instant now, ZoneId id) { request(now, id.index, std::nullopt, true); }

  // The next SOA query into `room`, which has max_soa_query octets; 0: none now.
  size_t poll_datagram(Instant now, UnixTime wall, Endpoint& peer, MutableBytes room);
  std::optional<StartTransfer> poll_transfer(Instant now);
  std::optional<RefreshEvent> poll_event(Instant now);

  void on_datagram(Instant now, UnixTime wall, const Endpoint& peer, Bytes payload);
  // A NOTIFY that was found to be allowed (notify_in.h).
  void on_notify(Instant now, ZoneId id, const IpAddress& sender, std::optional<dns::Serial> serial);
  // `primary` is the one of StartTransfer.
  void on_transfer_done(Instant now, const StartTransfer& started, const TransferResult& result);

  Instant next_deadline() const;
  void on_deadline(Instant now);

 private:
  enum class Step : u8 {
    idle,    // `due` is the next attempt
    ready,   // wants to send, and waits in one of its primary's lines
    held,    // wants to send, but has sent too much; `due` is when it may
    asking,  // a query is out; `due` is its timeout
    queued,  // waits for a place to transfer, or to ask by TCP
    transferring,
  };
  // Zones that want to send wait at their primary in four lines, which take turns, as the primaries do: there may be any number
  // of zones that a primary does not have, or that have just come, and neither keeps another primary's zones waiting.
  enum Line : u8 {
    news,     // a NOTIFY has come, or the zone is a catalog
    current,  // a version is held
    fresh,    // the zone has just come
    failed,   // no primary had it when they were asked before
  };
  static constexpr size_t line_count = 4;
  struct Lines {
    std::array<IndexList, line_count> of;
    size_t turn = 0;  // the line that may send next
    bool empty() const { return std::ranges::all_of(of, &IndexList::empty); }
  };
  enum class Path : u8 { udp, tcp };
  // A zone that is queued waits for its wish.
  enum class Wish : u8 {
    transfer,
    soa,            // by TCP
    soa_as_others,  // the same, because others had their answer there; not when that is over
  };
  struct Zone {
    bool used = false;
    ZoneStatus status = ZoneStatus::absent;
    Step step = Step::idle;
    Line line = fresh;  // where it waits when it is ready
    Wish wish = Wish::transfer;
    bool again = false;         // a NOTIFY came while it was busy
    bool forced = false;        // whatever the serial
    bool forced_again = false;  // the same, wished for when a transfer was under way already
    bool whole = false;         // this attempt: differences were of no use
    bool urgent = false;
    bool is_catalog = false;
    bool behind_told = false;  // that a primary has an older serial
    bool refreshed_event = false;
    bool expired_event = false;
    u8 place = 0;   // in the group, of the primary being asked
    u8 tries = 0;   // queries to it
    u64 tried = 0;  // by place
    // By place: those that are next asked for the whole zone.
    u64 whole_next = 0;
    std::optional<u8> preferred;
    Primaries::Group group = 0;
    u32 generation = 0;
    u32 failures = 0;      // attempts, in a row
    u32 query = no_index;  // in queries_
    std::vector<u8> name;  // wire form
    dns::SoaNumbers soa;   // of the version held
    std::optional<dns::Serial> promised;
    std::string_view reason;  // why the last primary was of no use
    std::string_view by_udp;  // what it said by UDP, while TCP is tried
    Instant due = Instant::never();
    Instant expires = Instant::never();
    Instant last_start;
    Meter sent;
    Meter started;  // attempts
  };
  struct Query {
    u32 zone = no_index;
    Primaries::Index primary = 0;
    SoaQuestion question;
    std::optional<dns::TsigClient> tsig;
    std::string_view note;  // what came that could not be believed
  };

  // refresh.cpp: when
  dns::Name name_of(u32 index) const;
  Zone* get(ZoneId id);
  void request(Instant now, u32 index, std::optional<u8> preferred, bool forced);
  void set_due(u32 index, Instant due);
  void make_ready(Instant now, u32 index);
  void leave(u32 index);
  Line line_of(const Zone& zone) const {
    if (zone.urgent || zone.is_catalog) return news;
    if (holds(zone)) return current;
    return zone.failures == 0 ? fresh : failed;
  }
  void line_up(IndexList& list, u32 index);
  void line_up_at_primary(u32 index);
  void leave_line(u32 index);
  std::optional<u32> next_ready();
  void expire(u32 index);
  void tell(u32 index);
  Duration jittered(Duration wait);
  Duration retry_of(const Zone& zone) const;
  Duration in_time(Instant now, const Zone& zone, Duration wait) const;
  Duration refresh_wait(Instant now, const Zone& zone) const;
  Duration retry_wait(Instant now, const Zone& zone) const;
  void start_attempt(Instant now, u32 index);
  static Instant notified_attempt_allowed(const Zone& zone);
  void attempt_succeeded(Instant now, u32 index);
  void attempt_failed(Instant now, u32 index);
  void set_expire(Instant now, Zone& zone, std::optional<u32> option, bool transferred) const;
  bool holds(const Zone& zone) const { return zone.status == ZoneStatus::current && !zone.forced; }

  // refresh_attempt.cpp: what
  Primaries::Index primary_of(const Zone& zone) const { return primaries_.group(zone.group)[zone.place]; }
  u32 take_query();
  void end_query(u32 index);
  dns::MessageId fresh_id();
  void next_primary(Instant now, u32 index);
  void primary_failed(Instant now, u32 index, std::string_view reason);
  void on_timeout(Instant now, u32 index);
  void on_answer(Instant now, u32 index, const SoaReply& reply, Path path);
  void on_serial(Instant now, u32 index, const SoaReply& reply);
  void on_silence(Instant now, u32 index);
  void on_tcp_answer(Instant now, u32 index, const TransferResult& result);
  void queue(u32 index, Wish wish);
  TransferKind kind_of_transfer(const Zone& zone) const;
  std::optional<u32> next_queued(Instant now, Primaries::Index at);
  static u64 bit_of(u8 place) { return u64{1} << place; }

  Primaries& primaries_;
  RefreshLimits limits_;
  Rng& rng_;
  Duration total_interval_;
  std::vector<Zone> zones_;
  std::vector<u32> free_;
  u32 live_ = 0;
  NameTable names_;
  DueHeap heap_;
  std::vector<Link> links_;  // of the ready lists and the waiting lists
  std::vector<Link> event_links_;
  std::vector<Lines> lines_;         // by primary
  IndexList sending_;                // primaries with zones that are ready, in turn
  std::vector<Link> sending_links_;  // by primary
  IndexList events_;
  std::vector<IndexList> waiting_;  // by primary: zones that are queued
  u32 next_waiting_ = 0;            // round robin
  u32 transfers_ = 0;
  std::vector<Query> queries_;
  std::vector<u32> free_queries_;
  Meter total_;
  Instant may_send_ = Instant::never();  // when the meter lets ready zones go on
  RefreshCounters counters_;
};

}  // namespace samara::secondary
