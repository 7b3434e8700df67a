#include "server/config/service_writer.h"

#include "server/config/blob_checksum.h"
#include "server/config/network_config.h"

namespace samara::server {

namespace {

using codec::DeviceTreeWriter;

void write_key(const TsigKey& key, size_t index, DeviceTreeWriter& out) {
  begin_numbered("key", index, out);
  write_text_property("name", key.name, out);
  out.string("algorithm", key_algorithm_name(key.algorithm));
  out.bytes("secret", text_octets(key.secret));
  out.end_node();
}

void write_access_list(std::string_view name, const AccessList& list, const ServiceConfig& config, DeviceTreeWriter& out) {
  out.begin_node(name);
  for (size_t i = 0; i < list.size(); ++i) {
    begin_numbered("rule", i, out);
    if (list[i].from) write_text_property("from", *list[i].from, out);
    write_key_property(list[i].key, config, out);
    out.end_node();
  }
  out.end_node();
}

void write_access(const ServiceConfig& config, DeviceTreeWriter& out) {
  out.begin_node("acl");
  write_access_list("query", config.access.query, config, out);
  write_access_list("transfer", config.access.transfer, config, out);
  write_access_list("notify", config.access.notify, config, out);
  write_access_list("update", config.access.update, config, out);
  out.end_node();
}

void write_identity(const Identity& identity, DeviceTreeWriter& out) {
  out.begin_node("identity");
  if (!identity.server_id.empty()) out.string("server-id", identity.server_id);
  if (!identity.version.empty()) out.string("version", identity.version);
  if (!identity.nsid.empty()) out.bytes("nsid", text_octets(identity.nsid));
  out.end_node();
}

void write_limits(const Limits& limits, DeviceTreeWriter& out) {
  out.begin_node("limits");
  out.u32("udp-payload-ipv4", limits.udp_payload_ipv4);
  out.u32("udp-payload-ipv6", limits.udp_payload_ipv6);
  out.u32("tcp-clients", limits.tcp_clients);
  out.u32("tcp-clients-per-prefix", limits.tcp_clients_per_prefix);
  out.u32("tcp-prefix-ipv4", limits.tcp_prefix_ipv4);
  out.u32("tcp-prefix-ipv6", limits.tcp_prefix_ipv6);
  out.u32("tcp-idle", limits.tcp_idle_seconds);
  out.u32("tcp-queries", limits.tcp_queries_per_connection);
  out.u64("zone-memory", limits.zone_memory);
  out.u32("transfers", limits.transfers);
  out.u32("transfers-per-prefix", limits.transfers_per_prefix);
  out.u32("signature-warning", limits.signature_warning_seconds);
  out.end_node();
}

void write_rate_limit(const RateLimit& rate, DeviceTreeWriter& out) {
  out.begin_node("rate-limit");
  out.u32("responses-per-second", rate.responses_per_second);
  out.u32("slip", rate.slip);
  out.u32("window", rate.window_seconds);
  out.u32("prefix-ipv4", rate.prefix_ipv4);
  out.u32("prefix-ipv6", rate.prefix_ipv6);
  out.u32("table-size", rate.table_size);
  for (size_t i = 0; i < rate.exempt.size(); ++i) {
    begin_numbered("exempt", i, out);
    write_text_property("from", rate.exempt[i], out);
    out.end_node();
  }
  out.end_node();
}

void write_cookies(const Cookies& cookies, DeviceTreeWriter& out) {
  out.begin_node("cookies");
  out.u32("enabled", cookies.enabled ? 1 : 0);
  out.u32("required", cookies.required ? 1 : 0);
  if (cookies.current) out.bytes("current", *cookies.current);
  if (cookies.previous) out.bytes("previous", *cookies.previous);
  out.end_node();
}

void write_notify(const PeerList& peers, const ServiceConfig& config, DeviceTreeWriter& out) {
  out.begin_node("notify");
  write_peers("peer", peers, config, out);
  out.end_node();
}

void write_history(const HistoryConfig& history, DeviceTreeWriter& out) {
  out.begin_node("history");
  out.u32("differences", history.differences);
  out.u64("octets", history.octets);
  out.end_node();
}

}  // namespace

void write_zone_limits(std::string_view name, const ZoneLimits& limits, DeviceTreeWriter& out) {
  out.begin_node(name);
  out.u32("max-records", limits.max_records);
  out.u64("max-octets", limits.max_octets);
  out.u32("max-records-per-rrset", limits.max_records_per_rrset);
  out.u32("max-types-per-name", limits.max_types_per_name);
  out.end_node();
}

void begin_numbered(std::string_view kind, size_t index, DeviceTreeWriter& out) {
  TextBuffer<64> name;
  name.writer().put(kind);
  name.writer().put('@');
  name.writer().put(u64{index});
  out.begin_node(name.view());
}

std::vector<u8> text_octets(std::string_view text) {
  return {text.begin(), text.end()};
}

void write_names(std::string_view property, const std::vector<dns::Name>& names, DeviceTreeWriter& out) {
  if (names.empty()) return;
  // A device tree has a list of texts one after the other, each with its zero.
  std::vector<u8> texts;
  for (const dns::Name& name : names) {
    TextBuffer<dns::max_name_text> text;
    name.write_text(text.writer());
    texts.insert(texts.end(), text.view().begin(), text.view().end());
    texts.push_back(0);
  }
  out.bytes(property, texts);
}

void write_key_property(std::optional<u16> key, const ServiceConfig& config, DeviceTreeWriter& out) {
  if (key) write_text_property("key", config.keys[*key].name, out);
}

void write_peers(std::string_view kind, const PeerList& peers, const ServiceConfig& config, DeviceTreeWriter& out) {
  for (size_t i = 0; i < peers.size(); ++i) {
    begin_numbered(kind, i, out);
    write_text_property("endpoint", peers[i].endpoint, out);
    write_key_property(peers[i].key, config, out);
    out.end_node();
  }
}

void write_override_properties(const ZoneOverrides& overrides, DeviceTreeWriter& out) {
  if (overrides.notify_ns_records) out.u32("notify-ns-records", *overrides.notify_ns_records ? 1 : 0);
  if (overrides.forward_updates) out.u32("forward-updates", *overrides.forward_updates ? 1 : 0);
}

void write_override_nodes(const ZoneOverrides& overrides, const ServiceConfig& config, DeviceTreeWriter& out) {
  if (overrides.transfer || overrides.notify_from || overrides.update) {
    out.begin_node("acl");
    if (overrides.transfer) write_access_list("transfer", *overrides.transfer, config, out);
    if (overrides.notify_from) write_access_list("notify", *overrides.notify_from, config, out);
    if (overrides.update) write_access_list("update", *overrides.update, config, out);
    out.end_node();
  }
  if (overrides.notify) write_notify(*overrides.notify, config, out);
  if (overrides.history) write_history(*overrides.history, out);
  if (overrides.limits) write_zone_limits("zone-limits", *overrides.limits, out);
}

void write_service_properties(const ServiceConfig& config, std::string_view role, DeviceTreeWriter& out) {
  out.string("compatible", boot_compatible);
  out.string("role", role);
  out.bytes(checksum_property, std::array<u8, checksum_size>{});  // seal_blob() puts it there
  out.u32("workers", config.workers);
  out.u32("answer-rotation", config.answer_rotation ? 1 : 0);
  out.u32("notify-ns-records", config.notify_ns_records ? 1 : 0);
  out.u32("user", config.user);
  out.u32("group", config.group);
  out.string("log-level", level_name(config.log_level));
  if (config.entropy_seed) out.bytes("entropy-seed", *config.entropy_seed);
  if (config.boot_time) out.u64("boot-time", *config.boot_time);
}

void write_service_nodes(const ServiceConfig& config, DeviceTreeWriter& out) {
  for (size_t i = 0; i < config.listen.size(); ++i) {
    begin_numbered("listen", i, out);
    write_text_property("endpoint", config.listen[i], out);
    out.end_node();
  }
  for (size_t i = 0; i < config.keys.size(); ++i) write_key(config.keys[i], i, out);
  write_access(config, out);
  write_identity(config.identity, out);
  write_limits(config.limits, out);
  if (config.rate_limit) write_rate_limit(*config.rate_limit, out);
  write_cookies(config.cookies, out);
  write_notify(config.notify, config, out);
  write_history(config.history, out);
  if (config.zone_limits != ZoneLimits{}) write_zone_limits("zone-limits", config.zone_limits, out);
  if (config.storage) {
    out.begin_node("storage");
    out.string("file", config.storage->file);
    out.u64("size", config.storage->size);
    out.end_node();
  }
  if (config.network) write_network(*config.network, out);
}

}  // namespace samara::server
