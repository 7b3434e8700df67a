// The one heap behind malloc, free and operator new of a bare-metal image.
#pragma once

#include "platform/runtime/libc/heap.h"

namespace samara::runtime {

// Where the heap's memory comes from, and what is called when malloc finds none, which does not return; before the first
// allocation. aligned_alloc, and with it what is new (std::nothrow), gives nothing instead.
void set_heap_source(Heap::Source source, void (*end_without)(size_t size));
Heap& process_heap();

}  // namespace samara::runtime
