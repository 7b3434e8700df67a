// A pointer is not an array.
// library: zone
// expect: unsafe buffer access
#include "platform/base/types.h"

samara::u8 second(samara::Bytes bytes) {
#ifdef MUST_FAIL
  const samara::u8* p = bytes.data();
  return p[1];
#else
  return bytes[1];
#endif
}
