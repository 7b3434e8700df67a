// A piece of code in a process of its own, for what cannot be undone or survived: filters, dropped privileges, crashes.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace samara::hal {

struct ChildEnd {
  int exit_code = -1;  // -1: killed by `signal`
  int signal = 0;
};

inline ChildEnd end_of(int status) {
  if (WIFEXITED(status)) return {.exit_code = WEXITSTATUS(status)};
  return {.signal = WTERMSIG(status)};
}

// Runs `body` in a child, which ends with 0 unless body ends it otherwise.
template <class F>
ChildEnd in_child(F body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return end_of(status);
}

// Waits for a child with a limit; kills it when it takes longer (exit code -1, signal SIGKILL).
inline ChildEnd wait_for(pid_t child, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  const auto until = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return end_of(status);
}

}  // namespace samara::hal
