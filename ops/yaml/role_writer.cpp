#include "ops/yaml/role_writer.h"

#include "dns-core/rdata/rdata_text.h"
#include "server/config/update_rules.h"

namespace samara::ops::yaml {

namespace {

std::string types_of(const std::vector<dns::RrType>& types) {
  if (types == std::vector{dns::RrType::ANY}) return "any";
  std::string text;
  for (const dns::RrType type : types) {
    TextBuffer<32> name;
    dns::write_type(type, name.writer());
    text += (text.empty() ? "" : ", ") + std::string(name.view());
  }
  return '[' + text + ']';
}

void write_update_rule(const server::UpdateRule& rule, YamlLines& out) {
  // A rule has at least this line, which can begin it.
  const std::string operations =
      std::string(rule.add ? "add" : "") + (rule.add && rule.remove ? ", " : "") + (rule.remove ? "delete" : "");
  out.line(2, "- operations: [" + operations + ']');
  if (rule.key) out.value(4, "key", out.key_name(*rule.key));
  if (rule.from) out.value(4, "from", quoted(*rule.from));
  if (!rule.zones.empty()) out.names(4, "zones", rule.zones);
  const std::string kind(server::update_names_word(rule.match));
  if (server::lists_names(rule.match)) {
    out.value(4, "names", "");
    out.names(6, kind, rule.names);
  } else {
    out.value(4, "names", kind);
  }
  if (!rule.types.empty()) out.value(4, "types", types_of(rule.types));
  out.value(4, "signed-zones", word(rule.signed_zones));
  if (rule.max_records) out.number(4, "max-records", *rule.max_records);
  if (rule.max_octets) out.number(4, "max-octets", *rule.max_octets);
  if (rule.max_records_per_rrset) out.number(4, "max-records-per-rrset", *rule.max_records_per_rrset);
}

void write_catalog(const server::ProducedCatalog& catalog, YamlLines& out) {
  out.value(2, quoted(catalog.name), "");
  if (catalog.members) {
    out.names(4, "members", *catalog.members);
  } else {
    out.value(4, "members", "all");
  }
  if (!catalog.groups.empty()) out.value(4, "groups", "");
  for (const server::CatalogGroup& group : catalog.groups) out.names(6, yaml_text(group.name), group.zones);
  out.overrides(4, catalog.overrides);
}

void write_zone(const server::ZoneSource& zone, YamlLines& out) {
  const std::string file = zone.files.empty() ? yaml_text("unread") : out.path(zone.files.front().path);
  if (zone.overrides == server::ZoneOverrides{}) {
    out.value(2, quoted(zone.name), "{file: " + file + '}');
  } else {
    out.value(2, quoted(zone.name), "");
    out.value(4, "file", file);
    out.overrides(4, zone.overrides);
  }
  for (size_t i = 1; i < zone.files.size(); ++i) out.line(4, "# includes " + out.path(zone.files[i].path));
}

// The head of a list of mappings, which may be empty.
template <class List>
void list_head(std::string_view key, const List& list, YamlLines& out) {
  out.value(0, key, list.empty() ? "{}" : "");
}

}  // namespace

void write_role(const server::PrimaryConfig& config, YamlLines& out) {
  if (!config.update_rules.empty()) out.value(0, "update-policy", "");
  for (const server::UpdateRule& rule : config.update_rules) write_update_rule(rule, out);
  out.zone_limits(0, "update-limits", config.update_limits);
  list_head("zones", config.zones, out);
  for (const server::ZoneSource& zone : config.zones) write_zone(zone, out);
  if (!config.catalogs.empty()) out.value(0, "catalogs", "");
  for (const server::ProducedCatalog& catalog : config.catalogs) write_catalog(catalog, out);
}

void write_role(const server::SecondaryConfig& config, YamlLines& out) {
  out.value(0, "forward-updates", word(config.forward_updates));
  const server::TransferInLimits& limits = config.transfers_in;
  out.value(0, "transfers-in", "");
  out.number(2, "concurrent", limits.concurrent);
  out.number(2, "per-primary", limits.per_primary);
  out.number(2, "zone-size", limits.zone_octets);
  out.number(2, "zone-records", limits.zone_records);
  out.number(2, "minimum-rate", limits.minimum_rate);
  out.seconds(2, "total-time", limits.total_seconds);
  const server::RefreshClamps& clamps = config.refresh;
  out.value(0, "refresh", "");
  out.seconds(2, "refresh-min", clamps.refresh_min);
  out.seconds(2, "refresh-max", clamps.refresh_max);
  out.seconds(2, "retry-min", clamps.retry_min);
  out.seconds(2, "retry-max", clamps.retry_max);
  out.seconds(2, "expire-min", clamps.expire_min);
  out.seconds(2, "expire-max", clamps.expire_max);
  list_head("zones", config.zones, out);
  for (const server::SecondaryZone& zone : config.zones) {
    out.value(2, quoted(zone.name), "");
    out.peers(4, "primaries", zone.primaries);
    out.overrides(4, zone.overrides);
  }
  list_head("catalogs", config.catalogs, out);
  for (const server::ConsumedCatalog& catalog : config.catalogs) {
    out.value(2, quoted(catalog.name), "");
    out.peers(4, "primaries", catalog.primaries);
    if (catalog.member_primaries) out.peers(4, "member-primaries", *catalog.member_primaries);
    out.overrides(4, catalog.overrides);
  }
}

}  // namespace samara::ops::yaml
