// What Debian's static libraries call when something is wrong, and what they ask of an environment that an image does not
// have. Whatever they would print ends as a panic with the same words: they print nothing else.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "platform/base/panic.h"

namespace {

[[noreturn]] void give_up(const char* what) {
  samara::panic(what);
}

}  // namespace

extern "C" {

FILE* stderr = nullptr;

void abort() noexcept {
  give_up("a library called abort()");
}
// GMP raises SIGFPE for a division by zero or a number that is too large.
int raise(int) noexcept {
  give_up("a library raised a signal");
}
char* getenv(const char*) noexcept {
  return nullptr;
}
char* secure_getenv(const char*) noexcept {
  return nullptr;
}
std::size_t fwrite(const void* text, std::size_t size, std::size_t count, FILE*) {
  samara::panic({static_cast<const char*>(text), size * count});
}
// NOLINTBEGIN(bugprone-reserved-identifier): these are the C library's own names.
int __fprintf_chk(FILE*, int, const char* format, ...) {
  give_up(format);
}
void __assert_fail(const char* expression, const char*, unsigned, const char*) noexcept {
  give_up(expression);
}
[[noreturn]] void __stack_chk_fail() {
  give_up("something wrote behind the end of an array on the stack");
}
// NOLINTEND(bugprone-reserved-identifier)

}  // extern "C"
