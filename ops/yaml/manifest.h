// The deployment manifest: what a person writes to run a server, in YAML (docs/configuration.md is its reference). Read
// against a schema that reports every error with its place and what was expected, and written back from a configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/deployment.h"
#include "ops/diagnostics.h"

namespace samara::ops::yaml {

// Reads the manifest `text` of the file `path`, and the zone and secret files it names (relative to the manifest's folder).
// Nothing when any error was found; all of them are in `found`.
std::optional<Deployment> read_manifest(std::string_view text, const std::string& path, Diagnostics& found);

// Where secrets are concerned a manifest for people's eyes differs from one for the machine.
enum class Secrets : u8 { masked, shown };
// The manifest of a configuration: what read_manifest would need to make it again, all values spelled out. Zone files are
// named, not contained: as seen from the folder of `manifest`, or as the configuration has them when that is empty.
// `zone_folders`: those that it names, as Deployment has them.
std::string write_manifest(const RoleConfig& config, std::string_view target, Secrets secrets, const std::string& manifest,
                           const std::vector<std::string>& zone_folders = {});

}  // namespace samara::ops::yaml
