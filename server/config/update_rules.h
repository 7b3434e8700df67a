// The rules of update_policy.h to and from the `update-policy` node of a boot blob, and their words.
#pragma once

#include "platform/codec/device_tree.h"
#include "server/config/node_reader.h"
#include "server/config/update_policy.h"

namespace samara::server {

// "self-subtree"
std::string_view update_names_word(UpdateNames match);
std::optional<UpdateNames> parse_update_names(std::string_view text);
// True when rules of this kind list names.
constexpr bool lists_names(UpdateNames match) {
  return match == UpdateNames::exact || match == UpdateNames::subtree;
}

// True when rules of this kind have names of their own, at which existing records can be counted.
constexpr bool has_own_names(UpdateNames match) {
  return match != UpdateNames::zone;
}

Read<std::vector<UpdateRule>> read_update_rules(const NodeReader& node, const std::vector<TsigKey>& keys);
void write_update_rules(const std::vector<UpdateRule>& rules, const ServiceConfig& config, codec::DeviceTreeWriter& out);

}  // namespace samara::server
