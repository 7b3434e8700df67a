// An image that is a machine of its own: QEMU, how it is called, and its supervisor. The boot configuration goes to it as the
// first boot module through a memory file without a name; the console is its standard input and output.
//
//   SIGTERM, SIGINT   ask the image to turn the power off and wait for it; another one a second later or more, or ten seconds,
//   end
//                     QEMU at once
//   SIGHUP            is answered with a line: a machine takes new zones when it is started again
// A machine that answered and ends by itself is started again like a process (supervisor.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/deployment.h"
#include "ops/exit_code.h"
#include "ops/image/supervisor.h"

namespace samara::ops {

struct MachineOptions {
  std::string qemu = "qemu-system-x86_64";
  std::string type = "microvm";  // or pc, q35
  std::string accelerator = "tcg";
  std::string network = "user";  // QEMU's own, tap:DEVICE, or bridge:NAME
  unsigned memory = 64;          // MiB
  bool console = false;          // show all of it
};

// The manifest's `listen` endpoints that QEMU's user network passes on to the image: those of IPv4. A tap device passes on all
// that comes, and has none.
std::vector<Endpoint> forwarded(const MachineOptions& options, const server::ServiceConfig& config);

// What one machine is made of.
struct MachineParts {
  std::string image;
  std::string module;               // the path under which QEMU finds the boot configuration
  std::string storage;              // that of the disk; empty: it has none
  std::vector<Endpoint> forwarded;  // of the user network
  u16 guest_port = 53;              // where they lead
  std::optional<int> tap;           // QEMU's descriptor of the port of a bridge
  std::string mac;                  // the card's address; empty: QEMU's usual one
};

// QEMU's words for it.
std::vector<std::string> qemu_words(const MachineOptions& options, const MachineParts& parts);

// Runs it with `first`, or without one with what the launch loads, and stays until it has ended for good; prints `ready
// ADDRESS:PORT` for each endpoint that is answered, on `output` when that is open. Gives the image's exit code.
ExitCode run_machine(const Launch& launch, const MachineOptions& options, std::optional<Deployment> first, Descriptor output);

}  // namespace samara::ops
