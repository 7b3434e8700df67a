// Memory has an owner.
// library: zone
// expect: attempt to use a poisoned identifier
#include <memory>

#include "platform/base/types.h"

auto make() {
#ifdef MUST_FAIL
  return malloc(16);
#else
  return std::make_unique<samara::u64>();
#endif
}
void use() {
  (void)make();
}
