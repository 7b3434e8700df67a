#include "secondary/followed_zones.h"

#include <algorithm>

namespace samara::secondary {

void FollowedZones::on_message(Instant now, const AgentMessage& message) {
  if (message.kind == AgentMessageKind::primaries) groups_.push_back(message.members);
  if (message.kind == AgentMessageKind::follow && message.group < groups_.size()) {
    add(message.zone, {message.group, message.catalog, message.held.has_value() ? now + message.held->expires_in : Instant()});
  }
  if (message.kind == AgentMessageKind::confirmed) {
    const u32 index = index_of(message.zone);
    if (index != no_index) entries_[index].followed.expires = now + message.expires_in;
  }
  if (message.kind == AgentMessageKind::unfollow) remove(message.zone);
}

dns::Name FollowedZones::name_of(u32 index) const {
  ByteReader at(entries_[index].name);
  return MUST(dns::Name::from_wire(at));
}

u32 FollowedZones::index_of(const dns::Name& zone) const {
  return names_.find(zone, [&](u32 index) { return name_of(index) == zone; });
}

void FollowedZones::add(const dns::Name& zone, const Followed& followed) {
  u32 index = index_of(zone);
  if (index == no_index) {
    if (unused_.empty()) {
      unused_.push_back(static_cast<u32>(entries_.size()));
      entries_.emplace_back();
    }
    index = unused_.back();
    unused_.pop_back();
    const Bytes wire = zone.wire();
    entries_[index].name.assign(wire.begin(), wire.end());
    names_.insert(zone, index, [&](u32 other) { return name_of(other); });
  }
  entries_[index].followed = followed;
}

void FollowedZones::remove(const dns::Name& zone) {
  const u32 index = index_of(zone);
  if (index == no_index) return;
  names_.erase(zone, index);
  entries_[index] = {};
  unused_.push_back(index);
}

std::optional<FollowedZones::Followed> FollowedZones::find(const dns::Name& zone) const {
  const u32 index = index_of(zone);
  return index == no_index ? std::nullopt : std::optional(entries_[index].followed);
}

const server::ZoneOverrides& FollowedZones::of(const dns::Name& zone) const {
  const auto followed = find(zone);
  if (!followed.has_value() || !followed->catalog.has_value()) return configured_.of(zone);
  return config_.catalogs[*followed->catalog].overrides;
}

std::optional<Duration> FollowedZones::expires_in(const dns::Name& zone, Instant now) const {
  const auto followed = find(zone);
  if (!followed.has_value()) return std::nullopt;
  return followed->expires <= now ? Duration() : followed->expires - now;
}

}  // namespace samara::secondary
