#include "server/config/service_config.h"

#include <algorithm>

namespace samara::server {

namespace {

constexpr std::array<std::string_view, 5> key_algorithm_names{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384",
                                                              "hmac-sha512"};

void write_problem(ConfigError::Kind kind, TextWriter& out) {
  switch (kind) {
    case ConfigError::Kind::missing: return out.put(" is missing");
    case ConfigError::Kind::unknown: return out.put(" is not known");
    case ConfigError::Kind::malformed: return out.put(" is malformed");
    case ConfigError::Kind::out_of_range: return out.put(" is out of range");
    case ConfigError::Kind::duplicate: return out.put(" is there twice");
    case ConfigError::Kind::too_many: return out.put(" is one too many");
    case ConfigError::Kind::wrong_role: break;
  }
}

}  // namespace

std::string_view key_algorithm_name(KeyAlgorithm algorithm) {
  return key_algorithm_names.at(static_cast<size_t>(algorithm));
}

std::optional<KeyAlgorithm> parse_key_algorithm(std::string_view text) {
  const auto found = std::ranges::find(key_algorithm_names, text);
  if (found == key_algorithm_names.end()) return {};
  return static_cast<KeyAlgorithm>(found - key_algorithm_names.begin());
}

void ConfigError::write_text(TextWriter& out) const {
  for (const std::string_view name : path) {
    if (name.empty()) break;
    out.put('/');
    out.put(name);
  }
  if (path.front().empty()) out.put('/');
  if (kind == Kind::wrong_role) {
    out.put(": this is the configuration of a ");
    out.put(property);
    out.put(" (expected that of a ");
    out.put(expected);
    return out.put(')');
  }
  if (!property.empty()) {
    out.put(": property \"");
    out.put(property);
    out.put('"');
  }
  write_problem(kind, out);
  if (expected.empty() && range.high == 0) return;
  out.put(" (expected ");
  out.put(expected);
  if (range.high != 0) {
    if (!expected.empty()) out.put(' ');
    out.put("a whole number from ");
    out.put(range.low);
    out.put(" to ");
    out.put(range.high);
  }
  out.put(')');
}

}  // namespace samara::server
