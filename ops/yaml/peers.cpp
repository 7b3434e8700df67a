#include "ops/yaml/peers.h"

#include <algorithm>

#include "ops/nearest.h"
#include "ops/yaml/access.h"

namespace samara::ops::yaml {

namespace {

constexpr std::string_view list_form = "a list such as [\"192.0.2.1:53\", {address: \"192.0.2.2:53\", key: NAME}]";
constexpr std::string_view group_form = "the name of a list under primaries, or a list of servers";
constexpr size_t max_groups = 1024;

void add_peer(const Value& at, const server::Peer& peer, const Reading& reading, server::PeerList& list) {
  if (peer.endpoint.port.value() == 0) return reading.error(at, "port 0", "a port from 1 to 65535");
  if (std::ranges::find(list, peer.endpoint, &server::Peer::endpoint) != list.end()) {
    return reading.error(at, "a server that stands twice in the list", "each server once");
  }
  if (list.size() == server::max_peers) {
    return reading.error(at, "too many servers", "at most " + std::to_string(server::max_peers));
  }
  list.push_back(peer);
}

// The group a text names; reports when it is neither that nor an address.
void add_group(const Value& item, const Reading& reading, const PeerGroups& groups, server::PeerList& list) {
  const auto group = groups.find(item.text);
  if (group == groups.end()) {
    std::vector<std::string> names;
    for (const auto& [name, peers] : groups) names.push_back(name);
    return reading.error(item, in_quotes(item.text) + " is neither ADDRESS:PORT nor a list under primaries",
                         std::string(group_form), nearest_word(item.text, names));
  }
  for (const server::Peer& peer : group->second) add_peer(item, peer, reading, list);
}

void read_item(const Value& item, const Reading& reading, const server::ServiceConfig& config, const PeerGroups* groups,
               server::PeerList& list) {
  if (item.is_scalar()) {
    if (groups != nullptr && !parse_endpoint(item.text)) return add_group(item, reading, *groups, list);
    if (const auto endpoint = reading.endpoint(item)) add_peer(item, {*endpoint, std::nullopt}, reading, list);
    return;
  }
  Fields fields(item, reading, "the server");
  const Value* address = fields.require("address", "address: ADDRESS:PORT");
  const Value* key = fields.find("key");
  fields.finish();
  server::Peer peer;
  if (key != nullptr) peer.key = read_key_name(*key, reading, config);
  if (address == nullptr) return;
  const auto endpoint = reading.endpoint(*address);
  if (!endpoint) return;
  peer.endpoint = *endpoint;
  add_peer(*address, peer, reading, list);
}

}  // namespace

server::PeerList read_peers(const Value& value, const Reading& reading, const server::ServiceConfig& config,
                            const PeerGroups* groups) {
  server::PeerList list;
  if (groups != nullptr && value.is_scalar()) {
    read_item(value, reading, config, groups, list);
    return list;
  }
  for_items(&value, reading, server::max_peers, groups == nullptr ? list_form : group_form,
            [&](const Value& item) { read_item(item, reading, config, groups, list); });
  return list;
}

PeerGroups read_peer_groups(const Value& value, const Reading& reading, const server::ServiceConfig& config) {
  PeerGroups groups;
  if (!value.is_mapping()) {
    reading.error(value, std::string(kind_name(value)) + " where lists of servers belong",
                  "NAME: [{address: ADDRESS:PORT, key: NAME}] lines");
    return groups;
  }
  if (value.entries.size() > max_groups) {
    reading.error(value, "too many lists of servers", "at most " + std::to_string(max_groups));
    return groups;
  }
  for (const auto& [name, content] : value.entries) {
    if (parse_endpoint(name.text)) {
      reading.error(name, in_quotes(name.text) + " is an address where a name belongs", "a name for the list");
      continue;
    }
    const size_t errors_before = reading.found().error_count();
    const server::PeerList peers = read_peers(content, reading, config, nullptr);
    if (peers.empty() && reading.found().error_count() == errors_before) {
      reading.error(content, "an empty list of servers", std::string(list_form));
    }
    if (!groups.emplace(name.text, peers).second) {
      reading.error(name, "list " + in_quotes(name.text) + " stands twice", "each name once");
    }
  }
  return groups;
}

server::HistoryConfig read_history(const Value& value, const Reading& reading) {
  server::HistoryConfig history;
  Fields fields(value, reading, "history");
  read_number(fields.find("differences"), reading, server::history_differences, history.differences);
  read_octets(fields.find("size"), reading, server::history_octets, history.octets);
  fields.finish();
  return history;
}

server::ZoneLimits read_zone_limits(const Value& value, std::string_view section, const Reading& reading,
                                    server::ZoneLimits limits) {
  Fields fields(value, reading, std::string(section));
  read_number(fields.find("max-records"), reading, server::zone_record_count, limits.max_records);
  read_octets(fields.find("max-octets"), reading, server::zone_octet_count, limits.max_octets);
  read_number(fields.find("max-records-per-rrset"), reading, server::rrset_record_count, limits.max_records_per_rrset);
  read_number(fields.find("max-types-per-name"), reading, server::name_type_count, limits.max_types_per_name);
  fields.finish();
  return limits;
}

server::ZoneOverrides read_overrides(Fields& fields, const Reading& reading, const server::ServiceConfig& config) {
  server::ZoneOverrides overrides;
  if (const Value* value = fields.find("acl")) {
    Fields lists(*value, reading, "acl");
    const auto list = [&](std::string_view key, std::optional<server::AccessList>& into) {
      const Value* content = lists.find(key);
      if (content != nullptr) read_access_list(content, reading, config, into.emplace());
    };
    list("transfer", overrides.transfer);
    list("notify", overrides.notify_from);
    list("update", overrides.update);
    lists.finish();
  }
  if (const Value* value = fields.find("notify")) overrides.notify = read_peers(*value, reading, config, nullptr);
  if (const Value* value = fields.find("notify-ns-records")) overrides.notify_ns_records = reading.truth(*value);
  if (const Value* value = fields.find("history")) overrides.history = read_history(*value, reading);
  if (const Value* value = fields.find("zone-limits")) {
    overrides.limits = read_zone_limits(*value, "zone-limits", reading, config.zone_limits);
  }
  return overrides;
}

}  // namespace samara::ops::yaml
