// SecondaryConfig: everything a secondary is told at start: which zones and catalogs it follows, from whom, how often, within
// which limits. service_config.h says how it travels and who owns what it refers to.
#pragma once

#include "server/config/service_config.h"

namespace samara::server {

constexpr Range<u32> transfers_in_count{1, 1024};
constexpr Range<u64> transfer_octets{4096, u64{1} << 33};  // as much as all zone memory
constexpr Range<u64> transfer_records{2, 1'000'000'000};   // two SOA records are the least
constexpr Range<u32> transfer_rate{0, 1 << 30};
constexpr Range<u32> transfer_time{1, 7 * 86'400};
constexpr Range<u32> soa_time{1, 0x7fffffff};  // RFC 1035 section 3.3.13: 32 bits; RFC 2181 section 8: the top one is 0

// A zone that is fetched from elsewhere.
struct SecondaryZone {
  dns::Name name;
  PeerList primaries;  // at least one, in the order of preference
  ZoneOverrides overrides{};
  friend bool operator==(const SecondaryZone&, const SecondaryZone&) = default;
};

// A catalog zone (RFC 9432) whose members are fetched as well.
struct ConsumedCatalog {
  dns::Name name;
  PeerList primaries;                        // of the catalog, at least one
  std::optional<PeerList> member_primaries;  // of its members; absent: the same
  ZoneOverrides overrides{};                 // of the catalog and of its members
  const PeerList& primaries_of_members() const { return member_primaries ? *member_primaries : primaries; }
  friend bool operator==(const ConsumedCatalog&, const ConsumedCatalog&) = default;
};

// Bounds on what a primary can make us do.
struct TransferInLimits {
  u32 concurrent = 16;             // transfers at a time
  u32 per_primary = 4;             // and from one address
  u64 zone_octets = u64{1} << 30;  // of a zone as it is transferred
  u64 zone_records = 10'000'000;
  u32 minimum_rate = 1024;   // octets a second, on average over half a minute; 0: as slow as it likes
  u32 total_seconds = 3600;  // from connecting to the last record
  friend bool operator==(const TransferInLimits&, const TransferInLimits&) = default;
};

// A zone's SOA may ask for timers within these bounds; values beyond are moved to the nearest one. In seconds.
struct RefreshClamps {
  u32 refresh_min = 10;
  u32 refresh_max = 28 * 86'400;
  u32 retry_min = 5;
  u32 retry_max = 14 * 86'400;
  u32 expire_min = 60;
  u32 expire_max = 365 * 86'400;
  friend bool operator==(const RefreshClamps&, const RefreshClamps&) = default;
};

struct SecondaryConfig : ServiceConfig {
  static constexpr std::string_view role = "secondary";
  std::vector<SecondaryZone> zones;       // names are unique
  std::vector<ConsumedCatalog> catalogs;  // names are unique, and not those of zones
  TransferInLimits transfers_in;
  RefreshClamps refresh;
  bool forward_updates = false;  // to the zone's primaries (RFC 2136 section 6), from whom access.update admits
  friend bool operator==(const SecondaryConfig&, const SecondaryConfig&) = default;

  bool forwards_updates(const ZoneOverrides& zone) const { return zone.forward_updates.value_or(forward_updates); }
  // True when it passes on updates of any zone there is, or may be with the next reload.
  bool forwards_any_updates() const {
    const auto forwards = [this](const auto& zone) { return forwards_updates(zone.overrides); };
    return forward_updates || std::ranges::any_of(zones, forwards) || std::ranges::any_of(catalogs, forwards);
  }
};

Result<SecondaryConfig, ConfigError> read_secondary_config(const codec::DeviceTree& tree);
// `config` keeps the ranges (the YAML schema sees to that).
void write_secondary_config(const SecondaryConfig& config, codec::DeviceTreeWriter& out);

}  // namespace samara::server
