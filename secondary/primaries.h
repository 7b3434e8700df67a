// Primaries: the servers that zones come from and how they have done. A primary is one address and one key; its health is the
// same for all zones that come from it, so that a dead one costs each zone one packet, not three. Zones name groups of
// primaries; a primary that fails is asked after those that do not.
#pragma once

#include <optional>
#include <vector>

#include "dns-core/tsig/key.h"
#include "platform/base/ip_address.h"
#include "platform/base/time.h"

namespace samara::secondary {

// A primary as it is configured.
struct PrimaryPeer {
  Endpoint endpoint;
  std::optional<u16> key;  // index into the configuration's keys
  friend bool operator==(const PrimaryPeer&, const PrimaryPeer&) = default;
};

struct Primary {
  Endpoint endpoint;
  const dns::TsigKey* key = nullptr;  // outlives the table; null: messages are not signed
  friend bool operator==(const Primary&, const Primary&) = default;
};

// A bit mask has a place for each primary of one zone that was tried; a configuration names no more (server/config).
constexpr size_t max_primaries_per_group = 64;
// Different ones in all; a mistake beyond that.
constexpr size_t max_primaries = 4096;

class Primaries {
 public:
  using Index = u16;
  using Group = u16;

  struct State {
    Primary primary;
    u32 failures = 0;   // in a row
    u32 transfers = 0;  // going on
    bool without_edns = false;
    // It answered by TCP when nothing came by UDP: one packet is enough to see that it still is so.
    bool by_tcp = false;
    Instant tcp_again = {};  // when it may be tried by TCP the next time, while nothing comes by UDP
  };

  // Fails when there is no primary, too many of them, or too many groups. Equal groups are one.
  std::optional<Group> add_group(std::span<const Primary> primaries);
  std::span<const Index> group(Group group) const { return groups_[group]; }
  State& operator[](Index index) { return states_[index]; }
  const State& operator[](Index index) const { return states_[index]; }
  size_t size() const { return states_.size(); }

  // The one to ask next: of those whose bit in `tried` (by place in the group) is not set `preferred` (a place), else the first
  // of those that failed least. Returns nothing when all have been tried.
  std::optional<u8> choose(Group group, u64 tried, std::optional<u8> preferred) const;
  // The place in the group of the primary with this address.
  std::optional<u8> place_of(Group group, const IpAddress& address) const;

 private:
  std::vector<State> states_;
  std::vector<std::vector<Index>> groups_;
};

}  // namespace samara::secondary
