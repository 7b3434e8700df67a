// Copies go through spans.
// library: dns-core
// expect: attempt to use a poisoned identifier
#include <algorithm>

#include "platform/base/types.h"

void copy(samara::Bytes from, samara::MutableBytes to) {
#ifdef MUST_FAIL
  memcpy(to.data(), from.data(), from.size());
#else
  std::ranges::copy(from, to.begin());
#endif
}
