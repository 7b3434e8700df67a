#include "secondary/refresh.h"

#include <algorithm>

#include "platform/base/log.h"

namespace samara::secondary {
namespace {

Duration seconds(u32 n) {
  return Duration::seconds(i64{n});
}

// 2^shift times, but at most `most`.
Duration doubled(Duration wait, u32 shift, Duration most) {
  for (; shift != 0 && wait < most; --shift) wait = wait * 2;
  return std::min(wait, most);
}

}  // namespace

RefreshTable::RefreshTable(Primaries& primaries, const RefreshLimits& limits, Rng& rng)
    : primaries_(primaries),
      limits_(limits),
      rng_(rng),
      total_interval_(Duration::nanoseconds(1'000'000'000 / std::max<u32>(limits.queries_per_second, 1))),
      names_(rng) {}

dns::Name RefreshTable::name_of(u32 index) const {
  ByteReader at(zones_[index].name);
  return MUST(dns::Name::from_wire(at));
}

RefreshTable::Zone* RefreshTable::get(ZoneId id) {
  if (id.index >= zones_.size()) return nullptr;
  Zone& zone = zones_[id.index];
  return zone.used && zone.generation == id.generation ? &zone : nullptr;
}

std::optional<ZoneId> RefreshTable::find(const dns::Name& name) const {
  const u32 index = names_.find(name, [&](u32 i) { return name.equals(zones_[i].name); });
  if (index == no_index) return std::nullopt;
  return ZoneId{index, zones_[index].generation};
}

std::optional<dns::Serial> RefreshTable::serial(ZoneId id) const {
  const Zone& zone = zones_[id.index];
  if (zone.status != ZoneStatus::current) return std::nullopt;
  return zone.soa.serial;
}

Duration RefreshTable::expires_in(ZoneId id, Instant now) const {
  const Zone& zone = zones_[id.index];
  if (zone.status != ZoneStatus::current || zone.expires <= now) return {};
  return zone.expires - now;
}

std::optional<ZoneId> RefreshTable::add_zone(Instant now, const dns::Name& name, Primaries::Group group,
                                             std::optional<HeldVersion> held, bool is_catalog) {
  if (live_ == limits_.zones || find(name).has_value()) return std::nullopt;
  u32 index = 0;
  if (free_.empty()) {
    index = static_cast<u32>(zones_.size());
    zones_.emplace_back();
    links_.emplace_back();
    event_links_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Zone& zone = zones_[index];
  const u32 generation = zone.generation;
  zone = Zone{};
  zone.generation = generation;
  zone.used = true;
  zone.group = group;
  zone.is_catalog = is_catalog;
  zone.name.assign(name.wire().begin(), name.wire().end());
  ++live_;
  names_.insert(name, index, [this](u32 i) { return name_of(i); });
  if (held.has_value()) {
    zone.soa = held->soa;
    zone.status = ZoneStatus::current;
    zone.expires = now + held->expires_in;
    if (zone.expires <= now) expire(index);
  }
  // All at once: what spreads many zones over time is the limit on packets.
  start_attempt(now, index);
  return ZoneId{index, generation};
}

void RefreshTable::remove_zone(ZoneId id) {
  if (get(id) == nullptr) return;
  leave(id.index);
  heap_.set(id.index, Instant::never());
  if (event_links_[id.index].listed) events_.remove(event_links_, id.index);
  names_.erase(name_of(id.index), id.index);
  Zone& zone = zones_[id.index];
  zone.used = false;
  ++zone.generation;
  zone.name = {};
  free_.push_back(id.index);
  --live_;
}

void RefreshTable::set_due(u32 index, Instant due) {
  Zone& zone = zones_[index];
  zone.due = due;
  heap_.set(index, std::min(due, zone.status == ZoneStatus::current ? zone.expires : Instant::never()));
}

// Takes the zone out of whatever list it waits in; a transfer that goes on is the caller's.
void RefreshTable::leave(u32 index) {
  Zone& zone = zones_[index];
  end_query(index);
  if (!links_[index].listed) return;
  if (zone.step == Step::queued) {
    waiting_[primary_of(zone)].remove(links_, index);
  } else {
    leave_line(index);
  }
}

void RefreshTable::make_ready(Instant now, u32 index) {
  Zone& zone = zones_[index];
  const Instant allowed = zone.sent.next(zone_query_interval, zone_query_burst);
  if (allowed > now) {
    zone.step = Step::held;
    set_due(index, allowed);
    return;
  }
  zone.step = Step::ready;
  line_up_at_primary(index);
  if (may_send_ == Instant::never()) may_send_ = now;
  set_due(index, Instant::never());
}

// There are few catalogs; their members are many.
void RefreshTable::line_up(IndexList& list, u32 index) {
  if (zones_[index].is_catalog) return list.push_front(links_, index);
  list.push(links_, index);
}

void RefreshTable::line_up_at_primary(u32 index) {
  Zone& zone = zones_[index];
  const Primaries::Index primary = primary_of(zone);
  if (lines_.size() < primaries_.size()) {
    lines_.resize(primaries_.size());
    sending_links_.resize(primaries_.size());
  }
  zone.line = line_of(zone);
  line_up(lines_[primary].of[zone.line], index);
  if (!sending_links_[primary].listed) sending_.push(sending_links_, primary);
}

void RefreshTable::leave_line(u32 index) {
  const Primaries::Index primary = primary_of(zones_[index]);
  lines_[primary].of[zones_[index].line].remove(links_, index);
  if (lines_[primary].empty()) sending_.remove(sending_links_, primary);
}

// The zone whose turn it is, taken out of its line.
std::optional<u32> RefreshTable::next_ready() {
  if (sending_.empty()) return std::nullopt;
  const u32 primary = sending_.first();
  sending_.remove(sending_links_, primary);
  sending_.push(sending_links_, primary);
  Lines& lines = lines_[primary];
  while (lines.of[lines.turn].empty()) lines.turn = (lines.turn + 1) % line_count;
  const u32 index = lines.of[lines.turn].first();
  lines.turn = (lines.turn + 1) % line_count;
  leave_line(index);
  return index;
}

void RefreshTable::start_attempt(Instant now, u32 index) {
  Zone& zone = zones_[index];
  zone.tried = 0;
  zone.tries = 0;
  zone.whole = false;
  zone.again = false;
  zone.reason = {};
  zone.promised.reset();
  zone.last_start = now;
  zone.started.count(now, notify_interval);
  next_primary(now, index);
}

// Ever later when nothing comes of it.
Instant RefreshTable::notified_attempt_allowed(const Zone& zone) {
  if (zone.failures == 0) return zone.started.next(notify_interval, notify_burst);
  return zone.last_start + notify_interval * (i64{1} << std::min<u32>(zone.failures, 6));
}

// A wish to look at once, from a NOTIFY or a person.
void RefreshTable::request(Instant now, u32 index, std::optional<u8> preferred, bool forced) {
  Zone& zone = zones_[index];
  // A transfer that is under way already is not the one that was wished for.
  bool& wish = zone.step == Step::transferring ? zone.forced_again : zone.forced;
  wish = wish || forced;
  if (preferred.has_value()) zone.preferred = preferred;
  if (zone.step != Step::idle) {
    // A query that is still to go to the sender will do; any other may miss what is new.
    const bool waits = zone.step == Step::ready || zone.step == Step::held;
    const bool to_be_asked = waits && zone.tries == 0;
    zone.again = zone.again || !to_be_asked || (preferred.has_value() && *preferred != zone.place);
    zone.urgent = zone.urgent || waits;
    if (zone.step != Step::ready || zone.line == news) return;
    leave_line(index);
    line_up_at_primary(index);
    return;
  }
  const Instant allowed = notified_attempt_allowed(zone);
  zone.urgent = true;
  if (allowed > now) {
    if (allowed < zone.due) set_due(index, allowed);
    return;
  }
  start_attempt(now, index);
}

void RefreshTable::on_notify(Instant now, ZoneId id, const IpAddress& sender, std::optional<dns::Serial> serial) {
  Zone* zone = get(id);
  if (zone == nullptr) return;
  // Nothing is lost by believing that there is nothing new: the timers go on as if no NOTIFY had come.
  if (serial.has_value() && zone->status == ZoneStatus::current && *serial == zone->soa.serial) return;
  request(now, id.index, primaries_.place_of(zone->group, sender), false);
}

Duration RefreshTable::jittered(Duration wait) {
  constexpr u32 parts = 100'000;
  return wait - Duration::nanoseconds(wait.nanoseconds() / parts * rng_.below(parts / 100 * jitter_percent));
}

// Never so long that the zone expires although a primary has been there for a while: half of the time it has left, if RETRY is
// not longer. A server that is asked through others has less left than EXPIRE (RFC 7314).
Duration RefreshTable::in_time(Instant now, const Zone& zone, Duration wait) const {
  if (zone.status != ZoneStatus::current) return wait;
  const Duration half = Duration::nanoseconds((zone.expires - now).nanoseconds() / 2);
  return std::min(wait, std::max(half, retry_of(zone)));
}

Duration RefreshTable::retry_of(const Zone& zone) const {
  return seconds(std::clamp(zone.soa.retry, limits_.min_retry, limits_.max_retry));
}

Duration RefreshTable::refresh_wait(Instant now, const Zone& zone) const {
  return in_time(now, zone, seconds(std::clamp(zone.soa.refresh, limits_.min_refresh, limits_.max_refresh)));
}

Duration RefreshTable::retry_wait(Instant now, const Zone& zone) const {
  const u32 doublings = zone.failures - 1;
  if (zone.status == ZoneStatus::absent) return doubled(first_load_retry, doublings, longest_load_retry);
  const Duration retry = retry_of(zone);
  return in_time(now, zone, doubled(retry, doublings, std::max(retry, seconds(limits_.max_backoff))));
}

// RFC 7314 section 4.
void RefreshTable::set_expire(Instant now, Zone& zone, std::optional<u32> option, bool transferred) const {
  const Duration most = seconds(std::clamp(zone.soa.expire, limits_.min_expire, limits_.max_expire));
  // A primary that has all of EXPIRE left says no more than the SOA does.
  const bool less = option.has_value() && *option < zone.soa.expire;
  const Instant anew = now + (less ? std::min(seconds(*option), most) : most);
  const bool extends = !transferred && option.has_value() && zone.status == ZoneStatus::current;
  zone.expires = std::min(now + most, extends ? std::max(zone.expires, anew) : anew);
}

void RefreshTable::attempt_succeeded(Instant now, u32 index) {
  Zone& zone = zones_[index];
  zone.step = Step::idle;
  zone.failures = 0;
  zone.forced = std::exchange(zone.forced_again, false);
  zone.urgent = zone.again;
  if (!zone.again) zone.preferred.reset();
  zone.refreshed_event = true;
  tell(index);
  const Duration wait = zone.again ? Duration() : jittered(refresh_wait(now, zone));
  set_due(index, zone.again ? std::max(now, notified_attempt_allowed(zone)) : now + wait);
}

void RefreshTable::attempt_failed(Instant now, u32 index) {
  Zone& zone = zones_[index];
  zone.step = Step::idle;
  ++zone.failures;
  zone.urgent = false;
  zone.preferred.reset();
  const Duration wait = jittered(retry_wait(now, zone));
  // Once, twice, four times …: a primary that is dead for days leaves a few lines.
  if ((zone.failures & (zone.failures - 1)) == 0) {
    TextBuffer<40> row;
    if (zone.failures > 1) {
      row.writer().put(", ");
      row.writer().put(zone.failures);
      row.writer().put(" times in a row");
    }
    log(Level::warning, "zone ", name_of(index), ": not refreshed (", zone.reason.empty() ? "no primary left" : zone.reason,
        ")", row.view(), "; next try in ", wait.seconds(), " s");
  }
  set_due(index, now + wait);
  if (zone.again) {
    zone.again = false;
    request(now, index, std::nullopt, false);
  }
}

void RefreshTable::tell(u32 index) {
  if (!event_links_[index].listed) events_.push(event_links_, index);
}

std::optional<RefreshEvent> RefreshTable::poll_event(Instant now) {
  if (events_.empty()) return std::nullopt;
  const u32 index = events_.first();
  Zone& zone = zones_[index];
  const ZoneId id{index, zone.generation};
  // What came first may be out of date by now; what the zone is comes last.
  const bool expired = zone.expired_event;
  const bool both = zone.expired_event && zone.refreshed_event;
  if (expired) {
    zone.expired_event = false;
  } else {
    zone.refreshed_event = false;
  }
  if (!both) events_.remove(event_links_, index);
  if (expired) return RefreshEvent{.zone = id, .kind = RefreshEvent::Kind::expired, .expires_in = {}};
  return RefreshEvent{.zone = id, .kind = RefreshEvent::Kind::refreshed, .expires_in = expires_in(id, now)};
}

void RefreshTable::expire(u32 index) {
  Zone& zone = zones_[index];
  zone.status = ZoneStatus::expired;
  zone.refreshed_event = false;
  zone.expired_event = true;
  ++counters_.expired;
  tell(index);
  log(Level::error, "zone ", name_of(index), ": expired, no primary has confirmed it in time; queries get SERVFAIL");
  heap_.set(index, zone.due);
}

Instant RefreshTable::next_deadline() const {
  const bool can_send = free_queries_.size() + limits_.outstanding > queries_.size();
  return std::min(heap_.first_due(), can_send ? may_send_ : Instant::never());
}

void RefreshTable::on_deadline(Instant now) {
  while (heap_.first_due() <= now) {
    const u32 index = heap_.first();
    Zone& zone = zones_[index];
    if (zone.status == ZoneStatus::current && zone.expires <= now) {
      expire(index);
      continue;
    }
    switch (zone.step) {
      case Step::idle: start_attempt(now, index); break;
      case Step::held: make_ready(now, index); break;
      case Step::asking: on_timeout(now, index); break;
      case Step::ready:
      case Step::queued:
      case Step::transferring: set_due(index, Instant::never()); break;
    }
  }
}

}  // namespace samara::secondary
