// A boot blob in a memory file that nobody can change any more: it has no name, and an image maps it instead of copying it.
#pragma once

#include "ops/descriptor.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::ops {

// The descriptor, or errno.
Result<Descriptor, int> sealed_memory_file(Bytes blob);

}  // namespace samara::ops
