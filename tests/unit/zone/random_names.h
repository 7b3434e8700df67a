// Names for tests of order and search. The same seed gives the same names.
#pragma once

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "dns-core/name.h"

namespace samara::zone {

class RandomNames {
 public:
  explicit RandomNames(u32 seed) : engine_(seed) {}
  u32 below(u32 bound) { return static_cast<u32>(engine_() % bound); }

  // Few different octets make names that share long beginnings; all of them reach every escape.
  std::vector<u8> label(size_t most) {
    static constexpr std::string_view few = "aAb0-*";
    const bool any_octet = below(3) == 0;
    std::vector<u8> octets(1 + below(static_cast<u32>(most)));
    for (u8& octet : octets) octet = any_octet ? static_cast<u8>(below(256)) : static_cast<u8>(few[below(few.size())]);
    return octets;
  }
  dns::Name name(const dns::Name& top, u32 most_labels, size_t most_octets = 5) {
    dns::Name made = top;
    for (u32 labels = below(most_labels + 1); labels > 0; --labels) {
      const auto child = made.child(label(most_octets));
      if (!child.ok()) break;
      made = child.value();
    }
    return made;
  }
  // Different names in canonical order.
  std::vector<dns::Name> sorted_names(size_t count, const dns::Name& top, u32 most_labels) {
    std::vector<dns::Name> names;
    for (size_t i = 0; i < count; ++i) names.push_back(name(top, most_labels));
    std::ranges::sort(names, [](const dns::Name& a, const dns::Name& b) { return dns::canonical_compare(a, b) < 0; });
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    return names;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace samara::zone
