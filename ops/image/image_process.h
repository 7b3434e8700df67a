// An image that runs as a Linux process: started with its boot configuration on descriptor 3, a control stream on descriptor 4
// and, if it has one, its storage on descriptor 5. Its log lines go to our standard error; its standard output comes to us.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "ops/descriptor.h"
#include "ops/image/crash_report.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::ops {

class ImageProcess {
 public:
  // Starts the program `image`. `storage` is where it keeps its zones, when it is open. Errors: errno of what failed; the
  // program then does not run.
  static Result<ImageProcess, int> start(const std::string& image, Bytes blob, const Descriptor& storage);

  pid_t pid() const { return pid_; }
  // Our end of the control stream, not blocking.
  const Descriptor& control() const { return control_; }
  // What it writes on its standard output, not blocking.
  const Descriptor& output() const { return output_; }
  void close_output() { output_.reset(); }
  void signal(int number) const;
  // How it ended, once it has. Call after SIGCHLD.
  std::optional<ProcessEnd> poll_end();

 private:
  ImageProcess(pid_t pid, Descriptor control, Descriptor output)
      : pid_(pid), control_(std::move(control)), output_(std::move(output)) {}
  pid_t pid_;
  Descriptor control_, output_;
};

}  // namespace samara::ops
