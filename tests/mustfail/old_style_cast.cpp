// Casts say which kind they are.
// library: dns-core
// expect: use of old-style cast
#include "platform/base/types.h"

samara::u8 low(samara::u32 value) {
#ifdef MUST_FAIL
  return (samara::u8)value;
#else
  return static_cast<samara::u8>(value);
#endif
}
