// The supervisor of a running image. It waits for the image and for signals:
//   SIGTERM, SIGINT   stop the image in order and wait for its end; another one a second later or more, or ten seconds, end it
//   at
//                     once
//   SIGHUP            read the files again and send the image a new boot configuration; what is broken is reported and what
//                     is served stays
// An image that was ready and ends without having been asked is started again, from the files as they are by then, where the
// launch says so: after a second, then two, up to a minute (back_off.h). One that never was ready is not: whoever started it
// hears why. An image whose control stream is lost cannot be reloaded; it is ended and started again in the same way. The
// image's exit code becomes the command's.
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
  // Reads the files (again). Nothing when anything is wrong with them that concerns all.
  std::function<std::optional<Deployment>(Diagnostics&)> load;
  bool restart = false;           // an image that ends by itself
  std::string crash_report = {};  // where what is left of it is kept; empty: nowhere
};

// Starts the image with `first`, or without one with what load() gives, and stays until it has ended for good. A zone whose
// files cannot be read costs that zone only. `output` becomes the image's standard output when it is open.
ExitCode supervise(const Launch& launch, std::optional<Deployment> first, Descriptor output);

// Whether a deployment names zones and the files of none could be had: there is nothing to serve, unless its storage has it.
bool has_nothing_to_serve(const Deployment& deployment);

// `supervise` (or its like for another target) in the background: returns once so many endpoints are ready (or the image has
// ended), with the supervisor's process id printed and in `pid_file`. Log lines go to `log_file`. Stop it with SIGTERM to that
// process.
struct Background {
  std::string manifest;
  std::string pid_file;
  std::string log_file;
};
using Supervise = std::function<ExitCode(Descriptor output)>;
ExitCode run_in_background(const Background& background, size_t endpoints, const Supervise& supervise);

}  // namespace samara::ops
