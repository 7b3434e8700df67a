#include "ops/yaml/secondary_sections.h"

#include "ops/files.h"
#include "ops/yaml/names_seen.h"
#include "ops/yaml/peers.h"

namespace samara::ops::yaml {

namespace {

constexpr std::string_view primaries_form = "primaries: the servers to fetch it from";

// At least one; reports when there is none.
server::PeerList read_primaries(const Value* value, const Reading& reading, const server::ServiceConfig& config,
                                const PeerGroups& groups) {
  if (value == nullptr) return {};
  const size_t errors_before = reading.found().error_count();
  server::PeerList peers = read_peers(*value, reading, config, &groups);
  // A list that is empty because of what is wrong with it was reported already, here or under `primaries`.
  if (peers.empty() && value->is_sequence() && value->items.empty() && reading.found().error_count() == errors_before) {
    reading.error(*value, "an empty list of servers", std::string(primaries_form));
  }
  return peers;
}

// The name a zone or catalog has; reports when it is used already.
std::optional<dns::Name> read_own_name(const Value& key, const Reading& reading, std::string_view what, NamesSeen& seen) {
  const auto name = reading.name(key);
  if (name && !seen.add(*name)) {
    reading.error(key, std::string(what) + " " + in_quotes(key.text) + " stands twice", "each zone and catalog once");
  }
  return name;
}

// Those of every role, and what only a secondary has.
server::ZoneOverrides read_own_overrides(Fields& fields, const Reading& reading, const server::ServiceConfig& config) {
  server::ZoneOverrides overrides = read_overrides(fields, reading, config);
  if (const Value* value = fields.find("forward-updates")) overrides.forward_updates = reading.truth(*value);
  return overrides;
}

bool is_mapping_of(const Value& value, const Reading& reading, size_t max, std::string_view what) {
  if (!value.is_mapping()) {
    reading.error(value, std::string(kind_name(value)) + " where " + std::string(what) + " belong",
                  "NAME: {primaries: […]} lines");
  } else if (value.entries.size() > max) {
    reading.error(value, "too many " + std::string(what), "at most " + std::to_string(max));
  } else {
    return true;
  }
  return false;
}

void read_zones(const Value& value, const Reading& reading, const PeerGroups& groups, NamesSeen& seen,
                server::SecondaryConfig& config) {
  if (!is_mapping_of(value, reading, server::max_zones, "zones")) return;
  for (const auto& [key, content] : value.entries) {
    server::SecondaryZone zone;
    zone.name = read_own_name(key, reading, "zone", seen).value_or(dns::Name());
    Fields fields(content, reading, "zone " + key.text);
    zone.primaries = read_primaries(fields.require("primaries", primaries_form), reading, config, groups);
    zone.overrides = read_own_overrides(fields, reading, config);
    fields.finish();
    config.zones.push_back(std::move(zone));
  }
}

void read_catalogs(const Value& value, const Reading& reading, const PeerGroups& groups, NamesSeen& seen,
                   server::SecondaryConfig& config) {
  if (!is_mapping_of(value, reading, server::max_catalogs, "catalogs")) return;
  for (const auto& [key, content] : value.entries) {
    server::ConsumedCatalog catalog;
    catalog.name = read_own_name(key, reading, "catalog", seen).value_or(dns::Name());
    Fields fields(content, reading, "catalog " + key.text);
    catalog.primaries = read_primaries(fields.require("primaries", primaries_form), reading, config, groups);
    if (const Value* members = fields.find("member-primaries")) {
      catalog.member_primaries = read_primaries(members, reading, config, groups);
    }
    catalog.overrides = read_own_overrides(fields, reading, config);
    fields.finish();
    config.catalogs.push_back(std::move(catalog));
  }
}

void read_transfers_in(const Value& value, const Reading& reading, server::TransferInLimits& limits) {
  Fields fields(value, reading, "transfers-in");
  read_number(fields.find("concurrent"), reading, server::transfers_in_count, limits.concurrent);
  read_number(fields.find("per-primary"), reading, server::transfers_in_count, limits.per_primary);
  read_octets(fields.find("zone-size"), reading, server::transfer_octets, limits.zone_octets);
  if (const Value* records = fields.find("zone-records")) {
    limits.zone_records = reading.number(*records, server::transfer_records).value_or(limits.zone_records);
  }
  if (const Value* rate = fields.find("minimum-rate")) {
    const auto octets = reading.octets(*rate, {server::transfer_rate.low, server::transfer_rate.high});
    if (octets) limits.minimum_rate = static_cast<u32>(*octets);
  }
  read_seconds(fields.find("total-time"), reading, server::transfer_time, limits.total_seconds);
  fields.finish();
}

void read_bounds(Fields& fields, const Value& at, const Reading& reading, const std::string& what, u32& low, u32& high) {
  const size_t errors_before = reading.found().error_count();
  read_seconds(fields.find(what + "-min"), reading, server::soa_time, low);
  read_seconds(fields.find(what + "-max"), reading, server::soa_time, high);
  if (low > high && reading.found().error_count() == errors_before) {
    reading.error(at, what + "-min is above " + what + "-max", std::to_string(high) + "s at most");
  }
}

void read_refresh(const Value& value, const Reading& reading, server::RefreshClamps& clamps) {
  Fields fields(value, reading, "refresh");
  read_bounds(fields, value, reading, "refresh", clamps.refresh_min, clamps.refresh_max);
  read_bounds(fields, value, reading, "retry", clamps.retry_min, clamps.retry_max);
  read_bounds(fields, value, reading, "expire", clamps.expire_min, clamps.expire_max);
  fields.finish();
}

}  // namespace

void read_secondary(const Value& root, Fields& fields, const Reading& reading, Deployment& deployment) {
  server::SecondaryConfig& config = *deployment.secondary();
  PeerGroups groups;
  if (const Value* value = fields.find("primaries")) groups = read_peer_groups(*value, reading, config);
  const Value* zones = fields.find("zones");
  const Value* catalogs = fields.find("catalogs");
  NamesSeen seen;
  if (zones != nullptr) read_zones(*zones, reading, groups, seen, config);
  if (catalogs != nullptr) read_catalogs(*catalogs, reading, groups, seen, config);
  if (zones == nullptr && catalogs == nullptr) {
    reading.error(root, "a secondary with neither zones nor catalogs", "zones: or catalogs: NAME: {primaries: […]} lines");
  }
  if (const Value* value = fields.find("transfers-in")) read_transfers_in(*value, reading, config.transfers_in);
  if (const Value* value = fields.find("refresh")) read_refresh(*value, reading, config.refresh);
  read_truth(fields.find("forward-updates"), reading, config.forward_updates);
}

}  // namespace samara::ops::yaml
