#include "platform/net/neighbors/neighbor_cache.h"

#include <algorithm>
#include <bit>

namespace samara::net {

NeighborCache::NeighborCache(const NeighborLimits& limits, Rng& rng)
    : limits_(limits),
      rng_(rng),
      hash_(rng),
      capacity_(std::max<u32>(limits.entries, 4)),
      buckets_(filled(std::bit_ceil(capacity_), none)) {
  nodes_.reserve(capacity_);
  free_.reserve(capacity_);
  questions_.reserve(capacity_);
  released_.items.reserve(limits.waiting_packets);
  unreachable_.items.reserve(max_unreachable);
}

NeighborState NeighborCache::state_at(Instant now, const Node& node) const {
  if (node.entry.state == NeighborState::reachable && now >= node.reachable_until) return NeighborState::stale;
  return node.entry.state;
}

std::optional<NeighborCache::Entry> NeighborCache::find(Instant now, const IpAddress& address) const {
  const u32 index = lookup(address);
  if (index == none) return std::nullopt;
  Entry entry = nodes_[index].entry;
  entry.state = state_at(now, nodes_[index]);
  return entry;
}

bool NeighborCache::asks(const IpAddress& address) const {
  const u32 index = lookup(address);
  return index != none && is_asked(nodes_[index]);
}

void NeighborCache::on_solicitation(Instant now, const IpAddress& address, const MacAddress& mac) {
  if (mac.is_group()) return;
  u32 index = lookup(address);
  if (index == none) index = insert(now, address, NeighborState::stale);
  Node& node = nodes_[index];
  if (node.entry.state != NeighborState::incomplete && node.entry.mac == mac) {
    touch(index);
    return;
  }
  node.entry.mac = mac;
  ++generation_;
  set_state(index, NeighborState::stale);
  release_all(node);
}

bool NeighborCache::on_advertisement(Instant now, const IpAddress& address, const Advertisement& said) {
  const u32 index = lookup(address);
  if (index == none) return false;
  Node& node = nodes_[index];
  if (said.mac.has_value() && said.mac->is_group()) return false;
  if (said.router.has_value()) node.entry.is_router = *said.router;
  const bool answers = said.solicited && is_asked(node);
  if (node.entry.state == NeighborState::incomplete) {
    if (!said.mac.has_value()) return false;
    node.entry.mac = *said.mac;
    if (answers) {
      reach(now, index);
    } else {
      set_state(index, NeighborState::stale);
    }
    ++generation_;
    release_all(node);
    return true;
  }
  const bool differs = said.mac.has_value() && *said.mac != node.entry.mac;
  if (differs && !said.override_) {
    // RFC 4861 section 7.2.5, I: somebody else answers too. What we have stays, but is doubted.
    if (state_at(now, node) == NeighborState::reachable) set_state(index, NeighborState::stale);
    ++generation_;
    return true;
  }
  if (differs) {
    node.entry.mac = *said.mac;
    ++generation_;
  }
  if (answers) {
    reach(now, index);
  } else if (differs) {
    set_state(index, NeighborState::stale);
  }
  return true;
}

void NeighborCache::on_confirmation(Instant now, const IpAddress& address) {
  const u32 index = lookup(address);
  if (index != none && nodes_[index].entry.state != NeighborState::incomplete) reach(now, index);
}

void NeighborCache::on_suspicion(Instant now, const IpAddress& address) {
  const u32 index = lookup(address);
  if (index == none) return;
  const NeighborState state = nodes_[index].entry.state;
  if (state == NeighborState::incomplete || state == NeighborState::probe) return;  // is being asked
  set_state(index, NeighborState::probe);
  ask(now, index);
  await_answer(now, nodes_[index]);
}

void NeighborCache::on_deadline(Instant now) {
  if (now < next_deadline_) return;
  next_deadline_ = Instant::never();
  for (u32 index = 0; index < nodes_.size(); ++index) {
    Node& node = nodes_[index];
    if (!node.used || node.deadline == Instant::never()) continue;
    if (now < node.deadline) {
      arm(node, node.deadline);
      continue;
    }
    if (node.entry.state == NeighborState::delay) {
      set_state(index, NeighborState::probe);
      ask(now, index);
      await_answer(now, node);
    } else if (node.questions < max_solicitations) {
      ask(now, index);
      await_answer(now, node);
    } else {
      if (unreachable_.items.size() < max_unreachable) unreachable_.items.push_back(node.address);
      remove(index);
    }
  }
}

NeighborCache::Resolution NeighborCache::resolve(Instant now, const IpAddress& address, std::optional<WaitingPacket> packet) {
  u32 index = lookup(address);
  if (index == none) {
    index = insert(now, address, NeighborState::incomplete);
    ask(now, index);
    await_answer(now, nodes_[index]);
  }
  touch(index);
  Node& node = nodes_[index];
  switch (state_at(now, node)) {
    case NeighborState::reachable: return {node.entry.mac, node.reachable_until, false, {}};
    case NeighborState::stale:
      // RFC 4861 section 7.3.3: it is used at once, and asked unless somebody confirms it within a while.
      set_state(index, NeighborState::delay);
      arm(node, now + delay_first_probe);
      return {node.entry.mac, node.deadline, false, {}};
    case NeighborState::delay:
    case NeighborState::probe: return {node.entry.mac, node.deadline, false, {}};
    case NeighborState::incomplete: break;
  }
  if (!packet.has_value()) return {};
  Resolution result;
  result.waits = true;
  if (node.packet_count == max_waiting_per_neighbor) {
    result.displaced = node.packets[0];
    std::shift_left(node.packets.begin(), node.packets.end(), 1);
    node.packets[max_waiting_per_neighbor - 1] = *packet;
  } else if (waiting_ < limits_.waiting_packets) {
    node.packets[node.packet_count++] = *packet;
    ++waiting_;
  } else {
    result.waits = false;
  }
  return result;
}

void NeighborCache::mirror(Instant now, const IpAddress& address, const MacAddress& mac) {
  // Packets come in rows.
  if (lru_.newest != none && is_mirrored(nodes_[lru_.newest], address, mac)) return;
  u32 index = lookup(address);
  if (index == none) {
    index = insert(now, address, NeighborState::stale);
  } else if (nodes_[index].entry.mac != mac) {
    ++generation_;
  }
  Node& node = nodes_[index];
  node.entry.mac = mac;
  set_state(index, NeighborState::reachable);
  node.reachable_until = Instant::never();
  touch(index);
}

bool NeighborCache::is_mirrored(const Node& node, const IpAddress& address, const MacAddress& mac) {
  return node.address == address && node.entry.mac == mac && node.entry.state == NeighborState::reachable &&
         node.reachable_until == Instant::never();
}

void NeighborCache::mark_router(const IpAddress& address, bool is_router) {
  const u32 index = lookup(address);
  if (index != none) nodes_[index].entry.is_router = is_router;
}

std::optional<NeighborCache::Question> NeighborCache::poll_question() {
  if (questions_.empty()) return std::nullopt;
  const u32 index = questions_.front();
  questions_.erase(questions_.begin());
  Node& node = nodes_[index];
  node.question_due = false;
  Question question{node.address, std::nullopt};
  if (node.entry.state != NeighborState::incomplete) question.mac = node.entry.mac;
  return question;
}

std::optional<NeighborCache::Released> NeighborCache::poll_released() {
  return released_.take();
}

std::optional<IpAddress> NeighborCache::poll_unreachable() {
  return unreachable_.take();
}

u32 NeighborCache::lookup(const IpAddress& address) const {
  u32 index = buckets_[bucket_of(address)];
  while (index != none && nodes_[index].address != address) index = nodes_[index].next_in_bucket;
  return index;
}

u32 NeighborCache::insert(Instant now, const IpAddress& address, NeighborState state) {
  make_room(state == NeighborState::incomplete);
  if (free_.empty()) {
    free_.push_back(static_cast<u32>(nodes_.size()));
    nodes_.emplace_back();
  }
  const u32 index = free_.back();
  free_.pop_back();
  Node& node = nodes_[index];
  node = Node{};
  node.used = true;
  node.address = address;
  node.entry.state = state;
  node.reachable_until = now;
  u32& bucket = buckets_[bucket_of(address)];
  node.next_in_bucket = bucket;
  bucket = index;
  append(list_of(node), index);
  ++used_;
  return index;
}

void NeighborCache::remove(u32 index) {
  Node& node = nodes_[index];
  release_all(node);
  if (node.question_due) std::erase(questions_, index);
  u32* link = &buckets_[bucket_of(node.address)];
  while (*link != index) link = &nodes_[*link].next_in_bucket;
  *link = node.next_in_bucket;
  unlink(list_of(node), index);
  node.used = false;
  free_.push_back(index);
  --used_;
  ++generation_;
}

// The oldest makes place: of those without an answer for one of their kind, of the others for anybody else. A router gets a
// second chance, but not a place for ever.
void NeighborCache::make_room(bool for_incomplete) {
  if (for_incomplete && incomplete_.count >= std::max<u32>(1, capacity_ / 4)) {
    remove(incomplete_.oldest);
    return;
  }
  if (!free_.empty() || nodes_.size() < capacity_) return;
  if (lru_.oldest == none) return remove(incomplete_.oldest);
  for (int chances = 0; chances < 4 && nodes_[lru_.oldest].entry.is_router; ++chances) touch(lru_.oldest);
  remove(lru_.oldest);
}

void NeighborCache::set_state(u32 index, NeighborState state) {
  Node& node = nodes_[index];
  const bool moves = (node.entry.state == NeighborState::incomplete) != (state == NeighborState::incomplete);
  if (moves) unlink(list_of(node), index);
  node.entry.state = state;
  if (moves) append(list_of(node), index);
  node.deadline = Instant::never();
  node.questions = 0;
  if (node.question_due) {
    node.question_due = false;
    std::erase(questions_, index);
  }
}

void NeighborCache::touch(u32 index) {
  UseList& list = list_of(nodes_[index]);
  if (list.newest == index) return;
  unlink(list, index);
  append(list, index);
}

void NeighborCache::unlink(UseList& list, u32 index) {
  Node& node = nodes_[index];
  (node.older == none ? list.oldest : nodes_[node.older].newer) = node.newer;
  (node.newer == none ? list.newest : nodes_[node.newer].older) = node.older;
  node.older = node.newer = none;
  --list.count;
}

void NeighborCache::append(UseList& list, u32 index) {
  Node& node = nodes_[index];
  node.older = list.newest;
  node.newer = none;
  (list.newest == none ? list.oldest : nodes_[list.newest].newer) = index;
  list.newest = index;
  ++list.count;
}

void NeighborCache::release_all(Node& node) {
  const bool found = node.entry.state != NeighborState::incomplete;
  for (u8 i = 0; i < node.packet_count; ++i) {
    released_.items.push_back({node.packets[i], found ? std::optional(node.entry.mac) : std::nullopt, node.address});
  }
  waiting_ -= node.packet_count;
  node.packet_count = 0;
}

void NeighborCache::ask(Instant now, u32 index) {
  Node& node = nodes_[index];
  ++node.questions;
  if (node.question_due ||
      (node.entry.state == NeighborState::incomplete && !to_everybody_.take(now, question_interval, questions_at_once)))
    return;
  node.question_due = true;
  questions_.push_back(index);
}

void NeighborCache::arm(Node& node, Instant at) {
  node.deadline = at;
  next_deadline_ = std::min(next_deadline_, at);
}

// RFC 4861 section 6.3.2: reachability lasts between half and one and a half of the base time, so that hosts do not ask in
// step.
void NeighborCache::reach(Instant now, u32 index) {
  set_state(index, NeighborState::reachable);
  const i64 base = timers_of(nodes_[index]).reachable.nanoseconds();
  nodes_[index].reachable_until = now + Duration::nanoseconds(base / 2 + base / 1024 * rng_.below(1024));
}

}  // namespace samara::net
