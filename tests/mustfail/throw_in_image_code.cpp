// There are no exceptions in an image.
// library: dns-core
// expect: exceptions disabled
#include "platform/base/panic.h"

void stop() {
#ifdef MUST_FAIL
  throw 1;
#else
  samara::panic("our bug");
#endif
}
