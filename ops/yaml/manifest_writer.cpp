#include <array>

#include "ops/yaml/manifest.h"
#include "ops/yaml/network.h"
#include "ops/yaml/secrets.h"
#include "platform/base/text_writer.h"
#include "platform/codec/base64.h"
#include "platform/codec/hex.h"

namespace samara::ops::yaml {

namespace {

constexpr std::string_view mask = "masked";
constexpr std::string_view hex_digits = "0123456789abcdef";

// A double-quoted YAML scalar: nothing in it means anything but itself.
std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<u8>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20 || code == 0x7f) {
      out += "\\x";
      out += hex_digits[code >> 4];
      out += hex_digits[code & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

template <class Item>
std::string text_of(const Item& item) {
  std::array<char, dns::max_name_text> memory{};
  TextWriter out(memory);
  item.write_text(out);
  return std::string(out.view());
}

std::string base64_of(std::string_view secret) {
  const std::vector<u8> octets(secret.begin(), secret.end());
  std::vector<char> memory(codec::base64_size(octets.size()));
  TextWriter out(memory);
  codec::encode_base64(octets, out);
  return std::string(out.view());
}

std::string hex_of(const HexSecret& secret) {
  std::array<char, 2 * hex_secret_size> memory{};
  TextWriter out(memory);
  codec::encode_hex(secret, out);
  return std::string(out.view());
}

class ManifestWriter {
 public:
  ManifestWriter(const server::PrimaryConfig& config, Secrets secrets) : config_(config), secrets_(secrets) {}

  std::string write(std::string_view target) {
    line("role: primary");
    line("target: " + std::string(target));
    write_listen();
    number("", "workers", config_.workers);
    line(config_.answer_rotation ? "answer-rotation: true" : "answer-rotation: false");
    number("", "user", config_.user);
    number("", "group", config_.group);
    line("log: {level: " + std::string(level_name(config_.log_level)) + "}");
    write_identity();
    write_keys();
    write_access();
    write_limits();
    write_rate_limit();
    write_cookies();
    if (config_.network) write_network_section();
    write_zones();
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + '\n'; }
  void number(std::string_view indent, std::string_view key, u64 value) {
    line(std::string(indent) + std::string(key) + ": " + std::to_string(value));
  }
  std::string secret(const std::string& text) const {
    return yaml_text(secrets_ == Secrets::shown ? std::string_view(text) : mask);
  }

  void write_listen() {
    line("listen:");
    for (const Endpoint& endpoint : config_.listen) line("  - " + yaml_text(text_of(endpoint)));
  }

  void write_identity() {
    const server::Identity& identity = config_.identity;
    if (identity == server::Identity{}) return;
    line("identity:");
    if (!identity.server_id.empty()) line("  server-id: " + yaml_text(identity.server_id));
    if (!identity.version.empty()) line("  version: " + yaml_text(identity.version));
    if (!identity.nsid.empty()) line("  nsid: " + yaml_text(identity.nsid));
  }

  void write_keys() {
    if (config_.keys.empty()) return;
    line("keys:");
    for (const server::TsigKey& key : config_.keys) {
      line("  " + yaml_text(text_of(key.name)) + ":");
      line("    algorithm: " + std::string(server::key_algorithm_name(key.algorithm)));
      line("    secret: " + secret(base64_of(key.secret)));
    }
  }

  void write_access() {
    line("acl:");
    write_access_list("query", config_.access.query);
    write_access_list("transfer", config_.access.transfer);
    write_access_list("notify", config_.access.notify);
    write_access_list("update", config_.access.update);
  }

  void write_access_list(const std::string& name, const server::AccessList& list) {
    if (list.empty()) return line("  " + name + ": []");
    line("  " + name + ":");
    for (const server::AccessRule& rule : list) {
      std::string text;
      if (rule.from) text = (rule.key ? "from: " : "") + yaml_text(text_of(*rule.from));
      if (rule.key) {
        const std::string key = "key: " + yaml_text(text_of(config_.keys.at(*rule.key).name));
        text = '{' + text + (text.empty() ? "" : ", ") + key + '}';
      }
      line("    - " + (text.empty() ? "any" : text));
    }
  }

  void write_limits() {
    const server::Limits& limits = config_.limits;
    line("limits:");
    number("  ", "udp-payload-ipv4", limits.udp_payload_ipv4);
    number("  ", "udp-payload-ipv6", limits.udp_payload_ipv6);
    number("  ", "tcp-clients", limits.tcp_clients);
    number("  ", "tcp-clients-per-prefix", limits.tcp_clients_per_prefix);
    number("  ", "tcp-prefix-ipv4", limits.tcp_prefix_ipv4);
    number("  ", "tcp-prefix-ipv6", limits.tcp_prefix_ipv6);
    line("  tcp-idle: " + std::to_string(limits.tcp_idle_seconds) + "s");
    number("  ", "tcp-queries", limits.tcp_queries_per_connection);
    number("  ", "zone-memory", limits.zone_memory);
  }

  void write_rate_limit() {
    if (!config_.rate_limit) return;
    const server::RateLimit& rate = *config_.rate_limit;
    line("rate-limit:");
    number("  ", "responses-per-second", rate.responses_per_second);
    number("  ", "slip", rate.slip);
    line("  window: " + std::to_string(rate.window_seconds) + "s");
    number("  ", "prefix-ipv4", rate.prefix_ipv4);
    number("  ", "prefix-ipv6", rate.prefix_ipv6);
    number("  ", "table-size", rate.table_size);
    if (rate.exempt.empty()) return;
    line("  exempt:");
    for (const IpPrefix& prefix : rate.exempt) line("    - " + yaml_text(text_of(prefix)));
  }

  void write_network_section() {
    const auto& own = config_.network->address_secret;
    out_ += "network:\n" + write_network(*config_.network, own ? secret(hex_of(*own)) : std::string());
  }

  void write_cookies() {
    const server::Cookies& cookies = config_.cookies;
    line("cookies:");
    line(cookies.enabled ? "  enabled: true" : "  enabled: false");
    line(cookies.required ? "  required: true" : "  required: false");
    if (cookies.current) line("  secret: " + secret(hex_of(*cookies.current)));
    if (cookies.previous) line("  previous-secret: " + secret(hex_of(*cookies.previous)));
  }

  void write_zones() {
    if (config_.zones.empty()) return line("zones: {}");
    line("zones:");
    for (const server::ZoneSource& zone : config_.zones) {
      line("  " + yaml_text(text_of(zone.name)) + ": {file: " + yaml_text(zone.files.front().path) + "}");
      for (size_t i = 1; i < zone.files.size(); ++i) line("    # includes " + yaml_text(zone.files[i].path));
    }
  }

  const server::PrimaryConfig& config_;
  Secrets secrets_;
  std::string out_;
};

}  // namespace

std::string write_manifest(const server::PrimaryConfig& config, std::string_view target, Secrets secrets) {
  return ManifestWriter(config, secrets).write(target);
}

}  // namespace samara::ops::yaml
