// Domain names that were used, whatever their case.
#pragma once

#include <set>
#include <string>

#include "dns-core/name.h"

namespace samara::ops::yaml {

class NamesSeen {
 public:
  // False when `name` was there already.
  bool add(const dns::Name& name) { return wires_.insert(key(name)).second; }
  bool has(const dns::Name& name) const { return wires_.contains(key(name)); }

 private:
  static std::string key(const dns::Name& name) {
    const dns::Name lower = name.lowercased();
    return {lower.wire().begin(), lower.wire().end()};
  }
  std::set<std::string> wires_;
};

}  // namespace samara::ops::yaml
