#include "secondary/forward_updates.h"

#include <algorithm>

#include "dns-core/message/response.h"
#include "platform/base/byte_order.h"

namespace samara::secondary {
namespace {

using dns::Rcode;

constexpr size_t length_size = 2;  // RFC 1035 section 4.2.2
// As many as there can be between two looks at them.
constexpr size_t max_failures_kept = 64;
constexpr u64 all_places = ~u64{0};

constexpr u64 bit(u8 place) {
  return u64{1} << place;
}

// Another primary may have better to say.
std::string_view why_of_no_use(Rcode rcode) {
  if (rcode == Rcode::SERVFAIL) return "it answers SERVFAIL";
  if (rcode == Rcode::NOTIMP) return "it answers NOTIMP";
  if (rcode == Rcode::NOTAUTH) return "it answers NOTAUTH";
  return {};
}

}  // namespace

UpdateForwarder::UpdateForwarder(const Primaries& primaries, u32 streams, Rng& rng)
    : primaries_(primaries), rng_(rng), slots_(streams) {
  updates_.reserve(max_forwards);
  decided_.reserve(max_forwards);
}

size_t UpdateForwarder::pending() const {
  return static_cast<size_t>(
      std::ranges::count_if(updates_, [](const Update& update) { return update.state != Update::State::unused; }));
}

// ---- updates that come ----------------------------------------------------------------------------------------------

std::optional<u16> UpdateForwarder::room_for(const UpdateToForward& update) const {
  std::optional<u16> unused;
  size_t of_client = 0;
  for (size_t i = 0; i < updates_.size(); ++i) {
    if (updates_[i].state == Update::State::unused) {
      unused = static_cast<u16>(i);
    } else if (updates_[i].outcome.client.address == update.client.address) {
      ++of_client;
    }
  }
  if (of_client >= max_forwards_per_client || octets_ + update.message.size() > max_forward_octets) return std::nullopt;
  if (unused.has_value()) return unused;
  if (updates_.size() == max_forwards) return std::nullopt;
  return static_cast<u16>(updates_.size());
}

void UpdateForwarder::add(Instant now, const UpdateToForward& update) {
  ++counters_.taken;
  ForwardOutcome outcome{.worker = update.worker, .tag = update.tag, .client = update.client, .zone = update.zone};
  const auto room = slots_.empty() || !update.group.has_value() ? std::nullopt : room_for(update);
  if (!room.has_value()) {
    ++counters_.turned_away;
    outcome.reason = update.group.has_value() ? "too many updates are waiting" : "the zone has just gone";
    turned_away_.push_back(std::move(outcome));
    return;
  }
  if (*room == updates_.size()) updates_.emplace_back();
  Update& fresh = updates_[*room];
  fresh = {};
  fresh.state = Update::State::waiting;
  fresh.order = ++last_order_;
  fresh.came = now;
  fresh.due = now;
  fresh.group = *update.group;
  fresh.reason = "no primary could be reached";
  fresh.outcome = std::move(outcome);
  fresh.message.assign(update.message.begin(), update.message.end());
  octets_ += update.message.size();
}

// ---- connections ----------------------------------------------------------------------------------------------------

bool UpdateForwarder::may_connect(const Update& update) const {
  const auto place = primaries_.choose(update.group, update.tried, std::nullopt);
  if (!place.has_value()) return false;
  const Primaries::Index primary = primaries_.group(update.group)[*place];
  const auto busy = std::ranges::count_if(slots_, [primary](const Slot& slot) { return slot.open && slot.primary == primary; });
  return static_cast<u32>(busy) < forward_streams_per_primary;
}

// The one that has waited longest of those that may.
std::optional<u16> UpdateForwarder::next_waiting(Instant now) const {
  std::optional<u16> first;
  for (size_t i = 0; i < updates_.size(); ++i) {
    const Update& update = updates_[i];
    if (update.state != Update::State::waiting || update.due > now) continue;
    if (first.has_value() && updates_[*first].order < update.order) continue;
    if (may_connect(update)) first = static_cast<u16>(i);
  }
  return first;
}

std::optional<UpdateForwarder::Connect> UpdateForwarder::poll_connect(Instant now) {
  const auto idle = std::ranges::find(slots_, false, &Slot::open);
  if (idle == slots_.end()) return std::nullopt;
  const auto next = next_waiting(now);
  if (!next.has_value()) return std::nullopt;
  const auto slot = static_cast<u32>(idle - slots_.begin());
  connect(now, *next, slot);
  return Connect{.slot = slot, .peer = primaries_[slots_[slot].primary].primary.endpoint};
}

void UpdateForwarder::connect(Instant now, u16 index, u32 slot) {
  Update& update = updates_[index];
  Slot& stream = slots_[slot];
  update.place = *primaries_.choose(update.group, update.tried, std::nullopt);
  update.tried |= bit(update.place);
  update.state = Update::State::asking;
  const bool another = update.out_of_reach != 0 || primaries_.choose(update.group, update.tried, std::nullopt).has_value();
  update.due = another ? std::min(now + forward_primary_limit, end_of(update)) : end_of(update);
  stream = {};
  stream.open = true;
  stream.update = index;
  stream.primary = primaries_.group(update.group)[update.place];
  std::array<u8, 2> id{};
  rng_.fill(id);
  stream.id = dns::MessageId(load_be16(id));
  const std::vector<u8>& message = update.message;
  stream.framed.resize(length_size + message.size());
  store_be16(stream.framed, 0, static_cast<u16>(message.size()));
  std::ranges::copy(message, stream.framed.begin() + length_size);
  store_be16(stream.framed, length_size, stream.id.value());
}

Bytes UpdateForwarder::output(u32 slot) const {
  const Slot& stream = slots_[slot];
  return stream.update.has_value() ? Bytes(stream.framed).subspan(stream.sent) : Bytes();
}

MutableBytes UpdateForwarder::input_space(u32 slot) {
  Slot& stream = slots_[slot];
  if (!stream.update.has_value()) return {};
  if (stream.received < length_size) return MutableBytes(stream.length).subspan(stream.received);
  return MutableBytes(stream.message).subspan(stream.received - length_size);
}

void UpdateForwarder::on_input(Instant now, u32 slot, size_t count) {
  Slot& stream = slots_[slot];
  if (!stream.update.has_value()) return;
  stream.received += count;
  if (stream.received < length_size) return;
  if (stream.received == length_size) {
    const u16 size = load_be16(stream.length);
    if (size < dns::header_size || size > max_forward_response) {
      return primary_failed(now, slot, "its answer cannot be read", false);
    }
    stream.message.resize(size);
  }
  if (stream.received == length_size + stream.message.size()) on_response(now, slot);
}

void UpdateForwarder::on_end(Instant now, u32 slot) {
  if (slots_[slot].update.has_value()) primary_failed(now, slot, "it closed the connection without an answer", false);
}

void UpdateForwarder::on_closed(Instant now, u32 slot) {
  Slot& stream = slots_[slot];
  stream.open = false;
  stream.abort = false;
  if (!stream.update.has_value()) return;
  // A primary that was sent nothing can have changed nothing.
  const bool unheard = stream.sent == 0;
  primary_failed(now, slot, stream.connected ? "it closed the connection without an answer" : "it cannot be reached", unheard);
}

std::optional<u32> UpdateForwarder::poll_abort() {
  const auto found = std::ranges::find(slots_, true, &Slot::abort);
  if (found == slots_.end()) return std::nullopt;
  found->abort = false;
  return static_cast<u32>(found - slots_.begin());
}

// The stream is of no more use to its update.
void UpdateForwarder::leave(u32 slot, bool abort) {
  Slot& stream = slots_[slot];
  stream.update.reset();
  stream.abort = abort && stream.open;
  stream.framed = {};
  stream.message = {};
}

// ---- what becomes of an update --------------------------------------------------------------------------------------

void UpdateForwarder::on_response(Instant now, u32 slot) {
  Slot& stream = slots_[slot];
  const u16 index = *stream.update;
  Update& update = updates_[index];
  const auto response = dns::read_response(stream.message);
  if (!response.ok() || response.value().header.id != stream.id || response.value().header.opcode() != dns::Opcode::UPDATE) {
    return primary_failed(now, slot, "its answer cannot be read", false);
  }
  const Rcode rcode = response.value().rcode;
  update.outcome.rcode = rcode;
  update.outcome.primary = primaries_[stream.primary].primary.endpoint;
  update.outcome.response = std::move(stream.message);
  store_be16(update.outcome.response, 0, load_be16(update.message));
  const std::string_view of_no_use = why_of_no_use(rcode);
  if (!of_no_use.empty()) return primary_failed(now, slot, of_no_use, false);
  leave(slot, false);
  decide(now, index);
}

void UpdateForwarder::primary_failed(Instant now, u32 slot, std::string_view reason, bool out_of_reach) {
  const u16 index = *slots_[slot].update;
  Update& update = updates_[index];
  ++counters_.primaries_of_no_use;
  if (failures_.size() < max_failures_kept) {
    failures_.push_back({primaries_[slots_[slot].primary].primary.endpoint, reason});
  }
  if (out_of_reach) {
    update.out_of_reach |= bit(update.place);
  } else {
    update.reason = "no primary answered";
  }
  leave(slot, true);
  ask_next(now, index);
}

void UpdateForwarder::ask_next(Instant now, u16 index) {
  Update& update = updates_[index];
  update.state = Update::State::waiting;
  update.due = now;
  if (primaries_.choose(update.group, update.tried, std::nullopt).has_value()) return;
  if (update.again || update.out_of_reach == 0 || now + forward_pause >= end_of(update)) return decide(now, index);
  update.again = true;
  update.tried = all_places & ~update.out_of_reach;
  update.out_of_reach = 0;
  update.due = now + forward_pause;
}

void UpdateForwarder::decide(Instant now, u16 index) {
  Update& update = updates_[index];
  update.state = Update::State::decided;
  update.outcome.took = now - update.came;
  if (update.outcome.response.empty()) update.outcome.reason = update.reason;
  update.outcome.response.empty() ? ++counters_.failed : ++counters_.answered;
  decided_.push_back(index);
}

std::optional<ForwardOutcome> UpdateForwarder::poll_outcome() {
  if (!turned_away_.empty()) {
    ForwardOutcome outcome = std::move(turned_away_.front());
    turned_away_.erase(turned_away_.begin());
    return outcome;
  }
  if (decided_.empty()) return std::nullopt;
  Update& update = updates_[decided_.front()];
  decided_.erase(decided_.begin());
  octets_ -= update.message.size();
  ForwardOutcome outcome = std::move(update.outcome);
  update = {};
  return outcome;
}

std::optional<ForwardFailure> UpdateForwarder::poll_failure() {
  if (failures_.empty()) return std::nullopt;
  const ForwardFailure failure = failures_.front();
  failures_.erase(failures_.begin());
  return failure;
}

// ---- time -----------------------------------------------------------------------------------------------------------

Instant UpdateForwarder::next_deadline() const {
  Instant next = Instant::never();
  const bool idle = has_idle_slot();
  for (const Update& update : updates_) {
    if (update.state == Update::State::asking) next = std::min(next, update.due);
    // Without a connection for it, it waits for one to end, at most until its own end.
    if (update.state == Update::State::waiting) {
      next = std::min(next, idle && may_connect(update) ? update.due : end_of(update));
    }
  }
  return next;
}

void UpdateForwarder::on_deadline(Instant now) {
  for (u32 slot = 0; slot < slots_.size(); ++slot) {
    const auto index = slots_[slot].update;
    if (!index.has_value() || updates_[*index].due > now) continue;
    primary_failed(now, slot, "it did not answer in time", !slots_[slot].connected);
  }
  for (size_t i = 0; i < updates_.size(); ++i) {
    if (updates_[i].state == Update::State::waiting && end_of(updates_[i]) <= now) decide(now, static_cast<u16>(i));
  }
}

}  // namespace samara::secondary
