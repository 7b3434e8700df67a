#include "server/notify_out.h"

#include <algorithm>

#include "dns-core/message/request.h"
#include "dns-core/message/response.h"

namespace samara::server {
namespace {

using dns::Rcode;

constexpr Duration burst = Duration::milliseconds(500);  // of sending at the full rate
constexpr Duration first_wait = Duration::seconds(2);    // RFC 1996 section 3.6 leaves it open; doubled after each try

constexpr size_t queue_slack = 64;  // void entries that are not worth throwing out
constexpr size_t max_notify_size = dns::common_udp_payload_size;

// tidy() keeps a queue below twice what is pending.
constexpr size_t queue_room(size_t pending) {
  return 2 * pending + queue_slack + 1;
}

bool later(Instant a, Instant b) {
  return a > b;
}

}  // namespace

std::string_view describe(NotifyEvent::Kind kind) {
  switch (kind) {
    case NotifyEvent::Kind::refused: return "NOTIFY was refused";
    case NotifyEvent::Kind::given_up: return "no answer to NOTIFY";
    case NotifyEvent::Kind::bad_signature: return "answer to NOTIFY is not signed right";
  }
  return "NOTIFY failed";
}

Notifier::Notifier(const Limits& limits, Rng& rng)
    : limits_(limits), rng_(rng), buckets_(filled(bucket_count, none)), ids_(filled(bucket_count, none)) {
  pending_.reserve(limits.pending);
  for (Queue* queue : {&urgent_, &later_}) queue->reserve(queue_room(limits.pending));
  peers_.reserve(max_notify_peers);
  events_.reserve(max_events);
}

size_t Notifier::memory(const Limits& limits) {
  return 2 * bucket_count * sizeof(u32) + limits.pending * sizeof(Pending) + 2 * queue_room(limits.pending) * sizeof(Due) +
         max_notify_peers * sizeof(PeerCount) + max_events * sizeof(NotifyEvent);
}

// ---- the table ------------------------------------------------------------------------------------------------------

size_t Notifier::bucket_of(const dns::Name& zone, const Endpoint& peer) const {
  const zone::SearchName name(zone);
  u64 hash = name.hash(name.label_count());
  for (const u8 octet : peer.address.octets()) hash = (hash ^ octet) * 0x100000001b3ULL;
  hash = (hash ^ peer.port.value()) * 0x9e3779b97f4a7c15ULL;
  return static_cast<size_t>(hash >> 32) & (buckets_.size() - 1);
}

u32 Notifier::find(const dns::Name& zone, const Endpoint& peer) const {
  u32 index = buckets_[bucket_of(zone, peer)];
  while (index != none && !(pending_[index].target.peer == peer && pending_[index].zone == zone)) index = pending_[index].next;
  return index;
}

u32 Notifier::take() {
  ++used_;
  if (free_ == none) {
    pending_.emplace_back();
    return static_cast<u32>(pending_.size() - 1);
  }
  const u32 index = free_;
  free_ = pending_[index].next;
  return index;
}

void Notifier::release(u32 index) {
  Pending& pending = pending_[index];
  u32* link = &buckets_[bucket_of(pending.zone, pending.target.peer)];
  while (*link != index) link = &pending_[*link].next;
  *link = pending.next;
  free_id(index);
  ++pending.stamp;
  if (pending.resting) --resting_;
  pending.resting = false;
  pending.sent = {};
  pending.next = free_;
  free_ = index;
  --used_;
}

// The NOTIFY is sent no more; its place is released when its meter has nothing to say any more.
void Notifier::rest(u32 index) {
  Pending& pending = pending_[index];
  if (pending.sent.full_at() == Instant()) return release(index);
  free_id(index);
  pending.tries = 0;
  pending.resting = true;
  ++resting_;
  schedule(later_, index, pending.sent.full_at());
}

// The id must be hard to guess and no other's that is under way.
bool Notifier::take_id(u32 index) {
  constexpr unsigned draws = 64;  // one id in sixteen is taken at most, so that this many miss once in 2^256
  for (unsigned i = 0; i < draws; ++i) {
    const u16 id = rng_.u16_value();
    if (find_id(id) != none) continue;
    pending_[index].id = id;
    pending_[index].next_of_id = std::exchange(id_bucket(id), index);
    return true;
  }
  return false;
}

u32 Notifier::find_id(u16 id) const {
  u32 index = ids_[id % bucket_count];
  while (index != none && pending_[index].id != id) index = pending_[index].next_of_id;
  return index;
}

void Notifier::free_id(u32 index) {
  const Pending& pending = pending_[index];
  if (pending.tries == 0) return;
  u32* link = &id_bucket(pending.id);
  while (*link != index) link = &pending_[*link].next_of_id;
  *link = pending.next_of_id;
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Notifier::schedule(Queue& queue, u32 index, Instant at) {
  queue.push_back({at, index, ++pending_[index].stamp});
  std::ranges::push_heap(queue, later, &Due::at);
  tidy(queue);
}

// Entries that are void are removed where they are most of a queue.
void Notifier::tidy(Queue& queue) {
  if (queue.size() <= 2 * used_ + queue_slack) return;
  std::erase_if(queue, [this](const Due& due) { return pending_[due.index].stamp != due.stamp; });
  std::ranges::make_heap(queue, later, &Due::at);
}

std::optional<u32> Notifier::next_due(Queue& queue, Instant now) {
  while (!queue.empty() && queue.front().at <= now) {
    const Due due = queue.front();
    std::ranges::pop_heap(queue, later, &Due::at);
    queue.pop_back();
    if (pending_[due.index].stamp == due.stamp) return due.index;
  }
  return std::nullopt;
}

Duration Notifier::wait_after(unsigned tries) {
  const i64 whole = first_wait.milliseconds() << (tries - 1);
  // A quarter less to a quarter more, so that what was sent together is not sent again together.
  return Duration::milliseconds(whole * 3 / 4 + rng_.below(static_cast<u32>(whole / 2)));
}

Instant Notifier::next_deadline() const {
  Instant earliest = Instant::never();
  for (const Queue* queue : {&urgent_, &later_}) {
    if (!queue->empty()) earliest = std::min(earliest, queue->front().at);
  }
  if (earliest == Instant::never()) return earliest;
  return bucket_full_at_.since_boot() > burst ? std::max(earliest, Instant::since_boot(bucket_full_at_.since_boot() - burst))
                                              : earliest;
}

// ---- what happens ---------------------------------------------------------------------------------------------------

bool Notifier::on_zone_changed(Instant now, const dns::Name& zone, dns::Serial serial, std::span<const NotifyTarget> targets,
                               Urgency urgency, Instant not_before) {
  bool all = true;
  for (const NotifyTarget& target : targets) {
    u32 index = find(zone, target.peer);
    if (index != none) {
      // Start again with the new serial; an answer to the old one says nothing about it.
      free_id(index);
    } else if (used_ == limits_.pending) {
      all = false;
      continue;
    } else {
      index = take();
      u32& bucket = buckets_[bucket_of(zone, target.peer)];
      pending_[index].next = bucket;
      bucket = index;
    }
    Pending& pending = pending_[index];
    pending.zone = zone;
    pending.serial = serial;
    pending.target = target;
    pending.tries = 0;
    pending.told_bad = false;
    pending.not_known = false;
    if (pending.resting) --resting_;
    pending.resting = false;
    pending.of_change = urgency == Urgency::change;
    if (pending.of_change) {
      schedule(urgent_, index, std::max({now, not_before, pending.sent.next(notify_spacing, notify_burst)}));
    } else {
      next_start_ = std::max({next_start_, now, not_before}) + Duration::nanoseconds(1'000'000'000 / limits_.start_per_second);
      schedule(later_, index, next_start_);
    }
  }
  return all;
}

size_t Notifier::poll_datagram(Instant now, UnixTime wall, const zone::ZoneSet& zones, Endpoint& peer, MutableBytes message) {
  for (;;) {
    if (bucket_full_at_ > now + burst) return 0;
    auto index = next_due(urgent_, now);
    if (!index.has_value()) index = next_due(later_, now);
    if (!index.has_value()) return 0;
    Pending& pending = pending_[*index];
    if (pending.resting) {
      release(*index);
      continue;
    }
    if (pending.tries == max_notify_tries) {
      ++(pending.not_known ? counters(pending.target.peer).refused : counters(pending.target.peer).given_up);
      tell(pending.not_known ? NotifyEvent::Kind::refused : NotifyEvent::Kind::given_up, pending,
           pending.not_known ? Rcode::NOTAUTH : Rcode::NOERROR);
      release(*index);
      continue;
    }
    const auto match = zones.at(pending.zone);
    if (!match.has_value() || !match->zone.has_value()) {
      release(*index);  // the zone is not ours any more
      continue;
    }
    if (pending.tries == 0 && !take_id(*index)) {
      schedule(later_, *index, now + first_wait);
      return 0;
    }
    ++pending.tries;
    if (pending.of_change) pending.sent.count(now, notify_spacing);
    schedule(later_, *index, now + wait_after(pending.tries));
    bucket_full_at_ = std::max(bucket_full_at_, now) + Duration::nanoseconds(1'000'000'000 / limits_.per_second);
    ++counters(pending.target.peer).sent;
    peer = pending.target.peer;
    if (pending.tries == 1) pending.signed_at = wall;
    pending.serial = match->zone->serial();
    if (pending.target.key == nullptr) return compose(pending, *match->zone, nullptr, message);
    dns::TsigClient tsig(*pending.target.key);
    return compose(pending, *match->zone, &tsig, message);
  }
}

// RFC 1996 section 3.7: the zone's SOA is in the answer section as a hint, and AA is set. Returns the size.
size_t Notifier::compose(const Pending& pending, const zone::Zone& zone, dns::TsigClient* tsig, MutableBytes room) {
  dns::RequestWriter request(room, {.id = dns::MessageId(pending.id),
                                    .opcode = dns::Opcode::NOTIFY,
                                    .flags = dns::flag_aa,
                                    .name = pending.zone,
                                    .type = dns::RrType::SOA});
  request.own_record(dns::RequestWriter::Section::answer, zone.soa().first().image());
  return request.finish(tsig, pending.signed_at);
}

// True when the response is signed as one to our request: that is made once more, for the MAC it had.
bool Notifier::is_verified(const Pending& pending, const zone::ZoneSet& zones, Bytes message, std::optional<size_t> tsig_at,
                           UnixTime wall, Rcode& peer_error) const {
  const auto match = zones.at(pending.zone);
  if (!match.has_value() || !match->zone.has_value()) return false;
  SAMARA_UNINITIALIZED std::array<u8, max_notify_size> octets;
  dns::TsigClient tsig(*pending.target.key);
  compose(pending, *match->zone, &tsig, octets);
  const bool good = tsig.on_response(message, tsig_at, wall).ok();
  peer_error = tsig.peer_error();
  return good;
}

void Notifier::on_datagram(UnixTime wall, const zone::ZoneSet& zones, const Endpoint& peer, Bytes message) {
  const auto header = dns::read_header(message);
  const u32 index = header.has_value() ? find_id(header->id.value()) : none;
  if (index == none || header->opcode() != dns::Opcode::NOTIFY) return;
  Pending& pending = pending_[index];
  if (pending.target.peer != peer) return;
  const auto read = dns::read_response(message);
  if (!read.ok() || read.value().question != dns::Question{pending.zone, dns::RrType::SOA}) return;
  const dns::Response& response = read.value();
  const Rcode rcode = response.rcode;
  NotifyCounters& counted = counters(peer);
  Rcode peer_error = Rcode::NOERROR;
  if (pending.target.key != nullptr && !is_verified(pending, zones, message, response.tsig_at, wall, peer_error)) {
    // Anybody can send this; what is under way stays so.
    ++counted.bad;
    if (!pending.told_bad) tell(NotifyEvent::Kind::bad_signature, pending, peer_error);
    pending.told_bad = true;
    return;
  }
  if (rcode == Rcode::NOTAUTH && limits_.by_catalogs) {
    pending.not_known = true;
    return;
  }
  if (rcode == Rcode::NOERROR) {
    ++counted.answered;
  } else {
    // RFC 1996 section 4.8 for NOTIMP: the peer has had it, and says that nothing comes of it.
    ++counted.refused;
    tell(NotifyEvent::Kind::refused, pending, rcode);
  }
  rest(index);
}

// ---- what is told ---------------------------------------------------------------------------------------------------

NotifyCounters& Notifier::counters(const Endpoint& peer) {
  const auto found = std::ranges::find(peers_, peer.address, &PeerCount::address);
  if (found != peers_.end()) return found->counters;
  if (peers_.size() == max_notify_peers) return other_peers_;
  return peers_.emplace_back(PeerCount{peer.address, {}}).counters;
}

void Notifier::tell(NotifyEvent::Kind kind, const Pending& pending, Rcode rcode) {
  if (events_.size() == max_events) return;  // as good as the log's own limit; the counters have them all
  events_.push_back({kind, pending.zone, pending.serial, pending.target.peer, rcode});
}

std::optional<NotifyEvent> Notifier::poll_event() {
  if (events_.empty()) return std::nullopt;
  const NotifyEvent event = events_.front();
  events_.erase(events_.begin());
  return event;
}

}  // namespace samara::server
