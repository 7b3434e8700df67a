#include "server/config/secondary_config.h"

#include "server/config/service_reader.h"
#include "server/config/service_writer.h"

namespace samara::server {

namespace {

using codec::DeviceTreeNode;
using codec::DeviceTreeWriter;
using Kind = ConfigError::Kind;

// Those of every role, and what only a secondary has.
Read<void> begin_own_overrides(const NodeReader& node, ZoneOverrides& overrides) {
  TRY(begin_overrides(node, overrides));
  if (node.has("forward-updates")) TRY(node.truth("forward-updates", overrides.forward_updates.emplace()));
  return {};
}

Read<SecondaryZone> read_zone(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::secondary_zone_properties, layout::secondary_zone_children));
  SecondaryZone zone;
  zone.name = TRY(node.name("name"));
  TRY(begin_own_overrides(node, zone.overrides));
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader below = node.below(child);
    if (layout::kind_of(child.name()) == "primary") {
      TRY(add_peer(below, keys, zone.primaries));
    } else if (!TRY(take_override(below, child.name(), keys, zone.overrides))) {
      return below.error(Kind::unknown);
    }
  }
  if (zone.primaries.empty()) return node.error(Kind::missing, {}, "at least one primary@N");
  return zone;
}

Read<ConsumedCatalog> read_catalog(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::secondary_zone_properties, layout::secondary_catalog_children));
  ConsumedCatalog catalog;
  catalog.name = TRY(node.name("name"));
  TRY(begin_own_overrides(node, catalog.overrides));
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader below = node.below(child);
    const std::string_view kind = layout::kind_of(child.name());
    if (kind == "primary") {
      TRY(add_peer(below, keys, catalog.primaries));
    } else if (kind == "member-primary") {
      if (!catalog.member_primaries) catalog.member_primaries.emplace();
      TRY(add_peer(below, keys, *catalog.member_primaries));
    } else if (!TRY(take_override(below, child.name(), keys, catalog.overrides))) {
      return below.error(Kind::unknown);
    }
  }
  if (catalog.primaries.empty()) return node.error(Kind::missing, {}, "at least one primary@N");
  return catalog;
}

Read<TransferInLimits> read_transfers_in(const NodeReader& node) {
  TRY(node.expect_only(layout::transfers_in_properties, {}));
  TransferInLimits limits;
  TRY(node.number("concurrent", transfers_in_count, limits.concurrent));
  TRY(node.number("per-primary", transfers_in_count, limits.per_primary));
  TRY(node.number("zone-octets", transfer_octets, limits.zone_octets));
  TRY(node.number("zone-records", transfer_records, limits.zone_records));
  TRY(node.number("minimum-rate", transfer_rate, limits.minimum_rate));
  TRY(node.number("total-time", transfer_time, limits.total_seconds));
  return limits;
}

// Two bounds, of which the lower may not be above the other even where one is the default.
Read<void> read_bounds(const NodeReader& node, std::string_view low_property, std::string_view high_property, u32& low,
                       u32& high) {
  TRY(node.number(low_property, soa_time, low));
  TRY(node.number(high_property, soa_time, high));
  if (low > high) return node.error(Kind::out_of_range, high_property, {}, {low, soa_time.high});
  return {};
}

Read<RefreshClamps> read_refresh(const NodeReader& node) {
  TRY(node.expect_only(layout::refresh_properties, {}));
  RefreshClamps clamps;
  TRY(read_bounds(node, "refresh-min", "refresh-max", clamps.refresh_min, clamps.refresh_max));
  TRY(read_bounds(node, "retry-min", "retry-max", clamps.retry_min, clamps.retry_max));
  TRY(read_bounds(node, "expire-min", "expire-max", clamps.expire_min, clamps.expire_max));
  return clamps;
}

// Sections that may stand once, by their bit.
Read<void> read_section(const NodeReader& node, std::string_view name, u32& seen, SecondaryConfig& config) {
  constexpr std::array<std::string_view, 2> sections{"transfers-in", "refresh"};
  const auto section = std::ranges::find(sections, name);
  if (section == sections.end()) return node.error(Kind::unknown);
  const u32 bit = u32{1} << (section - sections.begin());
  if ((seen & bit) != 0) return node.error(Kind::duplicate);
  seen |= bit;
  if (name == "transfers-in") config.transfers_in = TRY(read_transfers_in(node));
  if (name == "refresh") config.refresh = TRY(read_refresh(node));
  return {};
}

Read<void> read_own(const NodeReader& node, std::string_view name, u32& seen, SecondaryConfig& config) {
  const std::string_view kind = layout::kind_of(name);
  if (kind == "zone") {
    if (config.zones.size() == max_zones) return node.error(Kind::too_many, {}, "at most 100000 zones");
    config.zones.push_back(TRY(read_zone(node, config.keys)));
  } else if (kind == "catalog") {
    if (config.catalogs.size() == max_catalogs) return node.error(Kind::too_many, {}, "at most 64 catalogs");
    config.catalogs.push_back(TRY(read_catalog(node, config.keys)));
  } else {
    TRY(read_section(node, name, seen, config));
  }
  return {};
}

void write_zone(const SecondaryZone& zone, size_t index, const SecondaryConfig& config, DeviceTreeWriter& out) {
  begin_numbered("zone", index, out);
  write_text_property("name", zone.name, out);
  write_override_properties(zone.overrides, out);
  write_peers("primary", zone.primaries, config, out);
  write_override_nodes(zone.overrides, config, out);
  out.end_node();
}

void write_catalog(const ConsumedCatalog& catalog, size_t index, const SecondaryConfig& config, DeviceTreeWriter& out) {
  begin_numbered("catalog", index, out);
  write_text_property("name", catalog.name, out);
  write_override_properties(catalog.overrides, out);
  write_peers("primary", catalog.primaries, config, out);
  if (catalog.member_primaries) write_peers("member-primary", *catalog.member_primaries, config, out);
  write_override_nodes(catalog.overrides, config, out);
  out.end_node();
}

void write_transfers_in(const TransferInLimits& limits, DeviceTreeWriter& out) {
  out.begin_node("transfers-in");
  out.u32("concurrent", limits.concurrent);
  out.u32("per-primary", limits.per_primary);
  out.u64("zone-octets", limits.zone_octets);
  out.u64("zone-records", limits.zone_records);
  out.u32("minimum-rate", limits.minimum_rate);
  out.u32("total-time", limits.total_seconds);
  out.end_node();
}

void write_refresh(const RefreshClamps& clamps, DeviceTreeWriter& out) {
  out.begin_node("refresh");
  out.u32("refresh-min", clamps.refresh_min);
  out.u32("refresh-max", clamps.refresh_max);
  out.u32("retry-min", clamps.retry_min);
  out.u32("retry-max", clamps.retry_max);
  out.u32("expire-min", clamps.expire_min);
  out.u32("expire-max", clamps.expire_max);
  out.end_node();
}

}  // namespace

Result<SecondaryConfig, ConfigError> read_secondary_config(const codec::DeviceTree& tree) {
  constexpr auto properties = layout::joined(layout::root_properties, layout::secondary_properties);
  const NodeReader root(tree.root(), {});
  SecondaryConfig config;
  ServiceReader service(root, config);
  TRY(service.begin(SecondaryConfig::role, properties, layout::secondary_children));
  TRY(root.truth("forward-updates", config.forward_updates));
  u32 seen = 0;
  for (const DeviceTreeNode& child : root.children()) {
    const NodeReader node = root.below(child);
    if (!TRY(service.take(node, child.name()))) TRY(read_own(node, child.name(), seen, config));
  }
  TRY(service.end());
  const std::vector<u32> zone_order = order_by_name(config.zones);
  if (any_twice(config.zones, zone_order)) return root.error(Kind::duplicate, "name", "zones with names of their own");
  if (any_twice(config.catalogs, order_by_name(config.catalogs))) {
    return root.error(Kind::duplicate, "name", "catalogs with names of their own");
  }
  for (const ConsumedCatalog& catalog : config.catalogs) {
    if (has_name(config.zones, zone_order, catalog.name)) {
      return root.error(Kind::duplicate, "name", "catalogs with names that no zone has");
    }
  }
  return config;
}

void write_secondary_config(const SecondaryConfig& config, DeviceTreeWriter& out) {
  out.begin_node("");
  write_service_properties(config, SecondaryConfig::role, out);
  out.u32("forward-updates", config.forward_updates ? 1 : 0);
  write_service_nodes(config, out);
  write_transfers_in(config.transfers_in, out);
  write_refresh(config.refresh, out);
  for (size_t i = 0; i < config.zones.size(); ++i) write_zone(config.zones[i], i, config, out);
  for (size_t i = 0; i < config.catalogs.size(); ++i) write_catalog(config.catalogs[i], i, config, out);
  out.end_node();
}

}  // namespace samara::server
