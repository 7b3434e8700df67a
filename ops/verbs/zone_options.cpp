#include "ops/verbs/zone_options.h"

#include "ops/yaml/reading.h"

namespace samara::ops {

std::optional<dns::Name> ZoneOptions::zone_name() const {
  if (name.empty()) return {};
  const auto parsed = yaml::parse_name(name);
  return parsed ? std::optional(parsed.value()) : std::nullopt;
}

void add_zone_options(CLI::App& verb, ZoneOptions& options, const std::string& what, size_t least, size_t most) {
  verb.add_option("FILE", options.files, what)->required()->expected(static_cast<int>(least), static_cast<int>(most));
  verb.add_option("--zone", options.name, "The zone's name, where the file's name (less .zone) is not it")
      ->type_name("NAME")
      ->check([](const std::string& text) { return yaml::parse_name(text) ? std::string() : "not a domain name: " + text; });
}

}  // namespace samara::ops
