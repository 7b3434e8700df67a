#include "platform/hal/linux/entropy.h"

#include <sys/random.h>

#include "platform/hal/linux/system_error.h"

namespace samara::hal {

Result<Entropy, Refusal> take_entropy() {
  Entropy seed{};
  for (;;) {
    // getrandom(2): up to 256 octets come whole once the source is seeded.
    const ssize_t n = ::getrandom(seed.data(), seed.size(), 0);
    if (n == static_cast<ssize_t>(seed.size())) return seed;
    if (n < 0 && errno != EINTR)
      return fail(Refusal(ExitCode::unavailable, "no random numbers from the system: ", SystemError{}));
  }
}

}  // namespace samara::hal
