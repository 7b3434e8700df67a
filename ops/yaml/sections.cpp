#include "ops/yaml/sections.h"

#include <algorithm>
#include <array>

#include "ops/system_users.h"
#include "ops/yaml/secrets.h"

namespace samara::ops::yaml {

namespace {

const std::array<std::string, 4> levels{"error", "warning", "info", "debug"};

// Assigns the number when it is one.
template <class T>
void set(const Value* value, const Reading& reading, server::Range<u32> range, T& into) {
  if (value == nullptr) return;
  if (const std::optional<u32> number = reading.number(*value, range)) into = static_cast<T>(*number);
}

void set_id(const Value* value, const Reading& reading, std::string_view what, std::optional<u32> (*find)(const std::string&),
            u32& into) {
  if (value == nullptr) return;
  const std::string expected = "the name or number of a " + std::string(what) + " other than root";
  const std::optional<std::string> text = reading.text(*value, expected, 256);
  if (!text) return;
  const std::optional<u32> id = find(*text);
  if (!id) {
    reading.error(*value, "no " + std::string(what) + " " + in_quotes(*text) + " on this machine", expected);
  } else if (!server::unprivileged_id.holds(*id)) {
    reading.error(*value, in_quotes(*text) + " is not an unprivileged " + std::string(what), expected);
  } else {
    into = *id;
  }
}

server::AccessRule any_client() {
  return {};
}

// `any`, an address block, {key: NAME}, {from: BLOCK, key: NAME}
std::optional<server::AccessRule> read_rule(const Value& value, const Reading& reading, const server::PrimaryConfig& config) {
  if (value.is_scalar() && value.text == "any") return any_client();
  server::AccessRule rule;
  if (value.is_scalar()) {
    rule.from = reading.prefix(value);
    return rule.from ? std::optional(rule) : std::nullopt;
  }
  if (!value.is_mapping()) {
    reading.error(value, std::string(kind_name(value)) + " where a rule belongs",
                  "any, an address block, or {from: BLOCK, key: NAME}");
    return {};
  }
  const size_t errors_before = reading.found().error_count();
  Fields fields(value, reading, "the rule");
  const Value* from = fields.find("from");
  const Value* key = fields.find("key");
  fields.finish();
  if (from == nullptr && key == nullptr && reading.found().error_count() == errors_before) {
    reading.error(value, "a rule without from and key", "any, an address block, or {from: BLOCK, key: NAME}");
  }
  if (from != nullptr) rule.from = reading.prefix(*from);
  if (key != nullptr) {
    const std::optional<dns::Name> name = reading.name(*key);
    const auto known = name ? std::ranges::find(config.keys, *name, &server::TsigKey::name) : config.keys.end();
    if (name && known == config.keys.end())
      reading.error(*key, "no key " + in_quotes(key->text), "the name of a key under keys");
    if (known != config.keys.end()) rule.key = static_cast<u16>(known - config.keys.begin());
  }
  if (reading.found().error_count() != errors_before) return {};
  return rule;
}

void read_list(const Value* value, const Reading& reading, const server::PrimaryConfig& config, server::AccessList& list) {
  if (value == nullptr) return;
  if (!value->is_sequence()) {
    reading.error(*value, std::string(kind_name(*value)) + " where a list belongs",
                  "a list of rules such as [192.0.2.0/24, {key: transfer.example.com}]");
    return;
  }
  list.clear();
  for (const Value& item : value->items) {
    if (list.size() == server::max_access_rules) {
      reading.error(item, "too many rules", "at most " + std::to_string(server::max_access_rules) + " in one list");
      return;
    }
    if (const auto rule = read_rule(item, reading, config)) list.push_back(*rule);
  }
}

}  // namespace

bool NamesSeen::add(const dns::Name& name) {
  const dns::Name lower = name.lowercased();
  return wires_.emplace(lower.wire().begin(), lower.wire().end()).second;
}

void read_user_and_group(const Value* user, const Value* group, const Reading& reading, server::PrimaryConfig& config) {
  set_id(user, reading, "user", find_user, config.user);
  set_id(group, reading, "group", find_group, config.group);
}

void read_identity(const Value& value, const Reading& reading, Deployment& deployment) {
  server::Identity& identity = deployment.config.identity;
  Fields fields(value, reading, "identity");
  if (const Value* id = fields.find("server-id")) {
    if (auto text = reading.text(*id, "the server's name", server::max_identity_text))
      identity.server_id = deployment.keep(*text);
  }
  if (const Value* version = fields.find("version")) {
    if (auto text = reading.text(*version, "what version.bind answers", server::max_identity_text)) {
      identity.version = deployment.keep(*text);
    }
  }
  if (const Value* nsid = fields.find("nsid")) {
    if (auto text = reading.text(*nsid, "the NSID option's text", server::max_nsid_size))
      identity.nsid = deployment.keep(*text);
  }
  fields.finish();
}

void read_log(const Value& value, const Reading& reading, server::PrimaryConfig& config) {
  Fields fields(value, reading, "log");
  if (const Value* level = fields.find("level")) {
    if (const auto chosen = reading.choice(*level, levels, "log level")) config.log_level = static_cast<Level>(*chosen);
  }
  fields.finish();
}

void read_keys(const Value& value, const Reading& reading, Deployment& deployment) {
  if (!value.is_mapping()) {
    reading.error(value, std::string(kind_name(value)) + " where keys belong",
                  "NAME: {algorithm: hmac-sha256, secret: BASE64} lines");
    return;
  }
  if (value.entries.size() > server::max_keys) {
    reading.error(value, "too many keys", "at most " + std::to_string(server::max_keys));
    return;
  }
  NamesSeen seen;
  for (const auto& [name_value, content] : value.entries) {
    const std::optional<dns::Name> name = reading.name(name_value);
    if (name && !seen.add(*name))
      reading.error(name_value, "key " + in_quotes(name_value.text) + " stands twice", "each key once");
    server::TsigKey key;
    key.name = name.value_or(dns::Name());
    Fields fields(content, reading, "key " + name_value.text);
    if (const Value* algorithm = fields.find("algorithm")) {
      std::array<std::string, 5> names;
      for (size_t i = 0; i < names.size(); ++i) names.at(i) = key_algorithm_name(static_cast<server::KeyAlgorithm>(i));
      if (const auto chosen = reading.choice(*algorithm, names, "algorithm"))
        key.algorithm = static_cast<server::KeyAlgorithm>(*chosen);
    }
    const std::optional<std::string> secret = read_key_secret(fields, content, reading);
    fields.finish();
    if (secret) key.secret = deployment.keep(*secret);
    // Kept even when something was wrong, so that rules naming it are not reported as well.
    deployment.config.keys.push_back(key);
  }
}

void read_access(const Value& value, const Reading& reading, server::PrimaryConfig& config) {
  Fields fields(value, reading, "acl");
  read_list(fields.find("query"), reading, config, config.access.query);
  read_list(fields.find("transfer"), reading, config, config.access.transfer);
  read_list(fields.find("notify"), reading, config, config.access.notify);
  read_list(fields.find("update"), reading, config, config.access.update);
  fields.finish();
}

void read_limits(const Value& value, const Reading& reading, server::Limits& limits) {
  Fields fields(value, reading, "limits");
  set(fields.find("udp-payload-ipv4"), reading, server::udp_payload_size, limits.udp_payload_ipv4);
  set(fields.find("udp-payload-ipv6"), reading, server::udp_payload_size, limits.udp_payload_ipv6);
  set(fields.find("tcp-clients"), reading, server::tcp_client_count, limits.tcp_clients);
  set(fields.find("tcp-clients-per-prefix"), reading, server::tcp_client_count, limits.tcp_clients_per_prefix);
  set(fields.find("tcp-prefix-ipv4"), reading, server::ipv4_prefix_length, limits.tcp_prefix_ipv4);
  set(fields.find("tcp-prefix-ipv6"), reading, server::ipv6_prefix_length, limits.tcp_prefix_ipv6);
  if (const Value* idle = fields.find("tcp-idle")) {
    limits.tcp_idle_seconds = reading.seconds(*idle, server::tcp_idle_time).value_or(limits.tcp_idle_seconds);
  }
  set(fields.find("tcp-queries"), reading, server::tcp_query_count, limits.tcp_queries_per_connection);
  if (const Value* memory = fields.find("zone-memory")) {
    limits.zone_memory = reading.octets(*memory, server::zone_memory_size).value_or(limits.zone_memory);
  }
  fields.finish();
}

server::RateLimit read_rate_limit(const Value& value, const Reading& reading) {
  server::RateLimit rate;
  Fields fields(value, reading, "rate-limit");
  set(fields.find("responses-per-second"), reading, server::response_rate, rate.responses_per_second);
  set(fields.find("slip"), reading, server::rate_slip, rate.slip);
  if (const Value* window = fields.find("window")) {
    rate.window_seconds = reading.seconds(*window, server::rate_window).value_or(rate.window_seconds);
  }
  set(fields.find("prefix-ipv4"), reading, server::ipv4_prefix_length, rate.prefix_ipv4);
  set(fields.find("prefix-ipv6"), reading, server::ipv6_prefix_length, rate.prefix_ipv6);
  set(fields.find("table-size"), reading, server::rate_table_size, rate.table_size);
  if (const Value* exempt = fields.find("exempt")) {
    if (!exempt->is_sequence() || exempt->items.size() > server::max_exempt_prefixes) {
      reading.error(*exempt,
                    exempt->is_sequence() ? "too many prefixes" : std::string(kind_name(*exempt)) + " where a list belongs",
                    "a list of at most " + std::to_string(server::max_exempt_prefixes) + " address blocks");
    } else {
      for (const Value& item : exempt->items) {
        if (const auto prefix = reading.prefix(item)) rate.exempt.push_back(*prefix);
      }
    }
  }
  fields.finish();
  return rate;
}

void read_cookies(const Value& value, const Reading& reading, server::Cookies& cookies) {
  Fields fields(value, reading, "cookies");
  if (const Value* enabled = fields.find("enabled")) cookies.enabled = reading.truth(*enabled).value_or(cookies.enabled);
  const Value* required = fields.find("required");
  if (required != nullptr) cookies.required = reading.truth(*required).value_or(cookies.required);
  cookies.current = read_hex_secret(fields, "secret", reading);
  cookies.previous = read_hex_secret(fields, "previous-secret", reading);
  fields.finish();
  if (cookies.required && !cookies.enabled) reading.error(*required, "cookies are required but not enabled", "enabled: true");
}

}  // namespace samara::ops::yaml
