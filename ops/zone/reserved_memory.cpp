#include "ops/zone/reserved_memory.h"

#include <sys/mman.h>

namespace samara::ops {

namespace {

constexpr size_t smallest_useful = size_t{1} << 24;

}  // namespace

ReservedMemory::ReservedMemory(size_t size) {
  // A limit on address space may be in force (ulimit -v).
  for (; size >= smallest_useful; size /= 2) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) continue;
    bytes_ = {static_cast<u8*>(memory), size};
    return;
  }
}

ReservedMemory::~ReservedMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace samara::ops
