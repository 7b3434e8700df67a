#include "server/pending_updates.h"

#include <algorithm>

namespace samara::server {

PendingUpdates::PendingUpdates(const crypto::SipHashKey& key) : hash_key_(key) {
  entries_.reserve(max_pending_updates);
  staged_.reserve(max_pending_updates);
  for (auto& decided : decided_) decided.reserve(max_pending_updates);
  staged_octets_.reserve(max_staged_octets);
}

size_t PendingUpdates::memory() {
  return max_pending_updates * (sizeof(Entry) + 3 * sizeof(u16)) + max_staged_octets;
}

std::optional<size_t> PendingUpdates::slot_of(Instant now, const Endpoint& peer, Bytes packet) const {
  const u64 hash = crypto::siphash24(hash_key_, packet);
  for (size_t slot = 0; slot < entries_.size(); ++slot) {
    const Entry& entry = entries_[slot];
    if (entry.state == Entry::State::unused || entry.hash != hash || entry.by_stream || entry.asker.peer != peer) continue;
    if (entry.state != Entry::State::answered || entry.at + outcome_kept > now) return slot;
  }
  return std::nullopt;
}

PendingUpdates::Found PendingUpdates::find(Instant now, const Endpoint& peer, Bytes packet) const {
  const auto slot = slot_of(now, peer, packet);
  if (!slot.has_value()) return {};
  const Entry& entry = entries_[*slot];
  if (entry.state != Entry::State::answered) return {Known::waiting, nullptr};
  return {Known::answered, &entry.outcome};
}

void PendingUpdates::answer_again(Instant now, const Endpoint& peer, Bytes packet) {
  const auto slot = slot_of(now, peer, packet);
  if (!slot.has_value() || entries_[*slot].state != Entry::State::answered) return;
  entries_[*slot].state = Entry::State::decided;
  decided_[static_cast<size_t>(To::datagram)].push_back(static_cast<u16>(*slot));
}

std::optional<size_t> PendingUpdates::slot_for_new(Instant now) {
  std::optional<size_t> oldest;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].state == Entry::State::unused) return i;
    if (entries_[i].state == Entry::State::answered && (!oldest.has_value() || entries_[i].at < entries_[*oldest].at))
      oldest = i;
  }
  const bool past = oldest.has_value() && entries_[*oldest].at + outcome_kept <= now;
  if (past || entries_.size() == max_pending_updates) return oldest;
  entries_.emplace_back();
  return entries_.size() - 1;
}

// True when a client may have one more update that waits, of so many octets.
bool PendingUpdates::has_share(const std::optional<u16>& key, const IpAddress& address, size_t octets) const {
  size_t updates = 0;
  size_t staged = 0;
  for (const Entry& entry : entries_) {
    const bool waits = entry.state == Entry::State::staged || entry.state == Entry::State::sent;
    if (!waits || entry.key != key || (!key.has_value() && entry.asker.peer.address != address)) continue;
    ++updates;
    if (entry.state == Entry::State::staged) staged += entry.message_size;
  }
  return updates < max_pending_of_client && staged + octets <= max_staged_octets_of_client;
}

bool PendingUpdates::add(Instant now, Bytes packet, Bytes relayed, std::optional<u16> key, const Asker& asker) {
  if (staged_octets_.size() + relayed.size() > max_staged_octets || relayed.size() + update_relay_head > runtime::max_message)
    return false;
  if (!has_share(key, asker.peer.address, relayed.size())) return false;
  const auto slot = slot_for_new(now);
  if (!slot.has_value()) return false;
  Entry& entry = entries_[*slot];
  entry.state = Entry::State::staged;
  ++entry.turn;
  entry.hash = crypto::siphash24(hash_key_, packet);
  entry.at = now;
  entry.key = key;
  entry.message_at = staged_octets_.size();
  entry.message_size = relayed.size();
  staged_octets_.insert(staged_octets_.end(), relayed.begin(), relayed.end());
  entry.by_stream = asker.stream.has_value();
  entry.forgotten = false;
  entry.asker = asker;
  entry.outcome = {};
  staged_.push_back(static_cast<u16>(*slot));
  return true;
}

size_t PendingUpdates::poll_message(MutableBytes room) {
  if (staged_.empty()) return 0;
  const size_t slot = staged_.front();
  staged_.erase(staged_.begin());
  Entry& entry = entries_[slot];
  ByteWriter out(room);
  const Bytes relayed = Bytes(staged_octets_).subspan(entry.message_at, entry.message_size);
  UpdateRelay relay;
  relay.tag = tag_of(slot);
  relay.peer = entry.asker.peer;
  relay.address_shown = entry.asker.address_shown;
  relay.key = entry.key;
  if (entry.asker.tsig.has_value()) {
    relay.signed_at = entry.asker.tsig->signed_at();
    relay.mac_start = entry.asker.tsig->mac_start();
  }
  relay.message = relayed;
  write_update(relay, out);
  if (staged_.empty()) staged_octets_.clear();
  entry.state = Entry::State::sent;
  return out.overflowed() ? 0 : out.size();
}

void PendingUpdates::on_done(Instant now, const UpdateVerdict& verdict) {
  const size_t slot = verdict.tag & 0xffff;
  if (slot >= entries_.size() || tag_of(slot) != verdict.tag || entries_[slot].state != Entry::State::sent) return;
  Entry& entry = entries_[slot];
  entry.state = Entry::State::decided;
  entry.at = now;
  entry.outcome.rcode = verdict.rcode;
  entry.outcome.why = verdict.why;
  entry.outcome.reason_size = std::min(verdict.reason.size(), entry.outcome.reason.size());
  for (size_t i = 0; i < entry.outcome.reason_size; ++i) entry.outcome.reason[i] = static_cast<char>(verdict.reason[i]);
  entry.outcome.response.assign(verdict.response.begin(), verdict.response.end());
  decided_[static_cast<size_t>(entry.by_stream ? To::stream : To::datagram)].push_back(static_cast<u16>(slot));
}

std::optional<PendingUpdates::Answer> PendingUpdates::poll_answer(To to) {
  std::vector<u16>& decided = decided_[static_cast<size_t>(to)];
  while (!decided.empty()) {
    Entry& entry = entries_[decided.front()];
    decided.erase(decided.begin());
    entry.state = entry.by_stream ? Entry::State::unused : Entry::State::answered;
    if (!entry.forgotten) return Answer{entry.asker, entry.outcome};
  }
  return std::nullopt;
}

void PendingUpdates::forget_stream(runtime::StreamId id) {
  for (Entry& entry : entries_) {
    if (entry.by_stream && entry.asker.stream == id) entry.forgotten = true;
  }
}

size_t PendingUpdates::waiting() const {
  return static_cast<size_t>(std::ranges::count_if(entries_, [](const Entry& entry) {
    return entry.state != Entry::State::unused && entry.state != Entry::State::answered;
  }));
}

}  // namespace samara::server
