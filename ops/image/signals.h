// The signals a supervisor is told by, as a descriptor.
#pragma once

#include <sys/signalfd.h>

#include <csignal>

#include "ops/descriptor.h"

namespace samara::ops {

// SIGTERM, SIGINT, SIGHUP and SIGCHLD are read from it (signalfd(2)) from now on. SIGPIPE is blocked: whoever read our output
// may be gone, which is no reason to end.
inline Descriptor watch_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&watched, number);
  sigset_t blocked = watched;
  ::sigaddset(&blocked, SIGPIPE);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  return Descriptor(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
}

}  // namespace samara::ops
