// Domain names that were used, whatever their case.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dns-core/name.h"
#include "ops/yaml/writing.h"

namespace samara::ops::yaml {

class NamesSeen {
 public:
  // False when `name` was there already.
  bool add(const dns::Name& name) { return texts_.emplace(key(name), text_of(name)).second; }
  bool has(const dns::Name& name) const { return texts_.contains(key(name)); }

  // As they were written, absolute.
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const auto& [wire, text] : texts_) texts.push_back(text);
    return texts;
  }

 private:
  static std::string key(const dns::Name& name) {
    const dns::Name lower = name.lowercased();
    return {lower.wire().begin(), lower.wire().end()};
  }
  std::map<std::string, std::string> texts_;
};

}  // namespace samara::ops::yaml
