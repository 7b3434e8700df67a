#include "server/config/primary_config.h"

#include "platform/base/sort.h"
#include "server/config/service_reader.h"
#include "server/config/service_writer.h"
#include "server/config/update_rules.h"

namespace samara::server {

namespace {

using codec::DeviceTreeNode;
using codec::DeviceTreeWriter;
using Kind = ConfigError::Kind;

Read<ZoneFile> read_file(const NodeReader& node) {
  TRY(node.expect_only(layout::file_properties, {}));
  ZoneFile file;
  file.path = TRY(node.text("path", max_path_size, "a path of at most 4096 octets"));
  file.text = codec::as_text(TRY(node.octets("text", {0, codec::max_device_tree_size}, "the file's text")));
  return file;
}

Read<ZoneSource> read_zone(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::zone_properties, layout::primary_zone_children));
  ZoneSource zone;
  zone.name = TRY(node.name("name"));
  TRY(begin_overrides(node, zone.overrides));
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader below = node.below(child);
    if (layout::kind_of(child.name()) == "file") {
      if (zone.files.size() == max_zone_files) return below.error(Kind::too_many, {}, "at most 1024 files a zone");
      zone.files.push_back(TRY(read_file(below)));
    } else if (!TRY(take_override(below, child.name(), keys, zone.overrides))) {
      return below.error(Kind::unknown);
    }
  }
  return zone;
}

Read<CatalogGroup> read_group(const NodeReader& node) {
  TRY(node.expect_only(layout::group_properties, {}));
  CatalogGroup group;
  group.name = TRY(node.text("name", max_group_name, "at most 255 octets"));
  group.zones = TRY(node.names("members", max_zones));
  return group;
}

Read<ProducedCatalog> read_catalog(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::primary_catalog_properties, layout::primary_catalog_children));
  ProducedCatalog catalog;
  catalog.name = TRY(node.name("name"));
  bool all = true;
  TRY(node.truth("all", all));
  if (!all) catalog.members = TRY(node.names("members", max_zones));
  if (all && node.has("members")) return node.error(Kind::unknown, "members");
  if (node.has("written")) TRY(node.number("written", {0, INT64_MAX}, catalog.written.emplace()));
  TRY(begin_overrides(node, catalog.overrides));
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader below = node.below(child);
    const std::string_view kind = layout::kind_of(child.name());
    if (kind == "group") {
      if (catalog.groups.size() == max_catalog_groups) return below.error(Kind::too_many, {}, "at most 1024 groups");
      catalog.groups.push_back(TRY(read_group(below)));
    } else if (!TRY(take_override(below, child.name(), keys, catalog.overrides))) {
      return below.error(Kind::unknown);
    }
  }
  return catalog;
}

struct ByName {
  bool operator()(const dns::Name& a, const dns::Name& b) const { return dns::canonical_compare(a, b) < 0; }
};

Read<std::vector<dns::Name>> sorted_members(const NodeReader& node, std::vector<dns::Name> names) {
  compact_sort(names, ByName());
  if (std::ranges::adjacent_find(names) != names.end()) {
    return node.error(Kind::duplicate, "members", "each zone once");
  }
  return names;
}

// A catalog has a name of its own, and names zones of this blob only; groups those of its members.
Read<void> check_catalog(const NodeReader& root, const ProducedCatalog& catalog, const PrimaryConfig& config,
                         const std::vector<u32>& zone_order) {
  if (has_name(config.zones, zone_order, catalog.name))
    return root.error(Kind::duplicate, "name", "catalogs with names that no zone has");
  const auto is_zone = [&](const dns::Name& name) { return has_name(config.zones, zone_order, name); };
  std::vector<dns::Name> members;
  if (catalog.members) {
    members = TRY(sorted_members(root, *catalog.members));
    if (!std::ranges::all_of(members, is_zone)) return root.error(Kind::malformed, "members", "names of zones in this blob");
  }
  for (const CatalogGroup& group : catalog.groups) {
    TRY(sorted_members(root, group.zones));
    const bool known = std::ranges::all_of(group.zones, [&](const dns::Name& name) {
      return catalog.members ? std::ranges::binary_search(members, name, ByName()) : is_zone(name);
    });
    if (!known) return root.error(Kind::malformed, "members", "groups of members of their catalog");
  }
  return {};
}

Read<void> read_own(const NodeReader& node, std::string_view name, PrimaryConfig& config) {
  const std::string_view kind = layout::kind_of(name);
  if (kind == "zone") {
    if (config.zones.size() == max_zones) return node.error(Kind::too_many, {}, "at most 100000 zones");
    config.zones.push_back(TRY(read_zone(node, config.keys)));
  } else if (kind == "catalog") {
    if (config.catalogs.size() == max_catalogs) return node.error(Kind::too_many, {}, "at most 64 catalogs");
    config.catalogs.push_back(TRY(read_catalog(node, config.keys)));
  } else if (name == "update-policy") {
    if (!config.update_rules.empty()) return node.error(Kind::duplicate);
    config.update_rules = TRY(read_update_rules(node, config.keys));
  } else if (name == "update-limits") {
    config.update_limits = TRY(read_zone_limits(node, default_update_limits));
  } else {
    return node.error(Kind::unknown);
  }
  return {};
}

void write_zone(const ZoneSource& zone, size_t index, const PrimaryConfig& config, DeviceTreeWriter& out) {
  begin_numbered("zone", index, out);
  write_text_property("name", zone.name, out);
  write_override_properties(zone.overrides, out);
  for (size_t i = 0; i < zone.files.size(); ++i) {
    begin_numbered("file", i, out);
    out.string("path", zone.files[i].path);
    out.bytes("text", text_octets(zone.files[i].text));
    out.end_node();
  }
  write_override_nodes(zone.overrides, config, out);
  out.end_node();
}

void write_catalog(const ProducedCatalog& catalog, size_t index, const PrimaryConfig& config, DeviceTreeWriter& out) {
  begin_numbered("catalog", index, out);
  write_text_property("name", catalog.name, out);
  write_override_properties(catalog.overrides, out);
  out.u32("all", catalog.members ? 0 : 1);
  if (catalog.members) write_names("members", *catalog.members, out);
  if (catalog.written) out.u64("written", *catalog.written);
  for (size_t i = 0; i < catalog.groups.size(); ++i) {
    begin_numbered("group", i, out);
    out.string("name", catalog.groups[i].name);
    write_names("members", catalog.groups[i].zones, out);
    out.end_node();
  }
  write_override_nodes(catalog.overrides, config, out);
  out.end_node();
}

}  // namespace

Result<PrimaryConfig, ConfigError> read_primary_config(const codec::DeviceTree& tree) {
  const NodeReader root(tree.root(), {});
  PrimaryConfig config;
  ServiceReader service(root, config);
  TRY(service.begin(PrimaryConfig::role, layout::root_properties, layout::primary_children));
  for (const DeviceTreeNode& child : root.children()) {
    const NodeReader node = root.below(child);
    if (!TRY(service.take(node, child.name()))) TRY(read_own(node, child.name(), config));
  }
  TRY(service.end());
  const std::vector<u32> zone_order = order_by_name(config.zones);
  if (any_twice(config.zones, zone_order)) return root.error(Kind::duplicate, "name", "zones with names of their own");
  if (any_twice(config.catalogs, order_by_name(config.catalogs))) {
    return root.error(Kind::duplicate, "name", "catalogs with names of their own");
  }
  for (const ProducedCatalog& catalog : config.catalogs) TRY(check_catalog(root, catalog, config, zone_order));
  return config;
}

void write_primary_config(const PrimaryConfig& config, DeviceTreeWriter& out) {
  out.begin_node("");
  write_service_properties(config, PrimaryConfig::role, out);
  write_service_nodes(config, out);
  if (!config.update_rules.empty()) write_update_rules(config.update_rules, config, out);
  if (config.update_limits != default_update_limits) write_zone_limits("update-limits", config.update_limits, out);
  for (size_t i = 0; i < config.zones.size(); ++i) write_zone(config.zones[i], i, config, out);
  for (size_t i = 0; i < config.catalogs.size(); ++i) write_catalog(config.catalogs[i], i, config, out);
  out.end_node();
}

}  // namespace samara::server
