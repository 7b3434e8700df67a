// Random octets from the system, for keys, seeds and names.
#pragma once

#include "platform/base/types.h"

namespace samara::ops {

// False: the system has none, and errno says why.
bool fill_with_random(MutableBytes octets);

}  // namespace samara::ops
