// The file that says which process serves in the background. It is locked for as long as that process lives, and the lock, not
// what the file says, decides whether it does: a number alone may be a stranger's by now. What is in it when nobody has the
// lock is left over from a process that could not tidy up.
#pragma once

#include <sys/types.h>

#include <string>

#include "ops/descriptor.h"
#include "ops/exit_code.h"
#include "platform/base/result.h"

namespace samara::ops {

struct PidFileError {
  ExitCode code;
  std::string problem;  // "already running as pid 17"
};

class PidFile {
 public:
  // Makes the file where it is not there and takes the lock, for this process and those that it forks; what is in it stays.
  // Error: unavailable when another has it, no_permission when the system does not let us, usage when the file
  // holds anything but a number: it is somebody's, a manifest perhaps.
  static Result<PidFile, PidFileError> claim(const std::string& path);
  // `pid` is ready. False: errno says why.
  bool write(pid_t pid) const;
  // `pid` serves no longer: the file goes, if it is still this one and speaks of it or of nobody.
  void remove(pid_t pid) const;

 private:
  PidFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  bool is_in_place() const;
  bool has_only_a_pid() const;
  std::string content() const;

  std::string path_;
  Descriptor file_;
};

}  // namespace samara::ops
