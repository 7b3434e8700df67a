// Octets are reached through spans, which know their length.
// library: dns-core
// expect: unsafe pointer arithmetic|unsafe pointer
#include "platform/base/types.h"

samara::u8 second(samara::Bytes bytes) {
#ifdef MUST_FAIL
  const samara::u8* p = bytes.data();
  return *(p + 1);
#else
  return bytes.subspan(1).front();
#endif
}
