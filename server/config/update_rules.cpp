#include "server/config/update_rules.h"

#include "dns-core/rdata/rdata_text.h"
#include "server/config/service_writer.h"

namespace samara::server {

namespace {

using Kind = ConfigError::Kind;

constexpr std::array<std::string_view, 5> words{"zone", "exact", "subtree", "self", "self-subtree"};

Read<std::vector<dns::RrType>> read_types(const NodeReader& node) {
  std::vector<dns::RrType> types;
  if (!node.has("types")) return types;
  for (const std::string_view text : TRY(node.texts("types", max_update_rule_types, "at most 256 record types"))) {
    const auto type = dns::parse_type(text);
    if (!type) return node.error(Kind::malformed, "types", "record types");
    types.push_back(*type);
  }
  return types;
}

template <class T>
Read<void> read_limit(const NodeReader& node, std::string_view property, Range<T> range, std::optional<T>& into) {
  if (!node.has(property)) return {};
  T value{};
  TRY(node.number(property, range, value));
  into = value;
  return {};
}

Read<UpdateRule> read_update_rule(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only(layout::update_rule_properties, {}));
  UpdateRule rule;
  rule.from = TRY(node.prefix("from"));
  rule.key = TRY(node.key("key", keys));
  TRY(node.truth("add", rule.add));
  TRY(node.truth("remove", rule.remove));
  TRY(node.truth("signed-zones", rule.signed_zones));
  rule.zones = TRY(node.names("zones", max_update_rule_zones));
  if (node.has("match")) {
    const auto match = parse_update_names(TRY(node.text("match")));
    if (!match) return node.error(Kind::malformed, "match", "zone, exact, subtree, self or self-subtree");
    rule.match = *match;
  }
  rule.names = TRY(node.names("names", max_update_rule_names));
  const bool own = rule.match == UpdateNames::self || rule.match == UpdateNames::self_subtree;
  if (own && !rule.key) return node.error(Kind::missing, "key");
  if (lists_names(rule.match) == rule.names.empty()) {
    return node.error(rule.names.empty() ? Kind::missing : Kind::unknown, "names");
  }
  rule.types = TRY(read_types(node));
  TRY(read_limit(node, "max-records", zone_record_count, rule.max_records));
  TRY(read_limit(node, "max-octets", zone_octet_count, rule.max_octets));
  TRY(read_limit(node, "max-records-per-rrset", rrset_record_count, rule.max_records_per_rrset));
  if (rule.is_limited() && !has_own_names(rule.match)) return node.error(Kind::missing, "names");
  return rule;
}

void write_types(const std::vector<dns::RrType>& types, codec::DeviceTreeWriter& out) {
  if (types.empty()) return;
  std::vector<u8> texts;
  for (const dns::RrType type : types) {
    TextBuffer<32> text;
    dns::write_type(type, text.writer());
    texts.insert(texts.end(), text.view().begin(), text.view().end());
    texts.push_back(0);
  }
  out.bytes("types", texts);
}

}  // namespace

std::string_view update_names_word(UpdateNames match) {
  return words.at(static_cast<size_t>(match));
}

std::optional<UpdateNames> parse_update_names(std::string_view text) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) return {};
  return static_cast<UpdateNames>(found - words.begin());
}

Read<std::vector<UpdateRule>> read_update_rules(const NodeReader& node, const std::vector<TsigKey>& keys) {
  TRY(node.expect_only({}, layout::update_policy_children));
  std::vector<UpdateRule> rules;
  for (const codec::DeviceTreeNode& child : node.children()) {
    const NodeReader rule = node.below(child);
    if (rules.size() == max_update_rules) return rule.error(Kind::too_many, {}, "at most 4096 rules");
    rules.push_back(TRY(read_update_rule(rule, keys)));
  }
  return rules;
}

void write_update_rules(const std::vector<UpdateRule>& rules, const ServiceConfig& config, codec::DeviceTreeWriter& out) {
  out.begin_node("update-policy");
  for (size_t i = 0; i < rules.size(); ++i) {
    begin_numbered("rule", i, out);
    if (rules[i].from) write_text_property("from", *rules[i].from, out);
    write_key_property(rules[i].key, config, out);
    out.u32("add", rules[i].add ? 1 : 0);
    out.u32("remove", rules[i].remove ? 1 : 0);
    write_names("zones", rules[i].zones, out);
    out.u32("signed-zones", rules[i].signed_zones ? 1 : 0);
    out.string("match", update_names_word(rules[i].match));
    write_names("names", rules[i].names, out);
    write_types(rules[i].types, out);
    if (rules[i].max_records) out.u32("max-records", *rules[i].max_records);
    if (rules[i].max_octets) out.u64("max-octets", *rules[i].max_octets);
    if (rules[i].max_records_per_rrset) out.u32("max-records-per-rrset", *rules[i].max_records_per_rrset);
    out.end_node();
  }
  out.end_node();
}

}  // namespace samara::server
