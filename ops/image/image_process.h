// An image that runs as a Linux process: started with its boot configuration on descriptor 3, a control stream on descriptor 4
// and, if it has one, its storage on descriptor 5. Its log lines go to our standard error.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "ops/descriptor.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::ops {

class ImageProcess {
 public:
  // Starts the program `image`. `output` becomes its standard output; when it is not open, ours does. `storage` is where it
  // keeps its zones, when it is open. Errors: errno of what failed; the program then does not run.
  static Result<ImageProcess, int> start(const std::string& image, Bytes blob, const Descriptor& output,
                                         const Descriptor& storage);

  pid_t pid() const { return pid_; }
  // Our end of the control stream, not blocking.
  const Descriptor& control() const { return control_; }
  void signal(int number) const;
  // The wait status once the process has ended. Call after SIGCHLD.
  std::optional<int> poll_end();

 private:
  ImageProcess(pid_t pid, Descriptor control) : pid_(pid), control_(std::move(control)) {}
  pid_t pid_;
  Descriptor control_;
};

}  // namespace samara::ops
