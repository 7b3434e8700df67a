#include "ops/yaml/access.h"

#include <algorithm>

#include "ops/nearest.h"
#include "ops/yaml/writing.h"

namespace samara::ops::yaml {

namespace {

server::AccessRule any_client() {
  return {};
}

// `any`, an address block, {key: NAME}, {from: BLOCK, key: NAME}
std::optional<server::AccessRule> read_rule(const Value& value, const Reading& reading, const server::ServiceConfig& config) {
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
  if (key != nullptr) rule.key = read_key_name(*key, reading, config);
  if (reading.found().error_count() != errors_before) return {};
  return rule;
}

}  // namespace

std::optional<u16> read_key_name(const Value& value, const Reading& reading, const server::ServiceConfig& config) {
  const std::optional<dns::Name> name = reading.name(value);
  if (!name) return {};
  const auto known = std::ranges::find(config.keys, *name, &server::TsigKey::name);
  if (known != config.keys.end()) return static_cast<u16>(known - config.keys.begin());
  std::vector<std::string> names;
  for (const server::TsigKey& key : config.keys) names.push_back(text_of(key.name));
  reading.error(value, "no key " + in_quotes(value.text), "the name of a key under keys", nearest_word(text_of(*name), names));
  return {};
}

void read_access_list(const Value* value, const Reading& reading, const server::ServiceConfig& config,
                      server::AccessList& list) {
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

void read_access(const Value& value, const Reading& reading, server::ServiceConfig& config) {
  Fields fields(value, reading, "acl");
  read_access_list(fields.find("query"), reading, config, config.access.query);
  read_access_list(fields.find("transfer"), reading, config, config.access.transfer);
  read_access_list(fields.find("notify"), reading, config, config.access.notify);
  read_access_list(fields.find("update"), reading, config, config.access.update);
  fields.finish();
}

}  // namespace samara::ops::yaml
