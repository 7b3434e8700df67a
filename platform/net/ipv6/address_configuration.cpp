#include "platform/net/ipv6/address_configuration.h"

#include <algorithm>
#include <utility>

#include "platform/net/ipv6/fair_share.h"
#include "platform/net/ipv6/interface_identifier.h"

namespace samara::net::ipv6 {
namespace {

using Origin = LocalAddress::Origin;
using Condition = LocalAddress::Condition;

// RFC 4861 section 10, for RFC 4862 section 5.4.2: a random time before the first solicitation.
constexpr u32 max_delay_ms = 1000;
// RFC 7217 section 7.
constexpr u8 identifier_retries = 3;
constexpr Duration identifier_delay = Duration::seconds(1);
// MAX_MULTICAST_SOLICIT: solicitations after one came back to us (RFC 7527 section 4).
constexpr u8 loop_probes = 3;
// MAX_NEIGHBOR_ADVERTISEMENT.
constexpr u8 announcements = 3;
// A duplicate is tried again after this, as an address of IPv4 is (RFC 5227 section 1.1, RATE_LIMIT_INTERVAL): RFC 4862 section
// 5.4.5 leaves it to an operator, whom one forged advertisement should not call.
constexpr Duration duplicate_interval = Duration::seconds(60);
// RFC 4862 section 5.5.3 (e): what is left of a lifetime is not cut below this by an advertisement anybody can forge.
constexpr Duration two_hours = Duration::seconds(2 * 3600);

Duration lifetime(u32 seconds) {
  return Duration::seconds(seconds);
}
Instant end_of(Instant now, u32 seconds) {
  return seconds == infinite_lifetime ? Instant::never() : now + lifetime(seconds);
}

}  // namespace

AddressConfiguration::AddressConfiguration(const Config& config, Rng& rng)
    : mac_(config.mac),
      secret_(config.secret),
      network_(config.network),
      detection_transmits_(std::min(config.detection_transmits, max_transmits)),
      rng_(rng) {}

Instant AddressConfiguration::next_deadline() const {
  Instant next = Instant::never();
  for (const Entry& entry : entries_) {
    if (entry.gone) continue;
    next = std::min({next, entry.next_step, entry.local.valid_until});
    if (entry.local.condition == Condition::preferred) next = std::min(next, entry.local.preferred_until);
  }
  return next;
}

std::optional<IpAddress> AddressConfiguration::link_local() const {
  for (const Entry& entry : entries_) {
    if (!entry.gone && entry.local.origin == Origin::link_local && entry.local.assigned()) return entry.local.address;
  }
  return std::nullopt;
}

bool AddressConfiguration::is_tentative(const IpAddress& address) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return !entry.gone && entry.local.address == address && entry.local.condition == Condition::tentative;
  });
}

bool AddressConfiguration::is_assigned(const IpAddress& address) const {
  return std::ranges::any_of(
      entries_, [&](const Entry& entry) { return !entry.gone && entry.local.address == address && entry.local.assigned(); });
}

std::optional<SendNeighborAdvertisement> AddressConfiguration::answer(const IpAddress& source,
                                                                      const NeighborSolicitation& solicitation) const {
  if (!is_assigned(solicitation.target)) return std::nullopt;
  SendNeighborAdvertisement answer = advertisement(solicitation.target);
  // Who has no address yet is told along with everybody else.
  if (source.is_unspecified()) return answer;
  answer.message.solicited = true;
  answer.destination = source;
  return answer;
}

// To all nodes, and nobody asked.
SendNeighborAdvertisement AddressConfiguration::advertisement(const IpAddress& address) const {
  NeighborAdvertisement message;
  message.target = address;
  message.override_cache = true;
  message.target_link_layer = mac_;
  return {address, all_nodes, message};
}

void AddressConfiguration::start(Instant now) {
  LocalAddress local;
  local.prefix_length = interface_identifier_bits;
  local.origin = Origin::link_local;
  add_generated(now, local, link_local_prefix, 0, {});
}

void AddressConfiguration::on_link_up(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.gone) continue;
    // What was asked of a link that was down was not heard; a duplicate may be none here.
    if (entry.local.condition != Condition::duplicate) {
      entry.transmits_left = entry.local.assigned() ? announcements : detection_transmits_;
    }
    entry.next_step = now;
  }
}

bool AddressConfiguration::add_configured(Instant now, const IpAddress& address, u8 prefix_length) {
  if (!is_unicast(address) || prefix_length > 128) return false;
  size_t configured = 0;
  for (const Entry& entry : entries_) {
    if (entry.gone) continue;
    if (entry.local.address == address) return false;
    if (entry.local.origin == Origin::configured) ++configured;
  }
  if (configured >= max_configured) return false;
  LocalAddress local;
  local.address = address;
  local.prefix_length = prefix_length;
  local.origin = Origin::configured;
  return add(now, local, {}) != nullptr;
}

void AddressConfiguration::on_prefix(Instant now, const IpAddress& router, const PrefixInformation& prefix) {
  // RFC 4862 section 5.5.3 (a) to (c).
  if (!prefix.autonomous || is_link_local(prefix.prefix.address())) return;
  if (prefix.preferred_lifetime > prefix.valid_lifetime) return;
  // (d): prefix and identifier must make up an address; a group is none.
  if (prefix.prefix.length() != 128 - interface_identifier_bits || is_multicast(prefix.prefix.address())) return;
  for (Entry& entry : entries_) {
    if (entry.gone || entry.local.origin != Origin::advertised || !prefix.prefix.contains(entry.local.address)) continue;
    entry.heard = now;
    return set_lifetimes(now, entry, prefix);
  }
  if (prefix.valid_lifetime == 0) return;
  if (!make_room_for_advertised(now, router)) {
    ++turned_away_;
    return;
  }
  LocalAddress local;
  local.prefix_length = interface_identifier_bits;
  local.origin = Origin::advertised;
  local.preferred_until = end_of(now, prefix.preferred_lifetime);
  local.valid_until = end_of(now, prefix.valid_lifetime);
  if (!add_generated(now, local, prefix.prefix.address(), 0, {})) {
    ++turned_away_;
    return;
  }
  Entry& entry = entries_[entries_.size() - 1];
  entry.router = router;
  entry.heard = now;
}

bool AddressConfiguration::make_room_for_advertised(Instant now, const IpAddress& router) {
  struct Share {
    IpAddress router;
    Instant heard;
    size_t index = 0;
  };
  BoundedList<Share, max_advertised> shares;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (!entry.gone && entry.local.origin == Origin::advertised) shares.add({entry.router, entry.heard, i});
  }
  if (!shares.full()) return true;
  const auto evicted = entry_to_evict<Share>(shares.values(), router, now);
  if (!evicted.has_value()) return false;
  retire(entries_[shares[*evicted].index]);
  return true;
}

void AddressConfiguration::set_lifetimes(Instant now, Entry& entry, const PrefixInformation& prefix) {
  entry.local.preferred_until = end_of(now, prefix.preferred_lifetime);
  // RFC 4862 section 5.5.3 (e) 1 to 3.
  const Instant offered = end_of(now, prefix.valid_lifetime);
  if (lifetime(prefix.valid_lifetime) > two_hours || offered > entry.local.valid_until) {
    entry.local.valid_until = offered;
  } else if (entry.local.valid_until > now + two_hours) {
    entry.local.valid_until = now + two_hours;
  }
  settle_condition(now, entry);
}

void AddressConfiguration::settle_condition(Instant now, Entry& entry) {
  if (!entry.local.assigned()) return;
  entry.local.condition = entry.local.preferred_until > now ? Condition::preferred : Condition::deprecated;
}

bool AddressConfiguration::add_generated(Instant now, const LocalAddress& like, const IpAddress& prefix, u8 dad_counter,
                                         Duration wait) {
  InterfaceIdentifier identifier = stable_identifier(secret_.bytes(), prefix, mac_, network_.bytes(), dad_counter);
  // RFC 7217 section 5: a reserved one counts like one that is taken.
  while (is_reserved(identifier) && dad_counter < identifier_retries) {
    ++dad_counter;
    identifier = stable_identifier(secret_.bytes(), prefix, mac_, network_.bytes(), dad_counter);
  }
  LocalAddress local = like;
  local.address = join(prefix, identifier);
  local.condition = Condition::tentative;
  Entry* entry = add(now, local, wait);
  if (entry == nullptr) return false;
  entry->dad_counter = dad_counter;
  return true;
}

AddressConfiguration::Entry* AddressConfiguration::add(Instant now, const LocalAddress& local, Duration wait) {
  Entry entry;
  entry.local = local;
  if (!entries_.add(entry)) return nullptr;
  Entry& added = entries_[entries_.size() - 1];
  begin_detection(now, added, wait);
  return &added;
}

void AddressConfiguration::begin_detection(Instant now, Entry& entry, Duration wait) {
  if (detection_transmits_ == 0) {
    entry.join_due = entry.joined = true;
    return assign(now, entry);
  }
  // RFC 4862 section 5.4.2: nodes that start, or hear a router, at the same time do not speak at the same time. What others
  // say about the address is heard from now on.
  entry.report_delay = wait + Duration::milliseconds(rng_.below(max_delay_ms + 1));
  entry.join_due = entry.joined = true;
  entry.transmits_left = detection_transmits_;
  entry.next_step = now + entry.report_delay;
}

void AddressConfiguration::assign(Instant now, Entry& entry) {
  entry.next_step = Instant::never();
  entry.local.condition = Condition::preferred;
  settle_condition(now, entry);
  entry.was_up = entry.up_due = true;
}

void AddressConfiguration::retire(Entry& entry) {
  entry.gone = true;
  entry.solicit_due = entry.advertise_due = false;
  entry.down_due = entry.was_up && !entry.up_due;
  entry.up_due = false;
  entry.leave_due = entry.joined && !entry.join_due;
  entry.join_due = false;
}

AddressConfiguration::Entry* AddressConfiguration::find_tentative(const IpAddress& address) {
  for (Entry& entry : entries_) {
    if (!entry.gone && entry.local.address == address && entry.local.condition == Condition::tentative) return &entry;
  }
  return nullptr;
}

void AddressConfiguration::on_solicitation(Instant now, const IpAddress& source, const NeighborSolicitation& solicitation) {
  // RFC 4862 section 5.4.3: from an address, it is not about who may have the target.
  if (!source.is_unspecified()) return;
  Entry* entry = find_tentative(solicitation.target);
  if (entry == nullptr) return;
  const bool ours =
      solicitation.nonce.has_value() && std::ranges::find(entry->nonces, *solicitation.nonce) != entry->nonces.end();
  if (!ours) return on_duplicate(now, *entry);
  ++loopbacks_;
  // RFC 7527 section 4: the link sends our own back. It says nothing about others, who get another chance to answer; once, so
  // that a link that always does so has addresses, too.
  if (entry->probing_loop) return;
  entry->probing_loop = true;
  entry->transmits_left = std::min<u8>(loop_probes, static_cast<u8>(max_transmits - entry->nonces.size()));
}

void AddressConfiguration::on_advertisement(Instant now, const NeighborAdvertisement& advertisement) {
  // RFC 4862 section 5.4.4.
  if (Entry* entry = find_tentative(advertisement.target); entry != nullptr) on_duplicate(now, *entry);
}

void AddressConfiguration::on_duplicate(Instant now, Entry& entry) {
  entry.duplicate_due = true;
  entry.next_step = Instant::never();
  const u8 next = static_cast<u8>(entry.dad_counter + 1);
  const bool generated = entry.local.origin != Origin::configured;
  if (generated && next <= identifier_retries && !entries_.full()) {
    // RFC 7217 section 6. The old one makes room for the new before its last words are out.
    const Entry old = entry;
    retire(entry);
    entry.another_follows = true;
    if (add_generated(now, old.local, old.local.address, next, identifier_delay)) {
      Entry& added = entries_[entries_.size() - 1];
      added.router = old.router;
      added.heard = old.heard;
    }
    return;
  }
  // Stays as a reminder, so that it is not tried again with every advertisement.
  entry.local.condition = Condition::duplicate;
  entry.next_step = now + duplicate_interval;
  entry.solicit_due = false;
  entry.leave_due = entry.joined && !entry.join_due;
  entry.joined = entry.join_due = false;
}

void AddressConfiguration::on_deadline(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.gone) continue;
    if (entry.local.valid_until <= now) {
      retire(entry);
      continue;
    }
    settle_condition(now, entry);
    if (entry.next_step > now) continue;
    if (entry.local.condition == Condition::duplicate) {
      entry.local.condition = Condition::tentative;
      entry.probing_loop = false;
      entry.nonces.clear();
      begin_detection(now, entry, {});
      continue;
    }
    if (entry.local.assigned()) {
      entry.advertise_due = true;
      entry.next_step = --entry.transmits_left > 0 ? now + retransmit_timer_ : Instant::never();
      continue;
    }
    if (entry.transmits_left == 0) {
      assign(now, entry);
      continue;
    }
    --entry.transmits_left;
    entry.solicit_due = true;
    Nonce nonce{};
    rng_.fill(nonce);
    entry.nonces.add(nonce);
    entry.next_step = now + retransmit_timer_;
  }
}

std::optional<AddressOutput> AddressConfiguration::poll() {
  for (size_t i = 0; i < entries_.size();) {
    Entry& entry = entries_[i];
    const IpAddress address = entry.local.address;
    if (std::exchange(entry.join_due, false)) return JoinGroup{solicited_node_group(address), entry.report_delay};
    if (std::exchange(entry.solicit_due, false)) {
      // RFC 4862 section 5.4.2; RFC 7527 section 4.1.
      return SendNeighborSolicitation{
          unspecified, solicited_node_group(address), {address, std::nullopt, entry.nonces[entry.nonces.size() - 1]}};
    }
    if (std::exchange(entry.up_due, false)) return AddressUp{address};
    if (std::exchange(entry.advertise_due, false)) return advertisement(address);
    if (std::exchange(entry.down_due, false)) return AddressDown{address};
    if (std::exchange(entry.duplicate_due, false)) return AddressDuplicate{address, entry.another_follows};
    if (std::exchange(entry.leave_due, false)) return LeaveGroup{solicited_node_group(address)};
    if (entry.gone) {
      entries_.remove_at(i);
    } else {
      ++i;
    }
  }
  return std::nullopt;
}

}  // namespace samara::net::ipv6
