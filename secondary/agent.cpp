#include "secondary/agent.h"

#include <algorithm>

#include "dns-core/rdata/rdata_text.h"
#include "platform/base/counted.h"
#include "platform/base/log.h"

namespace samara::secondary {

using runtime::StreamId;
using State = TransferIn::State;

SecondaryAgent::SecondaryAgent(Primaries& primaries, const AgentLimits& limits, Rng& rng)
    : limits_(limits),
      table_(primaries, limits.refresh, rng),
      slots_(limits.streams),
      forwarder_(primaries, limits.forward_streams, rng) {}

void SecondaryAgent::on_notify(const dns::Name& zone, const IpAddress& sender, std::optional<dns::Serial> serial) {
  const auto id = table_.find(zone);
  if (id.has_value()) table_.on_notify(now_, *id, sender, serial);
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

void SecondaryAgent::on_client_datagram(Instant now, const Endpoint& peer, Bytes payload) {
  table_.on_datagram(now, wall_, peer, payload);
}

size_t SecondaryAgent::poll_datagram(Instant now, runtime::OutgoingDatagram& out) {
  static_assert(runtime::min_reply_room >= max_soa_query);
  out.local.reset();
  return table_.poll_datagram(now, wall_, out.peer, out.payload);
}

// ---- streams --------------------------------------------------------------------------------------------------------

std::optional<runtime::Connect> SecondaryAgent::poll_connect() {
  if (const auto wanted = forwarder_.poll_connect(now_)) {
    return runtime::Connect{.id = limits_.first_stream + static_cast<u32>(slots_.size()) + wanted->slot, .peer = wanted->peer};
  }
  const auto idle = std::ranges::find(slots_, false, &Slot::used);
  if (idle == slots_.end()) return std::nullopt;
  auto start = table_.poll_transfer(now_);
  if (!start.has_value()) return std::nullopt;
  start->request.limits = limits_.transfer;
  Slot& slot = *idle;
  slot = {};
  slot.used = true;
  slot.stream_open = true;
  slot.number = ++last_number_;
  slot.following = followings_[start->zone.index];
  slot.begin = now_;
  slot.start = *start;
  slot.transfer = std::make_unique<TransferIn>(start->request, now_, wall_);
  const auto index = static_cast<u32>(idle - slots_.begin());
  return runtime::Connect{.id = limits_.first_stream + index, .peer = start->primary.endpoint};
}

void SecondaryAgent::on_stream_connected(Instant, StreamId id) {
  if (const auto forward = forward_of(id)) return forwarder_.on_connected(*forward);
  slot_of(id).connected = true;
}

MutableBytes SecondaryAgent::stream_input_space(StreamId id) {
  if (const auto forward = forward_of(id)) return forwarder_.input_space(*forward);
  Slot& slot = slot_of(id);
  return slot.transfer == nullptr ? MutableBytes() : slot.transfer->input_space();
}

void SecondaryAgent::on_stream_input(Instant now, StreamId id, size_t count) {
  if (const auto forward = forward_of(id)) return forwarder_.on_input(now, *forward, count);
  Slot& slot = slot_of(id);
  if (slot.transfer == nullptr) return;
  slot.transfer->on_input(now, count);
  settle_if_failed(slot);
}

Bytes SecondaryAgent::stream_output(StreamId id) {
  if (const auto forward = forward_of(id)) return forwarder_.output(*forward);
  const Slot& slot = slot_of(id);
  return slot.transfer == nullptr || slot.settled ? Bytes() : slot.transfer->output();
}

void SecondaryAgent::on_stream_output_sent(Instant, StreamId id, size_t count) {
  if (const auto forward = forward_of(id)) return forwarder_.on_sent(*forward, count);
  Slot& slot = slot_of(id);
  if (slot.transfer != nullptr) slot.transfer->on_sent(count);
}

bool SecondaryAgent::stream_finished(StreamId id) {
  if (const auto forward = forward_of(id)) return forwarder_.finished(*forward);
  const Slot& slot = slot_of(id);
  return slot.transfer == nullptr || slot.settled || slot.transfer->state() != State::running;
}

void SecondaryAgent::on_stream_end(Instant now, StreamId id) {
  if (const auto forward = forward_of(id)) return forwarder_.on_end(now, *forward);
  Slot& slot = slot_of(id);
  if (slot.transfer == nullptr) return;
  slot.transfer->on_end(now);
  settle_if_failed(slot);
}

void SecondaryAgent::on_stream_closed(Instant now, StreamId id) {
  if (const auto forward = forward_of(id)) return forwarder_.on_closed(now, *forward);
  Slot& slot = slot_of(id);
  slot.stream_open = false;
  slot.abort = false;
  if (slot.transfer != nullptr && !slot.settled) {
    if (slot.connected) {
      slot.transfer->on_end(now);
    } else {
      slot.transfer->on_failure(TransferError::not_connected);
    }
    settle_if_failed(slot);
  }
  release_if_done(slot);
}

std::optional<StreamId> SecondaryAgent::poll_stream_abort() {
  if (const auto forward = forwarder_.poll_abort()) return limits_.first_stream + static_cast<u32>(slots_.size()) + *forward;
  const auto found = std::ranges::find(slots_, true, &Slot::abort);
  if (found == slots_.end()) return std::nullopt;
  found->abort = false;
  return limits_.first_stream + static_cast<u32>(found - slots_.begin());
}

// ---- what becomes of a transfer -------------------------------------------------------------------------------------

void SecondaryAgent::tell_failure(const Slot& slot) {
  TextBuffer<300 + dns::max_name_text> reason;
  slot.transfer->write_failure(reason.writer());
  const TransferKind asked = slot.start.request.kind;
  const std::string_view kind = asked == TransferKind::soa           ? "SOA query by TCP"
                                : asked == TransferKind::differences ? "IXFR"
                                                                     : "AXFR";
  // The table has a line for what does not answer, and not for each try.
  log(asked == TransferKind::soa ? Level::debug : Level::warning, "zone ", slot.start.request.zone, ": ", kind, " from ",
      slot.start.primary.endpoint, " failed: ", reason.view());
}

void SecondaryAgent::tell_success(const Slot& slot) const {
  const TransferIn& transfer = *slot.transfer;
  const std::string_view kind = transfer.content() == TransferKind::differences ? "IXFR" : "AXFR";
  log(Level::info, "zone ", slot.start.request.zone, ": serial ", transfer.serial()->value(), " from ",
      slot.start.primary.endpoint, " by ", kind, ": ", Counted{transfer.records(), "record"}, ", ", transfer.octets(),
      " octets in ", (now_ - slot.begin).milliseconds(), " ms");
}

// A transfer of minutes says that it lives.
void SecondaryAgent::tell_progress(Slot& slot) const {
  const u64 records = slot.transfer->records();
  if (records < slot.next_line) return;
  slot.next_line = (records / records_between_lines + 1) * records_between_lines;
  const auto took = static_cast<u64>(std::max<i64>((now_ - slot.begin).milliseconds(), 1));
  log(Level::info, "zone ", slot.start.request.zone, ": ", records, " records from ", slot.start.primary.endpoint, " so far, ",
      records * 1000 / took, " a second");
}

void SecondaryAgent::settle(Slot& slot, const TransferResult& result) {
  slot.settled = true;
  slot.awaited = false;
  slot.abort = slot.stream_open && result.outcome == TransferResult::Outcome::failed;
  slot.transfer.reset();
  look_again_ = true;
  table_.on_transfer_done(now_, slot.start, result);
  release_if_done(slot);
}

void SecondaryAgent::settle_if_failed(Slot& slot) {
  if (slot.settled || slot.transfer == nullptr || slot.transfer->state() != State::failed) return;
  tell_failure(slot);
  slot.drop_due = slot.begun;
  settle(slot, {.outcome = TransferResult::Outcome::failed, .error = slot.transfer->error(), .rcode = slot.transfer->rcode()});
}

void SecondaryAgent::release_if_done(Slot& slot) {
  if (!slot.stream_open && slot.settled && !slot.drop_due) slot = {};
}

// ---- updates --------------------------------------------------------------------------------------------------------

std::optional<ForwardOutcome> SecondaryAgent::poll_forward_outcome() {
  for (auto failure = forwarder_.poll_failure(); failure.has_value(); failure = forwarder_.poll_failure()) {
    log(Level::warning, "updates: one could not be passed on to ", failure->primary, ": ", failure->reason);
  }
  auto outcome = forwarder_.poll_outcome();
  if (!outcome.has_value()) return std::nullopt;
  if (outcome->response.empty()) {
    log(Level::warning, "zone ", outcome->zone, ": update of ", outcome->client.address, " not passed on: ", outcome->reason);
  } else {
    log(Level::info, "zone ", outcome->zone, ": update of ", outcome->client.address, " passed on to ", outcome->primary, ": ",
        dns::RcodeText{outcome->rcode}, " after ", outcome->took.milliseconds(), " ms");
  }
  return outcome;
}

// ---- messages -------------------------------------------------------------------------------------------------------

size_t SecondaryAgent::next_batch(Slot& slot, MutableBytes room) {
  ByteWriter out(room);
  write_message(
      {.kind = AgentMessageKind::batch, .transfer = slot.number, .zone = slot.start.request.zone, .following = slot.following},
      out);
  const bool waiting = slot.transfer->input_space().empty();
  const size_t size = slot.transfer->next_batch(wall_, room.subspan(out.size()));
  look_again_ = look_again_ || waiting;
  if (slot.transfer->state() == State::answered) {
    settle(slot, {.outcome = TransferResult::Outcome::answered, .reply = slot.transfer->soa_reply()});
    return 0;
  }
  if (slot.transfer->state() == State::up_to_date) {
    settle(slot, {.outcome = TransferResult::Outcome::up_to_date, .expire = slot.transfer->expire()});
    return 0;
  }
  settle_if_failed(slot);
  if (size == 0 || slot.settled) return 0;
  slot.begun = true;
  tell_progress(slot);
  slot.awaited = slot.transfer->state() == State::complete;
  return out.size() + size;
}

size_t SecondaryAgent::poll_message(MutableBytes room) {
  ByteWriter out(room);
  for (Slot& slot : slots_) {
    if (!slot.used) continue;
    if (slot.drop_due) {
      slot.drop_due = false;
      write_message({.kind = AgentMessageKind::dropped, .transfer = slot.number}, out);
      release_if_done(slot);
      return out.size();
    }
    if (slot.settled || slot.awaited) continue;
    const size_t size = next_batch(slot, room);
    if (size != 0) return size;
    if (slot.drop_due) return poll_message(room);  // it failed just now
  }
  const auto event = table_.poll_event(now_);
  if (!event.has_value()) return 0;
  const bool expired = event->kind == RefreshEvent::Kind::expired;
  write_message({.kind = expired ? AgentMessageKind::expired : AgentMessageKind::confirmed,
                 .zone = table_.name(event->zone),
                 .following = followings_[event->zone.index],
                 .expires_in = event->expires_in},
                out);
  return out.size();
}

void SecondaryAgent::on_message(Instant now, Bytes octets) {
  const auto read = read_message(octets);
  if (!read.ok()) return;
  const AgentMessage& message = read.value();
  switch (message.kind) {
    case AgentMessageKind::follow: follow(message); return;
    case AgentMessageKind::unfollow: unfollow(message.zone); return;
    case AgentMessageKind::installed:
    case AgentMessageKind::rejected: on_verdict(message); return;
    case AgentMessageKind::notified: on_notify(message.zone, message.sender, message.serial); return;
    case AgentMessageKind::refresh:
    case AgentMessageKind::retransfer:
      if (const auto id = table_.find(message.zone)) {
        message.kind == AgentMessageKind::refresh ? table_.refresh_now(now, *id) : table_.retransfer(now, *id);
      }
      return;
    case AgentMessageKind::primaries:
    case AgentMessageKind::batch:
    case AgentMessageKind::dropped:
    case AgentMessageKind::expired:
    case AgentMessageKind::confirmed: return;
  }
}

void SecondaryAgent::on_verdict(const AgentMessage& message) {
  for (Slot& slot : slots_) {
    if (!slot.used || slot.settled || slot.number != message.transfer) continue;
    if (message.kind == AgentMessageKind::rejected) {
      settle(slot, {.outcome = TransferResult::Outcome::failed, .error = TransferError::not_installed});
    } else if (slot.awaited) {
      tell_success(slot);
      settle(slot, {.outcome = TransferResult::Outcome::installed, .soa = message.soa, .expire = slot.transfer->expire()});
    }
    return;
  }
}

void SecondaryAgent::follow(const AgentMessage& message) {
  const auto id = table_.add_zone(now_, message.zone, message.group, message.held, message.is_catalog);
  if (!id.has_value()) return;
  if (followings_.size() <= id->index) followings_.resize(id->index + 1);
  followings_[id->index] = message.following;
}

void SecondaryAgent::unfollow(const dns::Name& zone) {
  const auto id = table_.find(zone);
  if (!id.has_value()) return;
  table_.remove_zone(*id);
  for (Slot& slot : slots_) {
    if (!slot.used || slot.settled || slot.start.zone != *id) continue;
    slot.drop_due = slot.begun && !slot.awaited;
    settle(slot, {.outcome = TransferResult::Outcome::failed, .error = TransferError::cut_short});
  }
}

// ---- time -----------------------------------------------------------------------------------------------------------

Instant SecondaryAgent::next_deadline() const {
  if (look_again_) return now_;
  Instant next = std::min(table_.next_deadline(), forwarder_.next_deadline());
  for (const Slot& slot : slots_) {
    if (slot.transfer != nullptr) next = std::min(next, slot.transfer->next_deadline());
  }
  return next;
}

void SecondaryAgent::on_deadline(Instant now) {
  look_again_ = false;
  table_.on_deadline(now);
  forwarder_.on_deadline(now);
  for (Slot& slot : slots_) {
    if (slot.transfer == nullptr) continue;
    slot.transfer->on_deadline(now);
    settle_if_failed(slot);
  }
}

}  // namespace samara::secondary
