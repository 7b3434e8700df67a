// `samara run`: a deployment from its manifest.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "ops/files.h"
#include "ops/image/confined_reading.h"
#include "ops/image/machine.h"
#include "ops/image/supervisor.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/manifest.h"

namespace samara::ops {

namespace {

struct RunOptions {
  std::string file;
  std::string target;  // empty: the manifest's
  std::string image;   // empty: the one beside the command
  MachineOptions machine;
  std::string pid_file;
  std::string log_file;
  std::string crash_report;
  bool detach = false;
  bool no_restart = false;
};

std::optional<Deployment> read_manifest_file(const RunOptions& options, Diagnostics& found) {
  const Result<std::string, FileError> text = read_file(options.file);
  if (!text) {
    found.error({options.file}, text.error().problem, "a deployment manifest in YAML");
    return {};
  }
  return yaml::read_manifest(text.value(), options.file, found);
}

std::optional<Deployment> load_manifest(const RunOptions& options, Diagnostics& found) {
  return read_confined([&](Diagnostics& inside) { return read_manifest_file(options, inside); }, options.file, found);
}

// Where a detached server leaves its traces: /run for root, else the user's runtime folder or /tmp.
std::string runtime_path(const std::string& manifest, const std::string& suffix) {
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  const std::string base = ::geteuid() == 0 ? "/run" : folder != nullptr ? folder : "/tmp";
  return base + "/samara-" + std::filesystem::path(manifest).stem().string() + suffix;
}

// A machine on a link of its own finds its addresses one after the other; the first one is enough to say that it answers. So
// it is where the image runs our TCP/IP on a Linux interface.
size_t endpoints_to_wait_for(const Deployment& deployment, bool machine, const MachineOptions& options) {
  if (machine) return std::max<size_t>(1, forwarded(options, deployment.service()).size());
  const auto& network = deployment.service().network;
  return network && network->mode != runtime::NetworkMode::sockets ? 1 : deployment.service().listen.size();
}

ExitCode run_deployment(const RunOptions& options) {
  // A zone whose files cannot be read costs that zone; the supervisor looks whether any is left.
  Diagnostics found(Unreadable::leave_out);
  std::optional<Deployment> deployment = load_manifest(options, found);
  found.print();
  if (!deployment) return found.exit_code();
  if (has_nothing_to_serve(*deployment)) {
    complain(options.file + ": no zone could be read");
    return found.exit_code();
  }
  const std::string target = options.target.empty() ? deployment->target : options.target;
  const std::string image = options.image.empty() ? default_image(role_of(deployment->config), target) : options.image;
  Launch launch{image, options.file, [&options](Diagnostics& again) { return load_manifest(options, again); }};
  launch.restart = !options.no_restart;
  launch.crash_report = options.crash_report.empty() ? runtime_path(options.file, ".crash") : options.crash_report;
  const bool machine = target == "virtio";
  const size_t endpoints = endpoints_to_wait_for(*deployment, machine, options.machine);
  // Nobody sees the console of a machine in the background, so it goes into the log.
  MachineOptions machine_options = options.machine;
  machine_options.console = machine_options.console || options.detach;
  const Supervise supervisor = [&](Descriptor output) {
    if (options.detach) found.print();  // in the log as well
    // What was read above: nothing is read twice.
    return machine ? run_machine(launch, machine_options, std::move(deployment), std::move(output))
                   : supervise(launch, std::move(deployment), std::move(output));
  };
  if (!options.detach) return supervisor(Descriptor());
  const Background background{options.file, options.pid_file.empty() ? runtime_path(options.file, ".pid") : options.pid_file,
                              options.log_file.empty() ? runtime_path(options.file, ".log") : options.log_file};
  return run_in_background(background, endpoints, supervisor);
}

}  // namespace

void add_run(CLI::App& samara, Action& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* verb = samara.add_subcommand("run", "Run a deployment from its manifest");
  verb->add_option("FILE", options->file, "The manifest, in YAML")->required();
  verb->add_option("--target", options->target,
                   "What to run it on: linux (a process) or virtio (a machine in QEMU); the manifest's")
      ->check(CLI::IsMember({"linux", "virtio"}));
  verb->add_flag("--detach", options->detach, "Go to the background once it answers; prints `pid N`");
  verb->add_option("--pid-file", options->pid_file, "Where --detach writes the process id (/run/samara-NAME.pid for root)");
  verb->add_option("--log-file", options->log_file, "Where --detach writes the log (/run/samara-NAME.log for root)");
  verb->add_flag("--no-restart", options->no_restart,
                 "End when the image ends by itself; without it the image is started again, with a growing pause");
  verb->add_option("--crash-report", options->crash_report,
                   "Where what is left of an image that ended by itself is kept (/run/samara-NAME.crash for root)");
  verb->add_option("--image", options->image, "The image to run, instead of images/samara-ROLE-TARGET-x86_64.elf");
  MachineOptions& machine = options->machine;
  const std::string group = "Target virtio";
  verb->add_flag("--console", machine.console, "Show the machine's console; with --detach it is in the log")->group(group);
  verb->add_option("--machine", machine.type, "QEMU's machine: microvm, pc or q35")
      ->check(CLI::IsMember({"microvm", "pc", "q35"}))
      ->capture_default_str()
      ->group(group);
  verb->add_option("--net", machine.network,
                   "user (QEMU passes `listen` endpoints of IPv4 on), tap:DEVICE, or bridge:NAME (a port is made; as root)")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool good = text == "user" || (text.starts_with("tap:") && text.size() > 4) ||
                              (text.starts_with("bridge:") && text.size() > 7);
            return good ? std::string() : "expected user, tap:DEVICE or bridge:NAME";
          },
          "user, tap:DEVICE or bridge:NAME"))
      ->capture_default_str()
      ->group(group);
  verb->add_option("--memory", machine.memory, "MiB of memory")
      ->check(CLI::Range(4, 65'536))
      ->capture_default_str()
      ->group(group);
  verb->add_option("--accel", machine.accelerator, "QEMU's accelerator: tcg, or kvm where the host has it")
      ->check(CLI::IsMember({"tcg", "kvm"}))
      ->capture_default_str()
      ->group(group);
  verb->add_option("--qemu", machine.qemu, "The QEMU to use")->capture_default_str()->group(group);
  verb->footer(
      "Prints `ready ADDRESS:PORT` for each endpoint when it answers. SIGHUP reads the manifest and its\n"
      "files again (what is broken stays out, what is served stays), SIGTERM and SIGINT stop the server.\n"
      "An image that answered and ends by itself is started again from the files as they are by then.\n"
      "A machine takes new zones when it is started again.\n\n"
      "Examples:\n"
      "  samara run zones/primary.yaml\n"
      "  samara run zones/primary.yaml --target virtio --console\n"
      "  samara run zones/primary.yaml --target virtio --machine q35 --net tap:tap0\n"
      "  samara run zones/machines/primary.yaml --net bridge:samara0\n"
      "  samara run zones/primary.yaml --detach --pid-file primary.pid\n"
      "  kill -HUP $(cat primary.pid)     # read everything again\n"
      "  kill $(cat primary.pid)          # stop");
  verb->callback([options, &chosen] { chosen = [options] { return run_deployment(*options); }; });
}

}  // namespace samara::ops
