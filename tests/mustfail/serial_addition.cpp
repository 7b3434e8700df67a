// A serial has a next one; sums of serials mean nothing.
// library: dns-core
// expect: invalid operands to binary expression
#include "dns-core/types.h"

using samara::dns::Serial;
Serial bump(Serial a) {
#ifdef MUST_FAIL
  return a + Serial(1);
#else
  return a.next();
#endif
}
