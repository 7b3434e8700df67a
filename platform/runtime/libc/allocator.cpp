#include "platform/runtime/libc/allocator.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace samara::runtime {
namespace {

Heap::Source source_in_use = nullptr;
void (*end_in_use)(size_t) = nullptr;

MutableBytes more(size_t size) {
  return source_in_use == nullptr ? MutableBytes() : source_in_use(size);
}

constinit Heap heap(more);

void* demand(size_t size) {
  void* const memory = heap.allocate(size);
  if (memory == nullptr && end_in_use != nullptr) end_in_use(size);
  return memory;
}

}  // namespace

void set_heap_source(Heap::Source source, void (*end_without)(size_t size)) {
  source_in_use = source;
  end_in_use = end_without;
}
Heap& process_heap() {
  return heap;
}

}  // namespace samara::runtime

using samara::runtime::process_heap;

extern "C" {

void* malloc(std::size_t size) noexcept {
  return samara::runtime::demand(size);
}

// What the compiler makes of a malloc that is cleared at once.
void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t octets = 0;
  if (__builtin_mul_overflow(count, size, &octets)) return nullptr;
  void* const memory = samara::runtime::demand(octets);
  if (memory != nullptr) std::memset(memory, 0, octets);
  return memory;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return process_heap().allocate(size, alignment);
}

void free(void* memory) noexcept {
  process_heap().release(memory);
}

void* realloc(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) return samara::runtime::demand(size);
  const std::size_t has = samara::runtime::Heap::usable_size(memory);
  if (size <= has) return memory;
  void* const larger = samara::runtime::demand(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, has);
  process_heap().release(memory);
  return larger;
}

}  // extern "C"
