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
  if (ready_.empty() && urgent_.empty()) return 0;
  may_send_ = std::max(now, total_.next(total_interval_, limits_.queries_per_second));
  if (may_send_ > now) return 0;
  const u32 slot = take_query();
  if (slot == no_index) return 0;

  // Notified zones do not keep the others waiting for ever.
  IndexList& list = !urgent_.empty() && (urgent_turn_ || ready_.empty()) ? urgent_ : ready_;
  urgent_turn_ = !urgent_turn_;
  const u32 index = list.first();
  list.remove(links_, index);
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
  zone.tried |= u64{1} << *place;
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
  const bool once = primaries_[query.primary].failures != 0;
  end_query(index);
  if (!note.empty()) {
    zone.by_udp = note;
    zone.promised.reset();
    return queue_transfer(index);
  }
  if (zone.tries < query_timeouts.size() && !once) {
    make_ready(now, index);
    return;
  }
  primary_failed(now, index, describe(SoaAnswer::foreign));
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
    end_query(index);
    on_answer(now, index, reply);
    return;
  }
}

void RefreshTable::on_answer(Instant now, u32 index, const SoaReply& reply) {
  Zone& zone = zones_[index];
  Primaries::State& primary = primaries_[primary_of(zone)];
  switch (reply.answer) {
    case SoaAnswer::good:
      primary.failures = 0;
      on_serial(now, index, reply);
      return;
    case SoaAnswer::truncated:
      primary.failures = 0;
      zone.promised.reset();
      queue_transfer(index);
      return;
    case SoaAnswer::no_edns:
      primary.without_edns = true;
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
      if (!zone.behind_told) {
        log(Level::warning, "zone ", name_of(index), ": ", primaries_[primary_of(zone)].primary.endpoint, " has serial ",
            reply.soa.serial.value(), ", which is not newer than ", zone.soa.serial.value(), "; kept");
      }
      zone.behind_told = true;
      zone.reason = "the serial of the primary is older";
      next_primary(now, index);
      return;
    }
  }
  zone.promised = reply.soa.serial;
  queue_transfer(index);
}

void RefreshTable::queue_transfer(u32 index) {
  Zone& zone = zones_[index];
  zone.step = Step::queued;
  set_due(index, Instant::never());
  if (waiting_.size() < primaries_.size()) waiting_.resize(primaries_.size());
  waiting_[primary_of(zone)].push(links_, index);
}

std::optional<StartTransfer> RefreshTable::poll_transfer() {
  if (transfers_ == limits_.transfers) return std::nullopt;
  const u32 count = static_cast<u32>(waiting_.size());
  for (u32 i = 0; i < count; ++i) {
    const u32 at = (next_waiting_ + i) % count;
    Primaries::State& primary = primaries_[static_cast<Primaries::Index>(at)];
    if (waiting_[at].empty() || primary.transfers == limits_.transfers_per_primary) continue;
    next_waiting_ = (at + 1) % count;
    const u32 index = waiting_[at].first();
    waiting_[at].remove(links_, index);
    Zone& zone = zones_[index];
    zone.step = Step::transferring;
    ++primary.transfers;
    ++transfers_;
    StartTransfer start{.zone = {index, zone.generation},
                        .primary = primary.primary,
                        .primary_index = static_cast<Primaries::Index>(at),
                        .request = {}};
    const bool held = holds(zone);
    start.request.zone = name_of(index);
    start.request.kind = held && !zone.whole ? TransferKind::differences : TransferKind::whole;
    start.request.id = dns::MessageId(rng_.u16_value());
    if (held) start.request.ours = zone.soa.serial;
    start.request.promised = zone.promised;
    start.request.key = primary.primary.key;
    start.request.edns = !primary.without_edns;
    return start;
  }
  return std::nullopt;
}

void RefreshTable::on_transfer_done(Instant now, const StartTransfer& started, const TransferResult& result) {
  --transfers_;
  --primaries_[started.primary_index].transfers;
  switch (result.outcome) {
    case TransferResult::Outcome::installed: ++counters_.installed; break;
    case TransferResult::Outcome::up_to_date: ++counters_.up_to_date; break;
    case TransferResult::Outcome::failed: ++counters_.failed; break;
  }
  Zone* zone = get(started.zone);
  if (zone == nullptr || zone->step != Step::transferring) return;
  const u32 index = started.zone.index;
  Primaries::State& primary = primaries_[primary_of(*zone)];
  switch (result.outcome) {
    case TransferResult::Outcome::installed:
      primary.failures = 0;
      zone->soa = result.soa;
      set_expire(now, *zone, result.expire, true);
      zone->status = ZoneStatus::current;
      zone->behind_told = false;
      attempt_succeeded(now, index);
      return;
    case TransferResult::Outcome::up_to_date:
      primary.failures = 0;
      if (!holds(*zone)) {  // it expired, or was asked for anew, while the primary was looking
        zone->whole = true;
        queue_transfer(index);
        return;
      }
      set_expire(now, *zone, result.expire, false);
      attempt_succeeded(now, index);
      return;
    case TransferResult::Outcome::failed: break;
  }
  if (started.request.kind == TransferKind::differences && whole_zone_may_help(result.error, result.rcode)) {
    zone->whole = true;
    queue_transfer(index);
    return;
  }
  // Where both ways fail by the key, UDP's words are the clearer ones.
  const bool same_trouble = result.error == TransferError::tsig && !zone->by_udp.empty();
  primary_failed(now, index, same_trouble ? zone->by_udp : describe(result.error));
}

}  // namespace samara::secondary
