// `samara config check`: is this manifest, with the zones it names, fit to be deployed?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <memory>

#include "ops/files.h"
#include "ops/json.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/manifest.h"
#include "ops/zone/loaded_zone.h"

namespace samara::ops {

namespace {

struct ConfigCheckOptions {
  std::vector<std::string> files;
  bool json = false;
};

void check_manifest(const std::string& file, Diagnostics& found) {
  const Result<std::string, FileError> text = read_file(file);
  if (!text) {
    found.error({file}, text.error().problem, "a deployment manifest in YAML");
    return;
  }
  const std::optional<Deployment> deployment = yaml::read_manifest(text.value(), file, found);
  if (!deployment || deployment->primary() == nullptr) return;  // a secondary has its zones from elsewhere
  for (const server::ZoneSource& zone : deployment->primary()->zones) {
    // Signatures end without anybody changing anything: the server warns and serves them, so this does no more.
    const auto loaded = LoadedZone::load_and_check(std::string(zone.files.front().path), zone.name, std::nullopt, found,
                                                   deployment->folders, deployment->primary()->limits_of(zone.overrides));
    if (!loaded) continue;
    const auto ahead = Duration::seconds(deployment->primary()->limits.signature_warning_seconds);
    loaded->warn_of_signatures(UnixTime{std::time(nullptr)}, ahead, found);
  }
}

ExitCode run_config_check(const ConfigCheckOptions& options) {
  Diagnostics found;
  for (const std::string& file : options.files) {
    const size_t errors_before = found.error_count();
    const size_t warnings_before = found.warning_count();
    check_manifest(file, found);
    if (options.json || found.error_count() != errors_before) continue;
    const size_t warnings = found.warning_count() - warnings_before;
    const std::string count = warnings == 0 ? "" : ", " + std::to_string(warnings) + (warnings == 1 ? " warning" : " warnings");
    std::printf("%s: good%s\n", file.c_str(), count.c_str());
  }
  if (options.json) {
    std::printf("%s\n", found.to_json().c_str());
  } else {
    found.print();
  }
  return found.good() ? ExitCode::good : ExitCode::bad_data;
}

}  // namespace

void add_config_check(CLI::App& config, Action& chosen) {
  auto options = std::make_shared<ConfigCheckOptions>();
  CLI::App* verb = config.add_subcommand("check", "Check manifests and the zones they name");
  verb->add_option("FILE", options->files, "Manifests, in YAML")->required();
  verb->add_flag("--json", options->json,
                 "What was found as a JSON array on standard output: severity, file, line, column, message, …");
  verb->footer(
      "Reports every error as FILE:LINE:COLUMN: what is wrong (what was expected); exit code 65 if any.\n\n"
      "Examples:\n"
      "  samara config check zones/primary.yaml\n"
      "  samara config check --json deployments/*.yaml");
  verb->callback([options, &chosen] { chosen = [options] { return run_config_check(*options); }; });
}

}  // namespace samara::ops
