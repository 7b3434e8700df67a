// What the `samara zone` verbs have in common on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/zone/loaded_zone.h"

namespace samara::ops {

struct ZoneOptions {
  std::vector<std::string> files;
  std::string name;
  std::string at;
  std::vector<std::string> more_folders;

  // --zone as a name; the verb's option was checked.
  std::optional<dns::Name> zone_name() const;
  // Where what the files include may lie: below their own folders and --zone-folder.
  ZoneFolders folders() const;
  // --at, or now.
  UnixTime time() const;
};

// FILE…, --zone NAME and --zone-folder DIR.
void add_zone_options(CLI::App& verb, ZoneOptions& options, const std::string& what, size_t least, size_t most);

// --at TIME.
void add_time_option(CLI::App& verb, ZoneOptions& options);

// Says what was found, as `samara: …` lines or as JSON on standard output, and what that means as an exit code.
ExitCode report(const Diagnostics& found, bool json);

}  // namespace samara::ops
