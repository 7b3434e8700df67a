// AccessTable: who may do something, by address block and TSIG key (RFC 8945 names the key, the operator the block).
#pragma once

#include <optional>
#include <vector>

#include "platform/base/ip_address.h"

namespace samara::server {

class AccessTable {
 public:
  struct Rule {
    std::optional<IpPrefix> from;  // absent: from anywhere
    std::optional<u16> key;        // absent: with or without a key
  };

  explicit AccessTable(std::vector<Rule> rules) : rules_(std::move(rules)) {
    for (const Rule& rule : rules_) open_ = open_ || (!rule.from.has_value() && !rule.key.has_value());
  }
  // True when some rule lets in a message from `client` signed with `key` (or unsigned).
  bool allows(const IpAddress& client, std::optional<u16> key) const {
    if (open_) return true;
    for (const Rule& rule : rules_) {
      if (rule.from.has_value() && !rule.from->contains(client)) continue;
      if (rule.key.has_value() && rule.key != key) continue;
      return true;
    }
    return false;
  }

 private:
  std::vector<Rule> rules_;
  bool open_ = false;  // some rule lets everybody in
};

}  // namespace samara::server
