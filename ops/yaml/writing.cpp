#include "ops/yaml/writing.h"

#include <filesystem>

#include "ops/files.h"
#include "platform/codec/base64.h"

namespace samara::ops::yaml {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

}  // namespace

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

std::string base64_of(std::string_view octets) {
  const std::vector<u8> input(octets.begin(), octets.end());
  std::vector<char> memory(codec::base64_size(input.size()));
  TextWriter out(memory);
  codec::encode_base64(input, out);
  return std::string(out.view());
}

void YamlLines::access_list(size_t indent, std::string_view key, const server::AccessList& list) {
  if (list.empty()) return value(indent, key, "[]");
  value(indent, key, "");
  for (const server::AccessRule& rule : list) {
    std::string text;
    if (rule.from) text = (rule.key ? "from: " : "") + quoted(*rule.from);
    if (rule.key) text = '{' + text + (text.empty() ? "" : ", ") + "key: " + key_name(*rule.key) + '}';
    line(indent + 2, "- " + (text.empty() ? "any" : text));
  }
}

void YamlLines::peers(size_t indent, std::string_view key, const server::PeerList& list) {
  if (list.empty()) return value(indent, key, "[]");
  value(indent, key, "");
  for (const server::Peer& peer : list) {
    const std::string address = quoted(peer.endpoint);
    line(indent + 2, "- " + (peer.key ? "{address: " + address + ", key: " + key_name(*peer.key) + '}' : address));
  }
}

void YamlLines::names(size_t indent, std::string_view key, const std::vector<dns::Name>& list) {
  std::string text;
  for (const dns::Name& name : list) text += (text.empty() ? "" : ", ") + quoted(name);
  value(indent, key, '[' + text + ']');
}

void YamlLines::history(size_t indent, const server::HistoryConfig& history) {
  value(indent, "history",
        "{differences: " + std::to_string(history.differences) + ", size: " + std::to_string(history.octets) + '}');
}

void YamlLines::zone_limits(size_t indent, std::string_view key, const server::ZoneLimits& limits) {
  value(indent, key, "");
  number(indent + 2, "max-records", limits.max_records);
  number(indent + 2, "max-octets", limits.max_octets);
  number(indent + 2, "max-records-per-rrset", limits.max_records_per_rrset);
  number(indent + 2, "max-types-per-name", limits.max_types_per_name);
}

void YamlLines::overrides(size_t indent, const server::ZoneOverrides& overrides) {
  if (overrides.transfer || overrides.notify_from || overrides.update) {
    value(indent, "acl", "");
    if (overrides.transfer) access_list(indent + 2, "transfer", *overrides.transfer);
    if (overrides.notify_from) access_list(indent + 2, "notify", *overrides.notify_from);
    if (overrides.update) access_list(indent + 2, "update", *overrides.update);
  }
  if (overrides.notify) peers(indent, "notify", *overrides.notify);
  if (overrides.notify_ns_records) value(indent, "notify-ns-records", word(*overrides.notify_ns_records));
  if (overrides.history) history(indent, *overrides.history);
  if (overrides.limits) zone_limits(indent, "zone-limits", *overrides.limits);
  if (overrides.forward_updates) value(indent, "forward-updates", word(*overrides.forward_updates));
}

std::string YamlLines::path(std::string_view path) const {
  const auto without_slash = [](std::string text) {
    if (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
  };
  const std::filesystem::path given(without_slash(std::string(path)));
  if (manifest_.empty() || given.is_absolute()) return yaml_text(path);
  const auto folder = std::filesystem::path(manifest_).parent_path().lexically_normal();
  const std::string beside = given.lexically_relative(folder).string();
  if (!beside.empty() && without_slash(path_beside(manifest_, beside)) == given.string()) return yaml_text(beside);
  return yaml_text(std::filesystem::absolute(given).lexically_normal().string());
}

}  // namespace samara::ops::yaml
