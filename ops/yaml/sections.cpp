#include "ops/yaml/sections.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "ops/files.h"
#include "ops/system_users.h"
#include "ops/yaml/names_seen.h"
#include "ops/yaml/secrets.h"

namespace samara::ops::yaml {

namespace {

const std::array<std::string, 4> levels{"error", "warning", "info", "debug"};

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

}  // namespace

void read_user_and_group(const Value* user, const Value* group, const Reading& reading, server::ServiceConfig& config) {
  set_id(user, reading, "user", find_user, config.user);
  set_id(group, reading, "group", find_group, config.group);
}

void read_identity(const Value& value, const Reading& reading, Deployment& deployment) {
  server::Identity& identity = deployment.service().identity;
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

void read_log(const Value& value, const Reading& reading, server::ServiceConfig& config) {
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
    deployment.service().keys.push_back(key);
  }
}

void read_limits(const Value& value, const Reading& reading, server::Limits& limits) {
  Fields fields(value, reading, "limits");
  read_number(fields.find("udp-payload-ipv4"), reading, server::udp_payload_size, limits.udp_payload_ipv4);
  read_number(fields.find("udp-payload-ipv6"), reading, server::udp_payload_size, limits.udp_payload_ipv6);
  read_number(fields.find("tcp-clients"), reading, server::tcp_client_count, limits.tcp_clients);
  read_number(fields.find("tcp-clients-per-prefix"), reading, server::tcp_client_count, limits.tcp_clients_per_prefix);
  read_number(fields.find("tcp-prefix-ipv4"), reading, server::ipv4_prefix_length, limits.tcp_prefix_ipv4);
  read_number(fields.find("tcp-prefix-ipv6"), reading, server::ipv6_prefix_length, limits.tcp_prefix_ipv6);
  read_seconds(fields.find("tcp-idle"), reading, server::tcp_idle_time, limits.tcp_idle_seconds);
  read_number(fields.find("tcp-queries"), reading, server::tcp_query_count, limits.tcp_queries_per_connection);
  read_octets(fields.find("zone-memory"), reading, server::zone_memory_size, limits.zone_memory);
  read_number(fields.find("transfers"), reading, server::transfer_count, limits.transfers);
  read_number(fields.find("transfers-per-prefix"), reading, server::transfer_count, limits.transfers_per_prefix);
  read_seconds(fields.find("signature-warning"), reading, server::signature_warning_time, limits.signature_warning_seconds);
  fields.finish();
}

void read_storage(const Value& value, const Reading& reading, Deployment& deployment) {
  server::StorageConfig& storage = deployment.service().storage.emplace();
  Fields fields(value, reading, "storage");
  if (const Value* file = fields.require("file", "file: the path of a file or a block device")) {
    const auto path = reading.text(*file, "the path of a file or a block device", server::max_path_size);
    if (path) storage.file = deployment.keep(path_beside(reading.file(), *path));
    std::error_code unknown;
    const auto found = std::filesystem::status(storage.file, unknown);
    const bool exists = path && std::filesystem::exists(found);
    if (exists && !std::filesystem::is_regular_file(found) && !std::filesystem::is_block_file(found)) {
      const bool folder = std::filesystem::is_directory(found);
      reading.error(*file, in_quotes(*path, longest_path) + (folder ? " is a folder" : " is neither a file nor a block device"),
                    "the path of a file or a block device");
    }
  }
  read_octets(fields.find("size"), reading, server::storage_size, storage.size);
  fields.finish();
}

server::RateLimit read_rate_limit(const Value& value, const Reading& reading) {
  server::RateLimit rate;
  Fields fields(value, reading, "rate-limit");
  read_number(fields.find("responses-per-second"), reading, server::response_rate, rate.responses_per_second);
  read_number(fields.find("slip"), reading, server::rate_slip, rate.slip);
  read_seconds(fields.find("window"), reading, server::rate_window, rate.window_seconds);
  read_number(fields.find("prefix-ipv4"), reading, server::ipv4_prefix_length, rate.prefix_ipv4);
  read_number(fields.find("prefix-ipv6"), reading, server::ipv6_prefix_length, rate.prefix_ipv6);
  read_number(fields.find("table-size"), reading, server::rate_table_size, rate.table_size);
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
