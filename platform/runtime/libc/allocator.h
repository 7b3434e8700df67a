// The one heap behind malloc, free and operator new of a bare-metal image.
#pragma once

#include "platform/runtime/libc/heap.h"

namespace samara::runtime {

// Where the heap's memory comes from; before the first allocation.
void set_heap_source(Heap::Source source);
Heap& process_heap();

}  // namespace samara::runtime
