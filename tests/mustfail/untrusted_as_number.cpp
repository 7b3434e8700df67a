// A count from a peer is checked before it counts anything.
// library: dns-core
// expect: no viable conversion|no member named|cannot convert|no matching
#include "platform/base/types.h"
#include "platform/base/untrusted.h"

samara::u16 use(samara::Untrusted<samara::u16> count) {
#ifdef MUST_FAIL
  return count;
#else
  return count.at_most(12).value_or(0);
#endif
}
