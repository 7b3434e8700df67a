// `samara config show`: a boot blob (or a manifest) as a manifest with every value spelled out.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "ops/boot_blob.h"
#include "ops/files.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/manifest.h"

namespace samara::ops {

namespace {

struct ConfigShowOptions {
  std::string file;
  bool secrets = false;
};

// A device tree starts with this (Devicetree Specification section 5.2); YAML cannot.
constexpr std::string_view blob_magic = "\xd0\x0d\xfe\xed";

// YAML's text has no such octets (YAML 1.2 section 5.1).
bool is_binary(std::string_view content) {
  return std::ranges::any_of(content.substr(0, 4096), [](char c) {
    const auto octet = static_cast<u8>(c);
    return octet < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
}

ExitCode run_config_show(const ConfigShowOptions& options) {
  Diagnostics found;
  const Result<std::string, FileError> content = read_file(options.file);
  const yaml::Secrets secrets = options.secrets ? yaml::Secrets::shown : yaml::Secrets::masked;
  std::string shown;
  if (!content) {
    found.error({options.file}, content.error().problem, "a boot blob or a manifest");
  } else if (content.value().starts_with(blob_magic)) {
    if (const auto blob = DecodedBlob::decode(content.value(), options.file, found)) {
      shown = yaml::write_manifest(blob->config(), "linux", secrets, {});
    }
  } else if (is_binary(content.value())) {
    found.error({options.file}, "neither a boot blob nor a manifest", "what `samara config compile` writes, or YAML");
  } else if (const auto deployment = yaml::read_manifest(content.value(), options.file, found)) {
    shown = yaml::write_manifest(deployment->config, deployment->target, secrets, options.file, deployment->zone_folders);
  }
  found.print();
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  return found.good() ? ExitCode::good : ExitCode::bad_data;
}

}  // namespace

void add_config_show(CLI::App& config, Action& chosen) {
  auto options = std::make_shared<ConfigShowOptions>();
  CLI::App* verb = config.add_subcommand("show", "Show what a boot blob or a manifest comes to, defaults included");
  verb->add_option("FILE", options->file, "A boot blob, or a manifest in YAML")->required();
  verb->add_flag("--show-secrets", options->secrets, "Write secrets out instead of \"masked\"");
  verb->footer(
      "What it shows of a manifest can stand in its place: paths are relative to the manifest's folder. With\n"
      "--show-secrets it loads again; paths of a blob are as seen from where it was compiled.\n\n"
      "Examples:\n"
      "  samara config show primary.dtb\n"
      "  samara config show --show-secrets zones/primary.yaml > zones/whole.yaml");
  verb->callback([options, &chosen] { chosen = [options] { return run_config_show(*options); }; });
}

}  // namespace samara::ops
