// FollowedZones: what every worker of a secondary knows of the zones it follows besides their data: from whom they come, and
// with which settings. The loader tells it, as zones and catalogs' members come and go.
#pragma once

#include <optional>
#include <vector>

#include "secondary/agent_messages.h"
#include "secondary/name_table.h"
#include "server/config/secondary_config.h"
#include "server/overrides_by_zone.h"

namespace samara::secondary {

class FollowedZones final : public server::ZoneSettings {
 public:
  struct Followed {
    u16 group = 0;
    std::optional<u16> catalog;  // it is a member of; its place in the configuration
    Instant expires = Instant();
  };

  // The configuration outlives this.
  FollowedZones(const server::SecondaryConfig& config, Rng& rng) : config_(config), configured_(config), names_(rng) {}

  // Those of zones that are configured, from now on; outlives this.
  void use(const server::SecondaryConfig& settings) { configured_ = server::OverridesByZone(settings); }
  // Messages of the kinds primaries, follow, unfollow and confirmed.
  void on_message(Instant now, const AgentMessage& message);

  std::optional<Followed> find(const dns::Name& zone) const;
  std::span<const PrimaryPeer> primaries(u16 group) const { return groups_[group]; }
  // A member has its catalog's settings.
  const server::ZoneOverrides& of(const dns::Name& zone) const override;
  std::optional<Duration> expires_in(const dns::Name& zone, Instant now) const override;

 private:
  struct Entry {
    std::vector<u8> name;  // wire form; empty: unused
    Followed followed;
  };
  dns::Name name_of(u32 index) const;
  u32 index_of(const dns::Name& zone) const;
  void add(const dns::Name& zone, const Followed& followed);
  void remove(const dns::Name& zone);

  const server::SecondaryConfig& config_;
  server::OverridesByZone configured_;
  NameTable names_;
  std::vector<Entry> entries_;
  std::vector<u32> unused_;
  std::vector<std::vector<PrimaryPeer>> groups_;
};

}  // namespace samara::secondary
