// The supervisor of a running image. It waits for the image and for signals:
//   SIGTERM, SIGINT   stop the image in order and wait for its end; a second one, or ten seconds, end it at once
//   SIGHUP            read the files again and send the image a new boot configuration; what is broken is reported and what
//                     is served stays
// The image's exit code becomes the command's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ops/deployment.h"
#include "ops/descriptor.h"
#include "ops/diagnostics.h"
#include "ops/exit_code.h"

namespace samara::ops {

struct Launch {
  std::string image;   // path of the program
  std::string source;  // what the configuration comes from, for messages: the manifest's path
  // Reads the files (again). Nothing when anything is wrong with them.
  std::function<std::optional<Deployment>(Diagnostics&)> load;
};

// Starts the image with what load() gives and stays until it has ended. `output` becomes the image's standard output when it
// is open.
ExitCode supervise(const Launch& launch, Descriptor output);

// `supervise` (or its like for another target) in the background: returns once so many endpoints are ready (or the image has
// ended), with the supervisor's process id printed and in `pid_file`. Log lines go to `log_file`. Stop it with SIGTERM to that
// process.
struct Background {
  std::string pid_file;
  std::string log_file;
};
using Supervise = std::function<ExitCode(Descriptor output)>;
ExitCode run_in_background(const Background& background, size_t endpoints, const Supervise& supervise);

}  // namespace samara::ops
