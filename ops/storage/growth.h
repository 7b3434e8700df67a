// A store of zones keeps the size it was made with; for more room all it has is copied to a larger file, which then takes its
// place.
#pragma once

#include <string>

#include "platform/base/types.h"

namespace samara::ops {

// Where the file `path` is there and smaller than `size`, a file of that size with all it has takes its place at once, or, when
// anything is in the way, it stays as it is; either is said. Block devices and files that are not there are left alone. What a
// store holds came from the network, so it is read by a child process that has become `user` and `group` where we are root.
void grow_storage(const std::string& path, u64 size, u32 user, u32 group);

}  // namespace samara::ops
