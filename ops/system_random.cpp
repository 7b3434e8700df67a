#include "ops/system_random.h"

#include <sys/random.h>

#include <cerrno>

namespace samara::ops {

bool fill_with_random(MutableBytes octets) {
  while (!octets.empty()) {
    const ssize_t got = ::getrandom(octets.data(), octets.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    octets = octets.subspan(static_cast<size_t>(got));
  }
  return true;
}

}  // namespace samara::ops
