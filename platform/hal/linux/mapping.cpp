#include "platform/hal/linux/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace samara::hal {

Mapping::Mapping(Mapping&& other) noexcept : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

std::optional<Mapping> Mapping::map(size_t size, int protection, int flags, int fd) {
  void* base = ::mmap(nullptr, size, protection, flags, fd, 0);
  if (base == MAP_FAILED) return std::nullopt;
  return Mapping(static_cast<u8*>(base), size);
}

std::optional<Mapping> Mapping::anonymous(size_t size) {
  return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

std::optional<Mapping> Mapping::shared(size_t size) {
  return map(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

bool Mapping::make_read_only() {
  return ::mprotect(base_, size_, PROT_READ) == 0;
}

void Mapping::release(size_t offset, size_t length) {
  // The page size is asked for once by the C library at start; this is no system call.
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t limit = std::min(size_, offset > size_ ? size_ : offset + std::min(length, size_ - offset));
  const size_t first = (std::min(offset, size_) + page - 1) / page * page;
  const size_t last = limit / page * page;
  if (first < last) ::madvise(base_ + first, last - first, MADV_REMOVE);
}

}  // namespace samara::hal
