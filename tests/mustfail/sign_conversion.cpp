// Signs do not change silently.
// library: dns-core
// expect: implicit conversion changes signedness
#include "platform/base/types.h"

samara::u32 size(int value) {
#ifdef MUST_FAIL
  return value;
#else
  return static_cast<samara::u32>(value);
#endif
}
