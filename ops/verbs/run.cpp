// `samara run`: a deployment from its manifest.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "ops/files.h"
#include "ops/image/supervisor.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/manifest.h"

namespace samara::ops {

namespace {

struct Options {
  std::string file;
  std::string target = "linux";
  std::string image;
  std::string pid_file;
  std::string log_file;
  bool detach = false;
};

std::optional<Deployment> load(const Options& options, Diagnostics& found) {
  const Result<std::string, FileError> text = read_file(options.file);
  if (!text) {
    found.error({options.file}, text.error().problem, "a deployment manifest in YAML");
    return {};
  }
  return yaml::read_manifest(text.value(), options.file, found);
}

// Where a detached server leaves its traces: /run for root, else the user's runtime folder or /tmp.
std::string runtime_path(const std::string& manifest, const std::string& suffix) {
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  const std::string base = ::geteuid() == 0 ? "/run" : folder != nullptr ? folder : "/tmp";
  return base + "/samara-" + std::filesystem::path(manifest).stem().string() + suffix;
}

ExitCode run(const Options& options) {
  const Launch launch{options.image, options.file, [&options](Diagnostics& found) { return load(options, found); }};
  if (!options.detach) return supervise(launch, Descriptor());
  const Background background{options.pid_file.empty() ? runtime_path(options.file, ".pid") : options.pid_file,
                              options.log_file.empty() ? runtime_path(options.file, ".log") : options.log_file};
  return supervise_in_background(launch, background);
}

}  // namespace

void add_run(CLI::App& samara, Action& chosen) {
  auto options = std::make_shared<Options>();
  options->image = default_image("primary", "linux");
  CLI::App* verb = samara.add_subcommand("run", "Run a deployment from its manifest");
  verb->add_option("FILE", options->file, "The manifest, in YAML")->required();
  verb->add_option("--target", options->target, "What to run it on: linux")
      ->check(CLI::IsMember({"linux"}))
      ->capture_default_str();
  verb->add_flag("--detach", options->detach, "Go to the background once it answers; prints `pid N`");
  verb->add_option("--pid-file", options->pid_file, "Where --detach writes the process id (/run/samara-NAME.pid for root)");
  verb->add_option("--log-file", options->log_file, "Where --detach writes the log (/run/samara-NAME.log for root)");
  verb->add_option("--image", options->image, "The image to run")->capture_default_str();
  verb->footer(
      "Prints `ready ADDRESS:PORT` for each endpoint when it answers. SIGHUP reads the manifest and its\n"
      "files again (what is broken stays out, what is served stays), SIGTERM and SIGINT stop the server.\n\n"
      "Examples:\n"
      "  samara run zones/primary.yaml\n"
      "  samara run zones/primary.yaml --detach --pid-file primary.pid\n"
      "  kill -HUP $(cat primary.pid)     # read everything again\n"
      "  kill $(cat primary.pid)          # stop");
  verb->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace samara::ops
