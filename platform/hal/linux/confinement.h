// Confinement: what a process gives up before it looks at anything from outside. First privileges (user, group, capabilities,
// the ability to gain any again, core dumps), then all system calls but the ones in system_calls.h.
#pragma once

#include <span>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/system_calls.h"

namespace samara::hal {

// Room for this many open descriptors, or no_permission with what to do.
Result<void, Refusal> reserve_descriptors(u32 count);

// Becomes `user_id`/`group_id` without supplementary groups where the process is root; gives up all capabilities, core dumps,
// being traced, and ever gaining privileges again in any case.
Result<void, Refusal> drop_privileges(u32 user_id, u32 group_id);

// What makes a filter impossible here, because its own system calls would be killed: valgrind (callgrind measures instructions
// per answer), or a sanitizer this was built with. Empty in service.
std::string_view instrumented_by();

// From now on every system call but `allowed` kills the process (SIGSYS). Must be called before threads exist. In an
// instrumented process it only warns.
Result<void, Refusal> install_filter(std::span<const AllowedCall> allowed);

}  // namespace samara::hal
