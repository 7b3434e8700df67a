#include "secondary/primaries.h"

#include <algorithm>

namespace samara::secondary {

std::optional<Primaries::Group> Primaries::add_group(std::span<const Primary> primaries) {
  if (primaries.empty() || primaries.size() > max_primaries_per_group) return std::nullopt;
  std::vector<Index> members;
  members.reserve(primaries.size());
  for (const Primary& primary : primaries) {
    auto found = std::ranges::find(states_, primary, &State::primary);
    if (found == states_.end()) {
      if (states_.size() == max_primaries) return std::nullopt;
      states_.push_back({.primary = primary});
      found = states_.end() - 1;
    }
    const auto index = static_cast<Index>(found - states_.begin());
    if (std::ranges::find(members, index) == members.end()) members.push_back(index);
  }
  const auto same = std::ranges::find(groups_, members);
  if (same != groups_.end()) return static_cast<Group>(same - groups_.begin());
  if (groups_.size() > 0xffff) return std::nullopt;
  groups_.push_back(std::move(members));
  return static_cast<Group>(groups_.size() - 1);
}

std::optional<u8> Primaries::choose(Group group, u64 tried, std::optional<u8> preferred) const {
  const auto untried = [tried](size_t place) { return (tried >> place & 1) == 0; };
  const std::vector<Index>& members = groups_[group];
  if (preferred.has_value() && *preferred < members.size() && untried(*preferred)) return preferred;
  std::optional<u8> best;
  for (size_t place = 0; place < members.size(); ++place) {
    if (!untried(place)) continue;
    if (!best.has_value() || states_[members[place]].failures < states_[members[*best]].failures) best = static_cast<u8>(place);
  }
  return best;
}

std::optional<u8> Primaries::place_of(Group group, const IpAddress& address) const {
  const std::vector<Index>& members = groups_[group];
  for (size_t place = 0; place < members.size(); ++place) {
    if (states_[members[place]].primary.endpoint.address == address) return static_cast<u8>(place);
  }
  return std::nullopt;
}

}  // namespace samara::secondary
