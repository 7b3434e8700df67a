// Serials lie on a circle (RFC 1982): there is no `<`.
// library: dns-core
// expect: invalid operands to binary expression
#include "dns-core/types.h"

using samara::dns::Serial;
bool older(Serial a, Serial b) {
#ifdef MUST_FAIL
  return a < b;
#else
  return a.compare(b) == Serial::Order::less;
#endif
}
