// What is left of an image that ended by itself, for whoever looks for the reason: one paragraph for each time, the last ones
// kept in a file.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <string>

#include "platform/base/types.h"

namespace samara::ops {

// How a process ended.
struct ProcessEnd {
  int status = 0;  // of wait(2)
  struct rusage use{};
};

struct Crash {
  std::string image;    // the program's path
  std::string source;   // its configuration's
  std::string storage;  // path; empty: it had none
  ProcessEnd end;
  bool was_ready = false;  // it had answered
  std::chrono::seconds life{};
  u64 number = 1;  // since the command was started
};

// "ended by signal 11 (Segmentation fault)", "ended with exit code 70 (a bug of ours)".
std::string describe_end(int status);
std::string describe(const Crash& crash);

// Adds it to the file `path`, readable by its owner only. What is more than 64 KiB goes, the oldest first. What goes wrong is
// said on standard error.
void keep_report(const std::string& path, const Crash& crash);

}  // namespace samara::ops
