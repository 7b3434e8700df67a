// The signals a supervisor is told by, as a descriptor.
#pragma once

#include <sys/signalfd.h>

#include <csignal>

#include "ops/descriptor.h"
#include "platform/base/types.h"

namespace samara::ops {

// These signals ask the command to end.
inline bool is_stop(u32 number) {
  return number == SIGTERM || number == SIGINT || number == SIGQUIT;
}

// Those, SIGHUP and SIGCHLD are read from it (signalfd(2)) from now on. SIGPIPE is blocked: whoever read our output may be
// gone, which is no reason to end. Nor are the signals that other servers take for other things, as for new log files.
inline Descriptor watch_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD}) ::sigaddset(&watched, number);
  sigset_t blocked = watched;
  for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM}) ::sigaddset(&blocked, number);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  return Descriptor(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
}

}  // namespace samara::ops
