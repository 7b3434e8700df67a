#include "ops/verbs/zone_options.h"

#include <cstdio>
#include <ctime>

#include "dns-core/rdata/numbers.h"
#include "ops/yaml/reading.h"

namespace samara::ops {

std::optional<dns::Name> ZoneOptions::zone_name() const {
  if (name.empty()) return {};
  const auto parsed = yaml::parse_name(name);
  return parsed ? std::optional(parsed.value()) : std::nullopt;
}

ZoneFolders ZoneOptions::folders() const {
  ZoneFolders folders = any_zone_file();
  for (const std::string& folder : more_folders) {
    if (const auto allowed = folders.allow(folder); !allowed)
      complain("--zone-folder: " + folder + " " + allowed.error().problem);
  }
  return folders;
}

UnixTime ZoneOptions::time() const {
  if (const std::optional<u32> seconds = dns::parse_time(at)) return UnixTime{*seconds};
  return UnixTime{std::time(nullptr)};
}

void add_time_option(CLI::App& verb, ZoneOptions& options) {
  verb.add_option("--at", options.at, "Whether signatures are valid at this time instead of now: YYYYMMDDHHMMSS, UTC")
      ->type_name("TIME")
      ->check([](const std::string& text) { return dns::parse_time(text) ? std::string() : "not a time: " + text; });
}

void add_zone_options(CLI::App& verb, ZoneOptions& options, const std::string& what, size_t least, size_t most) {
  // With any other bound than this the parser's usage says "FILE(1x)"; who takes two at most looks by itself.
  const int bound = most == 1 ? 1 : CLI::detail::expected_max_vector_size;
  verb.add_option("FILE", options.files, what)->required()->expected(static_cast<int>(least), bound);
  verb.add_option("--zone", options.name, "The zone's name, where the file's name (less .zone or db.) is not it")
      ->type_name("NAME")
      ->check([](const std::string& text) { return yaml::parse_name(text) ? std::string() : "not a domain name: " + text; });
  verb.add_option("--zone-folder", options.more_folders, "A folder for what the files include, besides their own; repeatable")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
}

ExitCode report(const Diagnostics& found, bool json) {
  if (json) {
    std::printf("%s\n", found.to_json().c_str());
  } else {
    std::fflush(stdout);
    found.print();
  }
  return found.good() ? ExitCode::good : ExitCode::bad_data;
}

}  // namespace samara::ops
