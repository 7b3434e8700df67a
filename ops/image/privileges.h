// Privileges that the command gives up when it runs a server, as root or with capabilities of its own.
//
//   the supervisor     stays the user it is, because an image that ended is started again from nothing, and keeps those
//                      capabilities alone that starting, stopping and storing take
//   who reads files    is nobody, and may read what the command might, and nothing else (confined_reading.h)
//
// Neither gains anything by starting a program (no_new_privs).
#pragma once

#include <sys/types.h>

#include <string_view>

#include "platform/base/result.h"
#include "server/config/service_config.h"

namespace samara::ops {

// A step that failed, as a message says it, and its errno.
struct PrivilegeError {
  std::string_view step;
  int code = 0;
};

// This process becomes the supervisor of an image with this configuration.
Result<void, PrivilegeError> keep_for_supervising(const server::ServiceConfig& config);
// This process becomes one that only reads files: it is nobody, may start no other process, and has no descriptors that this
// program opened but 0 to 2 and `kept`.
Result<void, PrivilegeError> keep_for_reading(int kept);
// The user for whom this process reads: the one it was started as, also after keep_for_reading().
uid_t reading_user();

}  // namespace samara::ops
