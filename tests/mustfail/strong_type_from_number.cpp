// A number becomes a message id only where that is said.
// library: dns-core
// expect: no viable conversion
#include "dns-core/types.h"

samara::dns::MessageId make() {
#ifdef MUST_FAIL
  const samara::dns::MessageId id = 7;
#else
  const samara::dns::MessageId id{7};
#endif
  return id;
}
