// Nothing loses bits silently.
// library: dns-core
// expect: implicit conversion loses integer precision
#include "platform/base/types.h"

samara::u8 low(samara::u32 value) {
#ifdef MUST_FAIL
  return value;
#else
  return static_cast<samara::u8>(value & 0xffU);
#endif
}
