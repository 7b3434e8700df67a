// A key tag is not a message id.
// library: dns-core
// expect: invalid operands to binary expression|no viable conversion
#include "dns-core/types.h"

bool same(samara::dns::MessageId id, samara::dns::KeyTag tag) {
#ifdef MUST_FAIL
  return id == tag;
#else
  return id.value() == tag.value();
#endif
}
