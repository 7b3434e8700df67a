// PrimaryConfig: everything an authoritative primary is told at start: zones with their texts, what dynamic updates may change,
// and the catalogs it produces. service_config.h says how it travels and who owns what it refers to.
#pragma once

#include "server/config/service_config.h"
#include "server/config/update_policy.h"

namespace samara::server {

constexpr size_t max_zone_files = 1024;      // of one zone
constexpr size_t max_catalog_groups = 1024;  // of one catalog
constexpr size_t max_group_name = 255;       // RFC 9432 section 4.4.2: one character string

// One text of a zone. `path` is what error messages call it and what $INCLUDE finds it by.
struct ZoneFile {
  std::string_view path;
  std::string_view text;
  friend bool operator==(const ZoneFile&, const ZoneFile&) = default;
};

struct ZoneSource {
  dns::Name name;
  // The zone file, then what its $INCLUDE directives name. None: the texts could not be had, and a server that has the zone
  // keeps the version it serves.
  std::vector<ZoneFile> files;
  ZoneOverrides overrides{};
  friend bool operator==(const ZoneSource&, const ZoneSource&) = default;
};

// Zones of a catalog that its consumers are to treat alike, by a name they know (RFC 9432 section 4.4.2).
struct CatalogGroup {
  std::string_view name;
  std::vector<dns::Name> zones;
  friend bool operator==(const CatalogGroup&, const CatalogGroup&) = default;
};

// A catalog zone (RFC 9432) that the primary makes of the names of its zones.
struct ProducedCatalog {
  dns::Name name;  // not that of a zone
  // Absent: every zone of `zones`. Otherwise these, each of which is one of them.
  std::optional<std::vector<dns::Name>> members;
  std::vector<CatalogGroup> groups;  // their zones are members
  ZoneOverrides overrides{};         // of the catalog itself
  // When what names its members was last written, in seconds since 1970: its serial after a start, so that a start alone
  // changes nothing. Absent: the time of the start.
  std::optional<u64> written{};
  friend bool operator==(const ProducedCatalog&, const ProducedCatalog&) = default;
};

struct PrimaryConfig : ServiceConfig {
  static constexpr std::string_view role = "primary";
  std::vector<ZoneSource> zones;          // names are unique
  std::vector<ProducedCatalog> catalogs;  // names are unique, and not those of zones
  std::vector<UpdateRule> update_rules;   // rights to update besides those that access.update gives
  ZoneLimits update_limits = default_update_limits;
  friend bool operator==(const PrimaryConfig&, const PrimaryConfig&) = default;
};

Result<PrimaryConfig, ConfigError> read_primary_config(const codec::DeviceTree& tree);
// `config` keeps the ranges (the YAML schema and the command line see to that).
void write_primary_config(const PrimaryConfig& config, codec::DeviceTreeWriter& out);

}  // namespace samara::server
