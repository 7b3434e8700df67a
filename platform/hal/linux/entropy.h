// Seeds from the system's random source, taken before the system call filter forbids asking.
#pragma once

#include "platform/base/result.h"
#include "platform/hal/hal.h"

namespace samara::hal {

// Waits until the system's source is seeded (at boot); never yields predictable octets.
Result<Entropy, Refusal> take_entropy();

}  // namespace samara::hal
