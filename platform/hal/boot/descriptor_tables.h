// Segments, the task state with its interrupt stacks, and the interrupt descriptor table.
#pragma once

#include "platform/base/types.h"

namespace samara::hal::descriptor_tables {

// The interrupt that ends a halt, whatever it was.
constexpr u8 wake_vector = 0x40;
constexpr u8 spurious_vector = 0xff;

void start();

}  // namespace samara::hal::descriptor_tables
