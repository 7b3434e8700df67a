#include "ops/yaml/primary_sections.h"

#include <array>

#include "dns-core/rdata/rdata_text.h"
#include "ops/files.h"
#include "ops/nearest.h"
#include "ops/yaml/access.h"
#include "ops/yaml/names_seen.h"
#include "ops/yaml/peers.h"
#include "ops/yaml/writing.h"
#include "server/config/update_rules.h"

namespace samara::ops::yaml {

namespace {

constexpr std::string_view zone_form = "NAME: {file: FILE} lines";
constexpr size_t max_zone_folders = 64;
constexpr std::string_view catalog_form = "NAME: {members: all} lines";
constexpr std::string_view types_form = "a list of record types such as [A, AAAA, TXT], or any";
constexpr std::string_view names_form = "zone, self, self-subtree, {exact: [NAME, …]} or {subtree: [NAME, …]}";
const std::array<std::string, 2> operations{"add", "delete"};
const std::array<std::string, 3> own_names{"zone", "self", "self-subtree"};

// Whether `value` is a mapping of at most `max` entries; reports when not.
bool is_mapping_of(const Value& value, const Reading& reading, size_t max, std::string_view what, std::string_view form) {
  if (!value.is_mapping()) {
    reading.error(value, std::string(kind_name(value)) + " where " + std::string(what) + " belong", std::string(form));
    return false;
  }
  if (value.entries.size() > max) {
    reading.error(value, "too many " + std::string(what), "at most " + std::to_string(max));
    return false;
  }
  return true;
}

// Where zones' files may lie; without a value, in the manifest's folder (and each zone's own).
void read_folders(const Value* value, const Reading& reading, Deployment& deployment) {
  ZoneFolders& folders = deployment.folders;
  for (const std::string& file : reading.secret_files()) folders.withhold(file);
  folders.withhold(reading.file());
  if (value == nullptr) return (void)folders.allow(path_beside(reading.file(), "."));  // it was read from there
  folders.allow_no_others();
  for_items(value, reading, max_zone_folders, "a list of folders such as [zones]", [&](const Value& item) {
    const auto path = reading.text(item, "the path of a folder", server::max_path_size);
    if (!path) return;
    deployment.zone_folders.push_back(path_beside(reading.file(), *path));
    const auto allowed = folders.allow(deployment.zone_folders.back());
    if (!allowed) reading.error(item, "folder " + in_quotes(*path, longest_path) + " " + allowed.error().problem, "a folder");
  });
}

NamesSeen read_zones(const Value& value, const Reading& reading, Deployment& deployment) {
  NamesSeen seen;
  if (!is_mapping_of(value, reading, server::max_zones, "zones", zone_form)) return seen;
  server::PrimaryConfig& config = *deployment.primary();
  for (const auto& [key, content] : value.entries) {
    const std::optional<dns::Name> name = reading.name(key);
    if (name && !seen.add(*name)) {
      reading.error(key, "zone " + in_quotes(key.text) + " stands twice", "each zone once");
    }
    Fields fields(content, reading, "zone " + key.text);
    const Value* file = fields.require("file", "file: the zone's master file, relative to the manifest");
    server::ZoneOverrides overrides = read_overrides(fields, reading, config);
    fields.finish();
    if (file == nullptr) continue;
    const std::optional<std::string> path = reading.text(*file, "the path of a master file", server::max_path_size);
    if (!path || !name) continue;
    add_zone(deployment, *name, path_beside(reading.file(), *path), reading.place(*file), reading.found());
    config.zones.back().overrides = std::move(overrides);
  }
  return seen;
}

// A list of names, each one of `among`, which `whose` describes.
std::vector<dns::Name> read_members(const Value& value, const Reading& reading, const NamesSeen& among,
                                    std::string_view whose) {
  std::vector<dns::Name> members;
  NamesSeen seen;
  for_items(&value, reading, server::max_zones, "a list of zones' names", [&](const Value& item) {
    const std::optional<dns::Name> name = reading.name(item);
    if (!name) return;
    if (!among.has(*name)) {
      return reading.error(item, "no zone " + in_quotes(item.text), std::string(whose),
                           nearest_word(text_of(*name), among.texts()));
    }
    if (!seen.add(*name)) return reading.error(item, in_quotes(item.text) + " stands twice in the list", "each zone once");
    members.push_back(*name);
  });
  return members;
}

std::vector<server::CatalogGroup> read_groups(const Value& value, const Reading& reading, const NamesSeen& members,
                                              std::string_view whose, Deployment& deployment) {
  std::vector<server::CatalogGroup> groups;
  if (!is_mapping_of(value, reading, server::max_catalog_groups, "groups", "NAME: [ZONE, …] lines")) return groups;
  for (const auto& [key, content] : value.entries) {
    const auto name = reading.text(key, "a group's name", server::max_group_name);
    if (name) groups.push_back({deployment.keep(*name), read_members(content, reading, members, whose)});
  }
  return groups;
}

void read_catalogs(const Value& value, const Reading& reading, const NamesSeen& zones, Deployment& deployment) {
  if (!is_mapping_of(value, reading, server::max_catalogs, "catalogs", catalog_form)) return;
  server::PrimaryConfig& config = *deployment.primary();
  NamesSeen seen;
  for (const auto& [key, content] : value.entries) {
    server::ProducedCatalog catalog;
    if (const auto name = reading.name(key)) {
      catalog.name = *name;
      if (!seen.add(*name)) reading.error(key, "catalog " + in_quotes(key.text) + " stands twice", "each catalog once");
      if (zones.has(*name)) reading.error(key, in_quotes(key.text) + " is a zone as well", "a name of its own");
    }
    Fields fields(content, reading, "catalog " + key.text);
    NamesSeen members;
    const Value* list = fields.find("members");
    if (list != nullptr && !(list->is_scalar() && list->text == "all")) {
      catalog.members = read_members(*list, reading, zones, "the name of a zone under zones");
      for (const dns::Name& name : *catalog.members) members.add(name);
    }
    if (const Value* groups = fields.find("groups")) {
      catalog.groups = read_groups(*groups, reading, catalog.members ? members : zones,
                                   catalog.members ? "the name of a member" : "the name of a zone under zones", deployment);
    }
    catalog.overrides = read_overrides(fields, reading, config);
    fields.finish();
    config.catalogs.push_back(std::move(catalog));
  }
}

std::vector<dns::Name> read_names(const Value* value, const Reading& reading, size_t max) {
  std::vector<dns::Name> names;
  for_items(value, reading, max, "a list of domain names", [&](const Value& item) {
    if (const auto name = reading.name(item)) names.push_back(*name);
  });
  return names;
}

void read_operations(const Value* value, const Reading& reading, server::UpdateRule& rule) {
  if (value == nullptr) return;
  rule.add = rule.remove = false;
  for_items(value, reading, operations.size(), "a list: [add], [delete] or [add, delete]", [&](const Value& item) {
    const auto operation = reading.choice(item, operations, "operation");
    if (operation) (*operation == 0 ? rule.add : rule.remove) = true;
  });
}

void read_rule_names(const Value* value, const Reading& reading, server::UpdateRule& rule) {
  if (value == nullptr) return;
  if (value->is_scalar()) {
    constexpr std::array<server::UpdateNames, 3> kinds{server::UpdateNames::zone, server::UpdateNames::self,
                                                       server::UpdateNames::self_subtree};
    if (const auto kind = reading.choice(*value, own_names, "kind of names")) rule.match = kinds.at(*kind);
    if (rule.match != server::UpdateNames::zone && !rule.key) {
      reading.error(*value, "names: " + value->text + " without a key", "key: the key whose name is meant");
    }
    return;
  }
  Fields fields(*value, reading, "names");
  const Value* exact = fields.find("exact");
  const Value* subtree = fields.find("subtree");
  fields.finish();
  if ((exact == nullptr) == (subtree == nullptr)) {
    if (value->is_mapping()) reading.error(*value, "names of no kind, or of two", std::string(names_form));
    return;
  }
  rule.match = exact != nullptr ? server::UpdateNames::exact : server::UpdateNames::subtree;
  const Value& list = exact != nullptr ? *exact : *subtree;
  rule.names = read_names(&list, reading, server::max_update_rule_names);
  if (list.is_sequence() && list.items.empty()) reading.error(list, "an empty list", "at least one name");
}

void read_types(const Value* value, const Reading& reading, server::UpdateRule& rule) {
  if (value == nullptr) return;
  if (value->is_scalar() && value->text == "any") {
    rule.types = {dns::RrType::ANY};
    return;
  }
  for_items(value, reading, server::max_update_rule_types, types_form, [&](const Value& item) {
    const auto text = reading.text(item, types_form, 32);
    if (!text) return;
    const auto type = dns::parse_type(*text);
    if (type) return rule.types.push_back(*type);
    reading.error(item, in_quotes(*text) + " is not a record type", "a type such as AAAA or TYPE65280",
                  std::string(dns::nearest_type(*text)));
  });
}

void read_rule_limits(Fields& fields, const Reading& reading, server::UpdateRule& rule) {
  const Value* records = fields.find("max-records");
  const Value* octets = fields.find("max-octets");
  if (records != nullptr) rule.max_records = reading.number(*records, server::zone_record_count);
  if (octets != nullptr) rule.max_octets = reading.octets(*octets, server::zone_octet_count);
  if (const Value* value = fields.find("max-records-per-rrset")) {
    rule.max_records_per_rrset = reading.number(*value, server::rrset_record_count);
  }
  const Value* counted = records != nullptr ? records : octets;
  if (counted == nullptr || server::has_own_names(rule.match)) return;
  reading.error(*counted, "a limit of what is at the names of a rule that has none of its own",
                "names: exact, subtree, self or self-subtree; update-limits has those of whole zones");
}

void read_update_rule(const Value& item, const Reading& reading, server::PrimaryConfig& config) {
  server::UpdateRule rule;
  Fields fields(item, reading, "the rule");
  if (const Value* key = fields.find("key")) rule.key = read_key_name(*key, reading, config);
  if (const Value* from = fields.find("from")) rule.from = reading.prefix(*from);
  const Value* what = fields.find("operations");
  const Value* where = fields.find("zones");
  const Value* names = fields.find("names");
  const Value* types = fields.find("types");
  // These would mean all there are, or nothing at all.
  for (const Value* list : {what, where, types}) {
    if (list != nullptr && list->is_sequence() && list->items.empty())
      reading.error(*list, "an empty list", "at least one, or no such key");
  }
  read_operations(what, reading, rule);
  rule.zones = read_names(where, reading, server::max_update_rule_zones);
  read_rule_names(names, reading, rule);
  read_types(types, reading, rule);
  read_truth(fields.find("signed-zones"), reading, rule.signed_zones);
  read_rule_limits(fields, reading, rule);
  fields.finish();
  if (item.is_mapping() && !item.entries.empty()) config.update_rules.push_back(std::move(rule));
  if (item.is_mapping() && item.entries.empty())
    reading.error(item, "an empty rule", "key, from, operations, zones, names or types");
}

}  // namespace

void read_primary(Fields& fields, const Reading& reading, Deployment& deployment) {
  server::PrimaryConfig& config = *deployment.primary();
  for_items(fields.find("update-policy"), reading, server::max_update_rules,
            "a list such as [{key: NAME, zones: [example.com]}]",
            [&](const Value& item) { read_update_rule(item, reading, config); });
  if (const Value* value = fields.find("update-limits")) {
    config.update_limits = read_zone_limits(*value, "update-limits", reading, config.update_limits);
  }
  read_folders(fields.find("zone-folders"), reading, deployment);
  NamesSeen zones;
  if (const Value* value = fields.require("zones", "zones: NAME: {file: FILE} lines"))
    zones = read_zones(*value, reading, deployment);
  if (const Value* value = fields.find("catalogs")) read_catalogs(*value, reading, zones, deployment);
}

}  // namespace samara::ops::yaml
