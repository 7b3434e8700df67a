// The boot blob read into a PrimaryConfig. Nothing in it is trusted: every value is checked against its range, what is not
// known is refused (an older image must not overlook a newer access list), and what must be unique is.
#include <algorithm>
#include <compare>

#include "server/config/blob_layout.h"
#include "server/config/network_config.h"
#include "server/config/node_reader.h"
#include "server/config/primary_config.h"

namespace samara::server {

namespace {

using codec::DeviceTreeNode;
using Kind = ConfigError::Kind;

// Two zones or two keys of one name: sorted by name, equal ones are neighbours. Gives the later one's index.
template <class Named>
std::optional<size_t> second_of_same_name(const std::vector<Named>& items) {
  std::vector<u32> order(items.size());
  for (u32 i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](u32 a, u32 b) {
    const std::strong_ordering names = dns::canonical_compare(items[a].name, items[b].name);
    return names == 0 ? a < b : names < 0;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    if (items[order[i - 1]].name == items[order[i]].name) return order[i];
  }
  return {};
}

Read<Endpoint> read_listen(const NodeReader& node) {
  TRY(node.expect_only(layout::listen_properties, {}));
  const std::optional<Endpoint> endpoint = Endpoint::parse(TRY(node.text("endpoint", endpoint_form)));
  if (!endpoint) return node.error(Kind::malformed, "endpoint", endpoint_form);
  return *endpoint;
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

Read<ZoneFile> read_file(const NodeReader& node) {
  TRY(node.expect_only(layout::file_properties, {}));
  ZoneFile file;
  file.path = TRY(node.text("path", max_path_size, "a path of at most 4096 octets"));
  file.text = codec::as_text(TRY(node.octets("text", {0, codec::max_device_tree_size}, "the file's text")));
  return file;
}

Read<ZoneSource> read_zone(const NodeReader& node) {
  TRY(node.expect_only(layout::zone_properties, layout::zone_children));
  ZoneSource zone;
  zone.name = TRY(node.name("name"));
  for (const DeviceTreeNode& child : node.children()) {
    const NodeReader file = node.below(child);
    if (zone.files.size() == max_zone_files) return file.error(Kind::too_many, {}, "at most 1024 files a zone");
    zone.files.push_back(TRY(read_file(file)));
  }
  return zone;
}

Read<AccessRule> read_rule(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::rule_properties, {}));
  AccessRule rule;
  if (node.has("from")) {
    rule.from = IpPrefix::parse(TRY(node.text("from", prefix_form)));
    if (!rule.from) return node.error(Kind::malformed, "from", prefix_form);
  }
  if (node.has("key")) {
    const dns::Name name = TRY(node.name("key"));
    const auto key = std::ranges::find(keys, name, &TsigKey::name);
    if (key == keys.end()) return node.error(Kind::malformed, "key", "the name of a key in this blob");
    rule.key = static_cast<u16>(key - keys.begin());
  }
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
  TRY(node.number("transfers", transfer_count, limits.transfers));
  TRY(node.number("transfers-per-prefix", transfer_count, limits.transfers_per_prefix));
  TRY(node.number("zone-memory", zone_memory_size, limits.zone_memory));
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
    const std::optional<IpPrefix> prefix = IpPrefix::parse(TRY(exempt.text("from", prefix_form)));
    if (!prefix) return exempt.error(Kind::malformed, "from", prefix_form);
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

Read<void> read_root(const NodeReader& root, PrimaryConfig& config) {
  TRY(root.expect_only(layout::root_properties, layout::root_children));
  if (TRY(root.text("compatible", boot_compatible)) != boot_compatible) {
    return root.error(Kind::malformed, "compatible", boot_compatible);
  }
  if (TRY(root.text("role", PrimaryConfig::role)) != PrimaryConfig::role) {
    return root.error(Kind::malformed, "role", PrimaryConfig::role);
  }
  TRY(root.truth("answer-rotation", config.answer_rotation));
  TRY(root.number("workers", worker_count, config.workers));
  TRY(root.number("user", unprivileged_id, config.user));
  TRY(root.number("group", unprivileged_id, config.group));
  if (root.has("log-level")) config.log_level = TRY(read_log_level(root));
  TRY(root.secret("entropy-seed", config.entropy_seed));
  if (root.has("boot-time")) TRY(root.number("boot-time", {0, INT64_MAX}, config.boot_time.emplace()));
  return {};
}

// The sections that may stand once; the lists are counted instead.
constexpr std::array<std::string_view, 5> single_sections{"acl", "identity", "limits", "rate-limit", "cookies"};

Read<void> read_section(const NodeReader& node, std::string_view name, u32& seen, PrimaryConfig& config) {
  const auto section = std::ranges::find(single_sections, name);
  // expect_only() let "acl@1" pass as an "acl"; a section has no unit address.
  if (section == single_sections.end()) return node.error(Kind::unknown);
  const u32 bit = u32{1} << (section - single_sections.begin());
  if ((seen & bit) != 0) return node.error(Kind::duplicate);
  seen |= bit;
  if (name == "acl") config.access = TRY(read_access(node, config.keys));
  if (name == "identity") config.identity = TRY(read_identity(node));
  if (name == "limits") config.limits = TRY(read_limits(node));
  if (name == "rate-limit") config.rate_limit = TRY(read_rate_limit(node));
  if (name == "cookies") config.cookies = TRY(read_cookies(node));
  return {};
}

}  // namespace

Result<PrimaryConfig, ConfigError> read_primary_config(const codec::DeviceTree& tree) {
  const NodeReader root(tree.root(), {});
  PrimaryConfig config;
  TRY(read_root(root, config));
  // Access rules name keys, so keys come first wherever they stand.
  for (const DeviceTreeNode& child : root.children()) {
    if (layout::kind_of(child.name()) != "key") continue;
    const NodeReader node = root.below(child);
    if (config.keys.size() == max_keys) return node.error(Kind::too_many, {}, "at most 1024 keys");
    config.keys.push_back(TRY(read_key(node)));
  }
  if (second_of_same_name(config.keys)) return root.error(Kind::duplicate, "name", "keys with names of their own");
  u32 sections_seen = 0;
  for (const DeviceTreeNode& child : root.children()) {
    const NodeReader node = root.below(child);
    const std::string_view kind = layout::kind_of(child.name());
    if (kind == "key") continue;
    if (kind == "listen") {
      if (config.listen.size() == max_listen) return node.error(Kind::too_many, {}, "at most 64 endpoints");
      config.listen.push_back(TRY(read_listen(node)));
    } else if (kind == "zone") {
      if (config.zones.size() == max_zones) return node.error(Kind::too_many, {}, "at most 100000 zones");
      config.zones.push_back(TRY(read_zone(node)));
    } else if (child.name() == "network") {
      if (config.network) return node.error(Kind::duplicate);
      config.network = TRY(read_network(node));
    } else {
      TRY(read_section(node, child.name(), sections_seen, config));
    }
  }
  if (config.listen.empty()) return root.error(Kind::missing, {}, "at least one listen@N");
  if (second_of_same_name(config.zones)) return root.error(Kind::duplicate, "name", "zones with names of their own");
  return config;
}

}  // namespace samara::server
