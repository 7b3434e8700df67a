// All tables of system calls, for what is true of each.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "platform/hal/linux/system_calls.h"

namespace samara::hal {

using Tables = std::vector<std::pair<std::string, std::span<const AllowedCall>>>;
inline const Tables tables{{"worker", worker_system_calls},  {"client worker", client_system_calls},
                           {"loader", loader_system_calls},  {"tap worker", tap_system_calls},
                           {"xdp worker", xdp_system_calls}, {"storage loader", storage_system_calls}};

}  // namespace samara::hal
