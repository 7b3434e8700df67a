#include <array>

#include "ops/yaml/manifest.h"
#include "ops/yaml/network.h"
#include "ops/yaml/role_writer.h"
#include "ops/yaml/secrets.h"
#include "ops/yaml/writing.h"
#include "platform/codec/hex.h"

namespace samara::ops::yaml {

namespace {

constexpr std::string_view mask = "masked";

std::string hex_of(const HexSecret& secret) {
  std::array<char, 2 * hex_secret_size> memory{};
  TextWriter out(memory);
  codec::encode_hex(secret, out);
  return std::string(out.view());
}

// What all roles have.
class ServiceWriter {
 public:
  ServiceWriter(const server::ServiceConfig& config, Secrets secrets, YamlLines& out)
      : config_(config), secrets_(secrets), out_(out) {}

  void write() {
    write_listen();
    out_.number(0, "workers", config_.workers);
    out_.value(0, "answer-rotation", word(config_.answer_rotation));
    out_.number(0, "user", config_.user);
    out_.number(0, "group", config_.group);
    out_.value(0, "log", "{level: " + std::string(level_name(config_.log_level)) + '}');
    write_identity();
    write_keys();
    write_access();
    out_.peers(0, "notify", config_.notify);
    out_.value(0, "notify-ns-records", word(config_.notify_ns_records));
    out_.history(0, config_.history);
    out_.zone_limits(0, "zone-limits", config_.zone_limits);
    if (config_.storage) {
      out_.value(0, "storage",
                 "{file: " + out_.path(config_.storage->file) + ", size: " + std::to_string(config_.storage->size) + '}');
    }
    write_limits();
    write_rate_limit();
    write_cookies();
    if (config_.network) write_network_section();
  }

 private:
  std::string secret(const std::string& text) const {
    return yaml_text(secrets_ == Secrets::shown ? std::string_view(text) : mask);
  }

  void write_listen() {
    out_.value(0, "listen", "");
    for (const Endpoint& endpoint : config_.listen) out_.line(2, "- " + quoted(endpoint));
  }

  void write_identity() {
    const server::Identity& identity = config_.identity;
    if (identity == server::Identity{}) return;
    out_.value(0, "identity", "");
    if (!identity.server_id.empty()) out_.value(2, "server-id", yaml_text(identity.server_id));
    if (!identity.version.empty()) out_.value(2, "version", yaml_text(identity.version));
    if (!identity.nsid.empty()) out_.value(2, "nsid", yaml_text(identity.nsid));
  }

  void write_keys() {
    if (config_.keys.empty()) return;
    out_.value(0, "keys", "");
    for (const server::TsigKey& key : config_.keys) {
      out_.value(2, quoted(key.name), "");
      out_.value(4, "algorithm", std::string(server::key_algorithm_name(key.algorithm)));
      out_.value(4, "secret", secret(base64_of(key.secret)));
    }
  }

  void write_access() {
    out_.value(0, "acl", "");
    out_.access_list(2, "query", config_.access.query);
    out_.access_list(2, "transfer", config_.access.transfer);
    out_.access_list(2, "notify", config_.access.notify);
    out_.access_list(2, "update", config_.access.update);
  }

  void write_limits() {
    const server::Limits& limits = config_.limits;
    out_.value(0, "limits", "");
    out_.number(2, "udp-payload-ipv4", limits.udp_payload_ipv4);
    out_.number(2, "udp-payload-ipv6", limits.udp_payload_ipv6);
    out_.number(2, "tcp-clients", limits.tcp_clients);
    out_.number(2, "tcp-clients-per-prefix", limits.tcp_clients_per_prefix);
    out_.number(2, "tcp-prefix-ipv4", limits.tcp_prefix_ipv4);
    out_.number(2, "tcp-prefix-ipv6", limits.tcp_prefix_ipv6);
    out_.seconds(2, "tcp-idle", limits.tcp_idle_seconds);
    out_.number(2, "tcp-queries", limits.tcp_queries_per_connection);
    out_.number(2, "zone-memory", limits.zone_memory);
    out_.number(2, "transfers", limits.transfers);
    out_.number(2, "transfers-per-prefix", limits.transfers_per_prefix);
    out_.seconds(2, "signature-warning", limits.signature_warning_seconds);
  }

  void write_rate_limit() {
    if (!config_.rate_limit) return;
    const server::RateLimit& rate = *config_.rate_limit;
    out_.value(0, "rate-limit", "");
    out_.number(2, "responses-per-second", rate.responses_per_second);
    out_.number(2, "slip", rate.slip);
    out_.seconds(2, "window", rate.window_seconds);
    out_.number(2, "prefix-ipv4", rate.prefix_ipv4);
    out_.number(2, "prefix-ipv6", rate.prefix_ipv6);
    out_.number(2, "table-size", rate.table_size);
    if (rate.exempt.empty()) return;
    out_.value(2, "exempt", "");
    for (const IpPrefix& prefix : rate.exempt) out_.line(4, "- " + quoted(prefix));
  }

  void write_network_section() {
    const auto& own = config_.network->address_secret;
    out_.raw("network:\n" + write_network(*config_.network, own ? secret(hex_of(*own)) : std::string()));
  }

  void write_cookies() {
    const server::Cookies& cookies = config_.cookies;
    out_.value(0, "cookies", "");
    out_.value(2, "enabled", word(cookies.enabled));
    out_.value(2, "required", word(cookies.required));
    if (cookies.current) out_.value(2, "secret", secret(hex_of(*cookies.current)));
    if (cookies.previous) out_.value(2, "previous-secret", secret(hex_of(*cookies.previous)));
  }

  const server::ServiceConfig& config_;
  Secrets secrets_;
  YamlLines& out_;
};

}  // namespace

std::string write_manifest(const RoleConfig& config, std::string_view target, Secrets secrets, const std::string& manifest,
                           const std::vector<std::string>& zone_folders) {
  YamlLines out(service_of(config), manifest);
  out.value(0, "role", role_of(config));
  out.value(0, "target", std::string(target));
  ServiceWriter(service_of(config), secrets, out).write();
  std::visit([&out](const auto& role) { write_role(role, out); }, config);
  if (!zone_folders.empty()) out.value(0, "zone-folders", "");
  for (const std::string& folder : zone_folders) out.line(2, "- " + out.path(folder));
  return out.take();
}

}  // namespace samara::ops::yaml
