#include "server/config/service_reader.h"

#include "server/config/blob_layout.h"
#include "server/config/network_config.h"

namespace samara::server {

namespace {

using codec::DeviceTreeNode;
using Kind = ConfigError::Kind;

Read<Endpoint> read_listen(const NodeReader& node) {
  TRY(node.expect_only(layout::listen_properties, {}));
  return node.endpoint("endpoint");
}

Read<TsigKey> read_key(const NodeReader& node) {
  TRY(node.expect_only(layout::key_properties, {}));
  TsigKey key;
  key.name = TRY(node.name("name"));
  const std::optional<KeyAlgorithm> algorithm = parse_key_algorithm(TRY(node.text("algorithm", "hmac-sha256 or the like")));
  if (!algorithm) return node.error(Kind::malformed, "algorithm", "hmac-sha256 or the like");
  key.algorithm = *algorithm;
  key.secret = codec::as_text(TRY(node.octets("secret", {key_secret_size.low, key_secret_size.high}, "16 to 512 octets")));
  return key;
}

Read<AccessRule> read_rule(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::rule_properties, {}));
  AccessRule rule;
  rule.from = TRY(node.prefix("from"));
  rule.key = TRY(node.key("key", keys));
  return rule;
}

Read<AccessList> read_access_list(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only({}, layout::access_list_children));
  AccessList list;
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader rule = node.below(child);
    if (list.size() == max_access_rules) return rule.error(Kind::too_many, {}, "at most 1024 rules a list");
    list.push_back(TRY(read_rule(rule, keys)));
  }
  return list;
}

Read<AccessControl> read_access(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only({}, layout::access_children));
  AccessControl access;
  for (const DeviceTreeNode& child : node.children()) {
    const std::string_view kind = child.name();
    AccessList list = TRY(read_access_list(node.below(child), keys));
    if (kind == "query") {
      access.query = std::move(list);
    } else if (kind == "transfer") {
      access.transfer = std::move(list);
    } else if (kind == "notify") {
      access.notify = std::move(list);
    } else if (kind == "update") {
      access.update = std::move(list);
    }
  }
  return access;
}

Read<Identity> read_identity(const NodeReader& node) {
  TRY(node.expect_only(layout::identity_properties, {}));
  Identity identity;
  if (node.has("server-id")) identity.server_id = TRY(node.text("server-id", max_identity_text, "at most 255 octets"));
  if (node.has("version")) identity.version = TRY(node.text("version", max_identity_text, "at most 255 octets"));
  if (node.has("nsid")) identity.nsid = codec::as_text(TRY(node.octets("nsid", {1, max_nsid_size}, "1 to 128 octets")));
  return identity;
}

Read<Limits> read_limits(const NodeReader& node) {
  TRY(node.expect_only(layout::limit_properties, {}));
  Limits limits;
  TRY(node.number("udp-payload-ipv4", udp_payload_size, limits.udp_payload_ipv4));
  TRY(node.number("udp-payload-ipv6", udp_payload_size, limits.udp_payload_ipv6));
  TRY(node.number("tcp-clients", tcp_client_count, limits.tcp_clients));
  TRY(node.number("tcp-clients-per-prefix", tcp_client_count, limits.tcp_clients_per_prefix));
  TRY(node.number("tcp-prefix-ipv4", ipv4_prefix_length, limits.tcp_prefix_ipv4));
  TRY(node.number("tcp-prefix-ipv6", ipv6_prefix_length, limits.tcp_prefix_ipv6));
  TRY(node.number("tcp-idle", tcp_idle_time, limits.tcp_idle_seconds));
  TRY(node.number("tcp-queries", tcp_query_count, limits.tcp_queries_per_connection));
  TRY(node.number("zone-memory", zone_memory_size, limits.zone_memory));
  TRY(node.number("transfers", transfer_count, limits.transfers));
  TRY(node.number("transfers-per-prefix", transfer_count, limits.transfers_per_prefix));
  TRY(node.number("signature-warning", signature_warning_time, limits.signature_warning_seconds));
  return limits;
}

Read<RateLimit> read_rate_limit(const NodeReader& node) {
  TRY(node.expect_only(layout::rate_limit_properties, layout::rate_limit_children));
  RateLimit rate;
  TRY(node.number("responses-per-second", response_rate, rate.responses_per_second));
  TRY(node.number("slip", rate_slip, rate.slip));
  TRY(node.number("window", rate_window, rate.window_seconds));
  TRY(node.number("prefix-ipv4", ipv4_prefix_length, rate.prefix_ipv4));
  TRY(node.number("prefix-ipv6", ipv6_prefix_length, rate.prefix_ipv6));
  TRY(node.number("table-size", rate_table_size, rate.table_size));
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader exempt = node.below(child);
    if (rate.exempt.size() == max_exempt_prefixes) return exempt.error(Kind::too_many, {}, "at most 256 prefixes");
    TRY(exempt.expect_only(layout::exempt_properties, {}));
    const std::optional<IpPrefix> prefix = TRY(exempt.prefix("from"));
    if (!prefix) return exempt.error(Kind::missing, "from", prefix_form);
    rate.exempt.push_back(*prefix);
  }
  return rate;
}

Read<Cookies> read_cookies(const NodeReader& node) {
  TRY(node.expect_only(layout::cookie_properties, {}));
  Cookies cookies;
  TRY(node.truth("enabled", cookies.enabled));
  TRY(node.truth("required", cookies.required));
  TRY(node.secret("current", cookies.current));
  TRY(node.secret("previous", cookies.previous));
  return cookies;
}

Read<Level> read_log_level(const NodeReader& node) {
  constexpr std::string_view form = "error, warning, info or debug";
  const std::string_view text = TRY(node.text("log-level", form));
  for (const Level level : {Level::error, Level::warning, Level::info, Level::debug}) {
    if (text == level_name(level)) return level;
  }
  return node.error(Kind::malformed, "log-level", form);
}

Read<HistoryConfig> read_history(const NodeReader& node) {
  TRY(node.expect_only(layout::history_properties, {}));
  HistoryConfig history;
  TRY(node.number("differences", history_differences, history.differences));
  TRY(node.number("octets", history_octets, history.octets));
  return history;
}

Read<StorageConfig> read_storage(const NodeReader& node) {
  TRY(node.expect_only(layout::storage_properties, {}));
  StorageConfig storage;
  storage.file = TRY(node.text("file", max_path_size, "a path of at most 4096 octets"));
  TRY(node.number("size", storage_size, storage.size));
  return storage;
}

Read<PeerList> read_notify(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only({}, layout::notify_children));
  PeerList peers;
  for (const DeviceTreeNode& child : node.children()) TRY(add_peer(node.below(child), keys, peers));
  return peers;
}

Read<void> read_override_access(const NodeReader& node, const std::vector<TsigKey>& keys, ZoneOverrides& overrides) {
  TRY(node.expect_only({}, layout::override_access_children));
  for (const DeviceTreeNode& child : node.children()) {
    const std::string_view kind = child.name();
    AccessList list = TRY(read_access_list(node.below(child), keys));
    if (kind == "transfer") {
      overrides.transfer = std::move(list);
    } else if (kind == "notify") {
      overrides.notify_from = std::move(list);
    } else if (kind == "update") {
      overrides.update = std::move(list);
    }
  }
  return {};
}

// The sections that may stand once; the lists are counted instead.
constexpr std::array<std::string_view, 10> single_sections{"acl",     "identity", "limits",  "rate-limit",  "cookies",
                                                           "network", "notify",   "history", "zone-limits", "storage"};

}  // namespace

Read<ZoneLimits> read_zone_limits(const NodeReader& node, const ZoneLimits& defaults) {
  TRY(node.expect_only(layout::zone_limits_properties, {}));
  ZoneLimits limits = defaults;
  TRY(node.number("max-records", zone_record_count, limits.max_records));
  TRY(node.number("max-octets", zone_octet_count, limits.max_octets));
  TRY(node.number("max-records-per-rrset", rrset_record_count, limits.max_records_per_rrset));
  TRY(node.number("max-types-per-name", name_type_count, limits.max_types_per_name));
  return limits;
}

Read<Peer> read_peer(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::peer_properties, {}));
  Peer peer;
  peer.endpoint = TRY(node.endpoint("endpoint"));
  if (peer.endpoint.port.value() == 0) return node.error(Kind::malformed, "endpoint", endpoint_form);
  peer.key = TRY(node.key("key", keys));
  return peer;
}

Read<void> add_peer(const NodeReader& node, const std::vector<TsigKey>& keys, PeerList& list) {
  if (list.size() == max_peers) return node.error(Kind::too_many, {}, "at most 64 servers a list");
  list.push_back(TRY(read_peer(node, keys)));
  return {};
}

Read<void> begin_overrides(const NodeReader& node, ZoneOverrides& overrides) {
  if (node.has("notify-ns-records")) TRY(node.truth("notify-ns-records", overrides.notify_ns_records.emplace()));
  return {};
}

Read<bool> take_override(const NodeReader& child, std::string_view name, const std::vector<TsigKey>& keys,
                         ZoneOverrides& overrides) {
  if (name == "acl") {
    TRY(read_override_access(child, keys, overrides));
  } else if (name == "notify") {
    if (overrides.notify) return child.error(Kind::duplicate);
    overrides.notify = TRY(read_notify(child, keys));
  } else if (name == "history") {
    if (overrides.history) return child.error(Kind::duplicate);
    overrides.history = TRY(read_history(child));
  } else if (name == "zone-limits") {
    if (overrides.limits) return child.error(Kind::duplicate);
    overrides.limits = TRY(read_zone_limits(child, {}));
  } else {
    return false;
  }
  return true;
}

Read<void> ServiceReader::begin(std::string_view role, std::span<const std::string_view> properties,
                                std::span<const std::string_view> children) {
  if (TRY(root_.text("compatible", boot_compatible)) != boot_compatible) {
    return root_.error(Kind::malformed, "compatible", boot_compatible);
  }
  // Before anything that only the other role knows.
  const std::string_view found = TRY(root_.text("role", role));
  if (found != role) return root_.error(Kind::wrong_role, found, role);
  TRY(root_.expect_only(properties, children));
  TRY(root_.truth("answer-rotation", config_.answer_rotation));
  TRY(root_.truth("notify-ns-records", config_.notify_ns_records));
  TRY(root_.number("workers", worker_count, config_.workers));
  TRY(root_.number("user", unprivileged_id, config_.user));
  TRY(root_.number("group", unprivileged_id, config_.group));
  if (root_.has("log-level")) config_.log_level = TRY(read_log_level(root_));
  TRY(root_.secret("entropy-seed", config_.entropy_seed));
  if (root_.has("boot-time")) TRY(root_.number("boot-time", {0, INT64_MAX}, config_.boot_time.emplace()));
  for (const DeviceTreeNode& child : root_.children()) {
    if (layout::kind_of(child.name()) != "key") continue;
    const NodeReader node = root_.below(child);
    if (config_.keys.size() == max_keys) return node.error(Kind::too_many, {}, "at most 1024 keys");
    config_.keys.push_back(TRY(read_key(node)));
  }
  if (any_twice(config_.keys, order_by_name(config_.keys))) {
    return root_.error(Kind::duplicate, "name", "keys with names of their own");
  }
  return {};
}

Read<bool> ServiceReader::take(const NodeReader& node, std::string_view name) {
  const std::string_view kind = layout::kind_of(name);
  if (std::ranges::find(layout::service_children, kind) == layout::service_children.end()) return false;
  if (kind == "key") return true;
  if (kind != "listen") {
    TRY(take_section(node, name));
    return true;
  }
  if (config_.listen.size() == max_listen) return node.error(Kind::too_many, {}, "at most 64 endpoints");
  config_.listen.push_back(TRY(read_listen(node)));
  return true;
}

Read<void> ServiceReader::take_section(const NodeReader& node, std::string_view name) {
  const auto section = std::ranges::find(single_sections, name);
  // expect_only() let "acl@1" pass as an "acl"; a section has no unit address.
  if (section == single_sections.end()) return node.error(Kind::unknown);
  const u32 bit = u32{1} << (section - single_sections.begin());
  if ((seen_ & bit) != 0) return node.error(Kind::duplicate);
  seen_ |= bit;
  if (name == "acl") config_.access = TRY(read_access(node, config_.keys));
  if (name == "identity") config_.identity = TRY(read_identity(node));
  if (name == "limits") config_.limits = TRY(read_limits(node));
  if (name == "rate-limit") config_.rate_limit = TRY(read_rate_limit(node));
  if (name == "cookies") config_.cookies = TRY(read_cookies(node));
  if (name == "network") config_.network = TRY(read_network(node));
  if (name == "notify") config_.notify = TRY(read_notify(node, config_.keys));
  if (name == "history") config_.history = TRY(read_history(node));
  if (name == "zone-limits") config_.zone_limits = TRY(read_zone_limits(node, {}));
  if (name == "storage") config_.storage = TRY(read_storage(node));
  return {};
}

Read<void> ServiceReader::end() const {
  if (config_.listen.empty()) return root_.error(Kind::missing, {}, "at least one listen@N");
  return {};
}

}  // namespace samara::server
