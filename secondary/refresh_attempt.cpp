#include <algorithm>

#include "platform/base/log.h"
#include "secondary/refresh.h"

namespace samara::secondary {

using dns::Serial;

u32 RefreshTable::take_query() {
  if (!free_queries_.empty()) {
    const u32 slot = free_queries_.back();
    free_queries_.pop_back();
    return slot;
  }
  if (queries_.size() == limits_.outstanding) return no_index;
  queries_.emplace_back();
  return static_cast<u32>(queries_.size() - 1);
}

void RefreshTable::end_query(u32 index) {
  Zone& zone = zones_[index];
  if (zone.query == no_index) return;
  queries_[zone.query].zone = no_index;
  queries_[zone.query].tsig.reset();
  free_queries_.push_back(zone.query);
  zone.query = no_index;
}

// An id that no other query waits for, so that it alone finds the query again.
dns::MessageId RefreshTable::fresh_id() {
  for (;;) {
    const dns::MessageId id(rng_.u16_value());
    const bool used = std::ranges::any_of(queries_, [&](const Query& q) { return q.zone != no_index && q.question.id == id; });
    if (!used) return id;
  }
}

size_t RefreshTable::poll_datagram(Instant now, UnixTime wall, Endpoint& peer, MutableBytes room) {
  may_send_ = Instant::never();
  if (sending_.empty()) return 0;
  may_send_ = std::max(now, total_.next(total_interval_, limits_.queries_per_second));
  if (may_send_ > now) return 0;
  const u32 slot = take_query();
  if (slot == no_index) return 0;

  const u32 index = *next_ready();
  Zone& zone = zones_[index];
  Query& query = queries_[slot];
  query.primary = primary_of(zone);
  const Primaries::State& primary = primaries_[query.primary];
  query.question = {.zone = name_of(index), .id = fresh_id(), .edns = !primary.without_edns};
  query.note = {};
  query.tsig.reset();
  if (primary.primary.key != nullptr) query.tsig.emplace(*primary.primary.key);
  query.zone = index;
  zone.query = slot;
  zone.step = Step::asking;
  zone.sent.count(now, zone_query_interval);
  total_.count(now, total_interval_);
  set_due(index, now + query_timeouts[zone.tries]);
  ++zone.tries;
  ++counters_.queries;
  peer = primary.primary.endpoint;
  return compose_soa_query(query.question, query.tsig.has_value() ? &*query.tsig : nullptr, wall, room);
}

void RefreshTable::next_primary(Instant now, u32 index) {
  Zone& zone = zones_[index];
  const auto place = primaries_.choose(zone.group, zone.tried, zone.preferred);
  if (!place.has_value()) {
    attempt_failed(now, index);
    return;
  }
  zone.place = *place;
  zone.tried |= bit_of(*place);
  zone.tries = 0;
  zone.whole = false;
  zone.by_udp = {};
  make_ready(now, index);
}

void RefreshTable::primary_failed(Instant now, u32 index, std::string_view reason) {
  zones_[index].reason = reason;
  Primaries::State& primary = primaries_[primary_of(zones_[index])];
  // A primary that failed long ago and often is no worse than one that failed often.
  primary.failures = std::min<u32>(primary.failures + 1, 1'000);
  next_primary(now, index);
}

void RefreshTable::on_timeout(Instant now, u32 index) {
  Zone& zone = zones_[index];
  const Query& query = queries_[zone.query];
  const std::string_view note = query.note;
  // One packet is enough to see that what was dead still is.
  const Primaries::State& primary = primaries_[query.primary];
  const bool once = primary.failures != 0 || primary.by_tcp;
  end_query(index);
  if (!note.empty()) {
    zone.by_udp = note;
    zone.promised.reset();
    return queue(index, Wish::transfer);
  }
  if (zone.tries < query_timeouts.size() && !once) {
    make_ready(now, index);
    return;
  }
  on_silence(now, index);
}

// No answer has come by UDP.
void RefreshTable::on_silence(Instant now, u32 index) {
  Primaries::State& primary = primaries_[primary_of(zones_[index])];
  if (primary.by_tcp) return queue(index, Wish::soa_as_others);
  if (now < primary.tcp_again) return primary_failed(now, index, "no answer by UDP, and none by TCP a short while ago");
  primary.tcp_again = now + tcp_probe_interval;
  queue(index, Wish::soa);
}

void RefreshTable::on_datagram(Instant now, UnixTime wall, const Endpoint& peer, Bytes payload) {
  if (payload.size() < 2) return;
  const dns::MessageId id(load_be16(payload));
  for (Query& query : queries_) {
    if (query.zone == no_index || query.question.id != id) continue;
    if (primaries_[query.primary].primary.endpoint != peer) return;
    const SoaReply reply = read_soa_answer(payload, query.question, query.tsig, wall);
    if (reply.answer == SoaAnswer::foreign) return;
    if (reply.answer == SoaAnswer::bad_signature) {
      query.note = reply.reason;  // it may be forged: the true answer has its time
      return;
    }
    const u32 index = query.zone;
    primaries_[query.primary].by_tcp = false;
    end_query(index);
    on_answer(now, index, reply, Path::udp);
    return;
  }
}

void RefreshTable::on_answer(Instant now, u32 index, const SoaReply& reply, Path path) {
  Zone& zone = zones_[index];
  Primaries::State& primary = primaries_[primary_of(zone)];
  switch (reply.answer) {
    case SoaAnswer::good:
      primary.failures = 0;
      on_serial(now, index, reply);
      return;
    case SoaAnswer::truncated:
      if (path == Path::tcp) break;  // by TCP nothing is too long
      primary.failures = 0;
      queue(index, Wish::soa);
      return;
    case SoaAnswer::no_edns:
      primary.without_edns = true;
      if (path == Path::tcp) return queue(index, Wish::soa);
      zone.tries = 0;
      make_ready(now, index);
      return;
    case SoaAnswer::foreign:
    case SoaAnswer::refused:
    case SoaAnswer::not_authoritative:
    case SoaAnswer::no_soa:
    case SoaAnswer::bad_signature: break;
  }
  // It is alive: that it has not this zone says nothing about others.
  zone.reason = reply.reason;
  next_primary(now, index);
}

void RefreshTable::on_serial(Instant now, u32 index, const SoaReply& reply) {
  Zone& zone = zones_[index];
  if (holds(zone)) {
    const Serial::Order order = reply.soa.serial.compare(zone.soa.serial);
    if (order == Serial::Order::equal) {
      set_expire(now, zone, reply.expire, false);
      zone.behind_told = false;
      attempt_succeeded(now, index);
      return;
    }
    if (order != Serial::Order::greater) {
      ++counters_.behind;
      if (!zone.behind_told) {
        log(Level::warning, "zone ", name_of(index), ": primary ", primaries_[primary_of(zone)].primary.endpoint,
            " is behind: it has serial ", reply.soa.serial.value(), ", which is not newer than ", zone.soa.serial.value(),
            " here; kept until the primary is ahead or the zone expires");
      }
      zone.behind_told = true;
      zone.reason = "the primary is behind";
      next_primary(now, index);
      return;
    }
  }
  zone.promised = reply.soa.serial;
  queue(index, Wish::transfer);
}

void RefreshTable::queue(u32 index, Wish wish) {
  Zone& zone = zones_[index];
  zone.step = Step::queued;
  zone.wish = wish;
  if (wish != Wish::transfer) zone.promised.reset();
  set_due(index, Instant::never());
  if (waiting_.size() < primaries_.size()) waiting_.resize(primaries_.size());
  line_up(waiting_[primary_of(zone)], index);
}

TransferKind RefreshTable::kind_of_transfer(const Zone& zone) const {
  if (zone.wish != Wish::transfer) return TransferKind::soa;
  const bool whole = !holds(zone) || zone.whole || (zone.whole_next & bit_of(zone.place)) != 0;
  return whole ? TransferKind::whole : TransferKind::differences;
}

// The next zone whose turn it is with this primary.
std::optional<u32> RefreshTable::next_queued(Instant now, Primaries::Index at) {
  IndexList& waiting = waiting_[at];
  while (!waiting.empty() && primaries_[at].transfers != limits_.transfers_per_primary) {
    const u32 index = waiting.first();
    waiting.remove(links_, index);
    if (zones_[index].wish != Wish::soa_as_others || primaries_[at].by_tcp) return index;
    on_silence(now, index);
  }
  return std::nullopt;
}

std::optional<StartTransfer> RefreshTable::poll_transfer(Instant now) {
  if (transfers_ == limits_.transfers) return std::nullopt;
  const u32 count = static_cast<u32>(waiting_.size());
  for (u32 i = 0; i < count; ++i) {
    const auto at = static_cast<Primaries::Index>((next_waiting_ + i) % count);
    const auto index = next_queued(now, at);
    if (!index.has_value()) continue;
    next_waiting_ = (at + 1U) % count;
    Zone& zone = zones_[*index];
    Primaries::State& primary = primaries_[at];
    zone.step = Step::transferring;
    ++primary.transfers;
    ++transfers_;
    StartTransfer start{.zone = {*index, zone.generation}, .primary = primary.primary, .primary_index = at, .request = {}};
    start.request.zone = name_of(*index);
    start.request.kind = kind_of_transfer(zone);
    start.request.id = dns::MessageId(rng_.u16_value());
    if (holds(zone)) start.request.ours = zone.soa.serial;
    start.request.promised = zone.promised;
    start.request.key = primary.primary.key;
    start.request.edns = !primary.without_edns;
    if (start.request.kind == TransferKind::soa) ++counters_.queries;
    return start;
  }
  return std::nullopt;
}

// The SOA was asked for by TCP, and the primary has answered or has not.
void RefreshTable::on_tcp_answer(Instant now, u32 index, const TransferResult& result) {
  Primaries::State& primary = primaries_[primary_of(zones_[index])];
  primary.by_tcp = result.outcome == TransferResult::Outcome::answered;
  if (primary.by_tcp) return on_answer(now, index, result.reply, Path::tcp);
  primary.tcp_again = now + tcp_probe_interval;
  primary_failed(
      now, index,
      result.error == TransferError::not_connected ? "no answer by UDP, no connection by TCP" : "no answer by UDP or TCP");
}

void RefreshTable::on_transfer_done(Instant now, const StartTransfer& started, const TransferResult& result) {
  --transfers_;
  --primaries_[started.primary_index].transfers;
  switch (result.outcome) {
    case TransferResult::Outcome::installed: ++counters_.installed; break;
    case TransferResult::Outcome::up_to_date: ++counters_.up_to_date; break;
    case TransferResult::Outcome::answered: break;
    case TransferResult::Outcome::failed: counters_.failed += started.request.kind == TransferKind::soa ? 0 : 1; break;
  }
  Zone* zone = get(started.zone);
  if (zone == nullptr || zone->step != Step::transferring) return;
  const u32 index = started.zone.index;
  // Another transfer follows one that brought nothing, and is what was wished for.
  if (result.outcome != TransferResult::Outcome::installed)
    zone->forced = std::exchange(zone->forced_again, false) || zone->forced;
  if (started.request.kind == TransferKind::soa) return on_tcp_answer(now, index, result);
  Primaries::State& primary = primaries_[primary_of(*zone)];
  switch (result.outcome) {
    case TransferResult::Outcome::installed:
      primary.failures = 0;
      zone->whole_next &= ~bit_of(zone->place);
      zone->soa = result.soa;
      set_expire(now, *zone, result.expire, true);
      zone->status = ZoneStatus::current;
      zone->behind_told = false;
      attempt_succeeded(now, index);
      return;
    case TransferResult::Outcome::up_to_date:
      primary.failures = 0;
      if (!holds(*zone)) return queue(index, Wish::transfer);  // it expired, or was asked for anew, meanwhile
      set_expire(now, *zone, result.expire, false);
      attempt_succeeded(now, index);
      return;
    case TransferResult::Outcome::answered:
    case TransferResult::Outcome::failed: break;
  }
  if (result.error == TransferError::serial_older || result.error == TransferError::serial_undefined) ++counters_.behind;
  if (started.request.kind == TransferKind::differences) {
    const WholeZone whole = whole_zone_after(result.error);
    zone->whole = whole == WholeZone::at_once;
    if (zone->whole) return queue(index, Wish::transfer);
    if (whole == WholeZone::next_time) zone->whole_next |= bit_of(zone->place);
  }
  // Where both ways fail by the key, UDP's words are the clearer ones.
  const bool same_trouble = result.error == TransferError::tsig && !zone->by_udp.empty();
  primary_failed(now, index, same_trouble ? zone->by_udp : describe(result.error));
}

}  // namespace samara::secondary
