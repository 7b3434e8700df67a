// The C++ run-time support an image needs: its images are linked without a C++ runtime library, so that nothing unhardened
// and no unwinder gets in. Memory comes from the C library's allocator; when there is none left the image stops, because
// nothing in it is written to go on without (std::nothrow says so where it is).
//
// Left out on purpose: exceptions, RTTI, guards of function-local statics (the compiler is told not to emit calls).
#include <cstddef>
#include <cstdlib>
#include <new>

#include "platform/base/panic.h"

namespace {

void* allocate(std::size_t size) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
  const std::size_t unit = static_cast<std::size_t>(alignment);
  if (size > SIZE_MAX - unit) return nullptr;
  const std::size_t rounded = (size == 0 ? unit : size + unit - 1) / unit * unit;  // C11: a multiple of the alignment
  return std::aligned_alloc(unit, rounded);
}

void* demand(void* memory) {
  if (memory == nullptr) [[unlikely]] {
    samara::panic("out of memory");
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return demand(allocate(size));
}
void* operator new[](std::size_t size) {
  return demand(allocate(size));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return demand(allocate(size, alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return demand(allocate(size, alignment));
}
// A machine's malloc does not come back without memory (libc/allocator.h), its aligned_alloc does.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, std::align_val_t{__STDCPP_DEFAULT_NEW_ALIGNMENT__});
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, std::align_val_t{__STDCPP_DEFAULT_NEW_ALIGNMENT__});
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}

const std::nothrow_t std::nothrow{};

// A pure virtual function was called: an object is used while it is being made or unmade.
extern "C" [[noreturn]] void __cxa_pure_virtual() {  // NOLINT(bugprone-reserved-identifier)
  samara::panic("a pure virtual function was called");
}

// A libc++ header would throw (std::length_error from a vector, for one). The format alone says what happened.
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char* format, ...) {
  samara::panic(format);
}
_LIBCPP_END_NAMESPACE_STD
