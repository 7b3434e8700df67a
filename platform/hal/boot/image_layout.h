// Where the parts of a bare-metal image begin and end; image.ld and entry.S set these.
#pragma once

#include "platform/base/types.h"

extern "C" {
extern samara::u8 image_start[];
extern samara::u8 constants_start[];
extern samara::u8 data_start[];
extern samara::u8 crash_record_memory[];
extern samara::u8 reserved_end[];
// The pages under the three stacks, which are never mapped, and where the last stack ends.
extern samara::u8 main_guard[];
extern samara::u8 fault_guard[];
extern samara::u8 critical_guard[];
extern samara::u8 stacks_end[];
}
