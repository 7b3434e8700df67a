// User and group names of this machine.
#pragma once

#include <optional>
#include <string>

#include "platform/base/types.h"

namespace samara::ops {

// The number of a user or group given by name or as a number; nothing when the machine does not know the name.
std::optional<u32> find_user(const std::string& text);
std::optional<u32> find_group(const std::string& text);

}  // namespace samara::ops
