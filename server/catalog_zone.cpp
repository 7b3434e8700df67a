#include "server/catalog_zone.h"

#include <algorithm>

#include "zone/catalog.h"

namespace samara::server {

Result<zone::Zone, zone::BuildError> build_catalog(zone::ZoneMemory& memory, const PrimaryConfig& config,
                                                   const ProducedCatalog& catalog, dns::Serial serial) {
  std::vector<zone::CatalogEntry> entries;
  const auto add = [&](const dns::Name& name) {
    const auto group = std::ranges::find_if(catalog.groups, [&](const CatalogGroup& candidate) {
      return std::ranges::find(candidate.zones, name) != candidate.zones.end();
    });
    entries.push_back({.zone = name, .group = group == catalog.groups.end() ? std::string_view() : group->name});
  };
  if (catalog.members.has_value()) {
    for (const dns::Name& name : *catalog.members) add(name);
  } else {
    for (const ZoneSource& zone : config.zones) add(zone.name);
  }
  zone::ZoneBuilder builder(memory, catalog.name);
  TRY(zone::add_catalog(builder, catalog.name, serial, entries));
  return builder.finish();
}

dns::Serial catalog_serial(const ProducedCatalog& catalog, std::optional<dns::Serial> before, UnixTime wall) {
  const dns::Serial written(static_cast<u32>(catalog.written.value_or(static_cast<u64>(wall.seconds))));
  if (!before.has_value() || written.compare(*before) == dns::Serial::Order::greater) return written;
  return before->next();
}

}  // namespace samara::server
