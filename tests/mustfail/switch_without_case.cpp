// A switch over an enumeration handles every value it has.
// library: dns-core
// expect: enumeration value 'greater' not
#include "dns-core/types.h"

using samara::dns::Serial;
int sign(Serial::Order order) {
  switch (order) {
    case Serial::Order::equal: return 0;
    case Serial::Order::less: return -1;
#ifndef MUST_FAIL
    case Serial::Order::greater: return 1;
#endif
    case Serial::Order::undefined: return 2;
  }
  return 3;
}
int use() {
  return sign(Serial::Order::less);
}
