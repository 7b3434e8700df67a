// `samara config compile`: a manifest to the boot blob that an image takes.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "ops/boot_blob.h"
#include "ops/files.h"
#include "ops/system_random.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/manifest.h"
#include "server/config/blob_checksum.h"

namespace samara::ops {

namespace {

struct ConfigCompileOptions {
  std::string file;
  std::string output;
  bool seed = false;
};

// For a machine without a random source of its own, what it starts from.
bool add_seed(Deployment& deployment, const std::string& file, Diagnostics& found) {
  if (fill_with_random(deployment.service().entropy_seed.emplace())) return true;
  found.error({file}, "no seed: the system has no random numbers: " + std::generic_category().message(errno));
  return false;
}

// A file is written over only where it is a blob, or empty: a manifest's name is typed soon.
bool may_be_replaced(const std::string& output) {
  constexpr std::string_view magic = "\xd0\x0d\xfe\xed";
  const auto file = RegularFile::find(output);
  if (output == "-" || !file.ok()) return true;
  std::array<char, magic.size()> start{};
  const Descriptor opened(::open(path_of_descriptor(file.value().descriptor()).c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t size = ::read(opened.get(), start.data(), start.size());
  return size == 0 || std::string_view(start.data(), start.size()) == magic;
}

ExitCode run_config_compile(const ConfigCompileOptions& options) {
  Diagnostics found;
  if (!may_be_replaced(options.output)) {
    found.error({options.output}, "holds something that is no boot blob, and stays as it is", "a new file, or a boot blob's");
    found.print();
    return ExitCode::usage;
  }
  std::optional<std::vector<u8>> blob;
  const Result<std::string, FileError> text = read_file(options.file);
  if (!text) {
    found.error({options.file}, text.error().problem, "a deployment manifest in YAML");
  } else if (auto deployment = yaml::read_manifest(text.value(), options.file, found)) {
    if (!options.seed || add_seed(*deployment, options.file, found))
      blob = compile_blob(deployment->config, options.file, found);
    if (blob) server::seal_blob(*blob);
  }
  found.print();
  if (!blob) return ExitCode::bad_data;
  const std::string octets(blob->begin(), blob->end());
  if (const auto written = write_file(options.output, octets, owner_only); !written) {
    complain(options.output + ": " + written.error().problem);
    return written.error().exit_code();
  }
  return ExitCode::good;
}

}  // namespace

void add_config_compile(CLI::App& config, Action& chosen) {
  auto options = std::make_shared<ConfigCompileOptions>();
  CLI::App* verb = config.add_subcommand("compile", "Compile a manifest to a boot blob (a flattened device tree)");
  verb->add_option("FILE", options->file, "The manifest, in YAML")->required();
  verb->add_option("-o,--output", options->output, "Where the blob goes; - is standard output")->required();
  verb->add_flag("--seed", options->seed,
                 "With 48 random octets, for a machine with neither RDRAND nor virtio-rng; for one machine and one start");
  verb->footer(
      "The blob holds the zones' texts and the keys' secrets; only its owner may read the file. Its checksum tells the image\n"
      "when bits of it have changed.\n\n"
      "Examples:\n"
      "  samara config compile zones/primary.yaml -o primary.dtb\n"
      "  out/images/samara-primary-linux-x86_64.elf 3<primary.dtb");
  verb->callback([options, &chosen] { chosen = [options] { return run_config_compile(*options); }; });
}

}  // namespace samara::ops
