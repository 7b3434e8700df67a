// A child program that has exactly the descriptors it is given, in a process group of its own, and ends when we do.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "platform/base/result.h"

namespace samara::ops {

struct GivenDescriptor {
  int fd;  // ours
  int as;  // the child's number for it, below 10
};

// `words`: the program and its arguments; the program is looked for in PATH when it has no slash. With an empty environment, or
// ours. Errors: errno of what failed; the program then does not run.
enum class Environment { empty, inherited };
Result<pid_t, int> spawn(const std::vector<std::string>& words, std::span<const GivenDescriptor> given,
                         Environment environment);

}  // namespace samara::ops
