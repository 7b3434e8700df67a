// Octets become numbers by load_be16 and its like.
// library: dns-core
// expect: attempt to use a poisoned identifier
#include "platform/base/byte_order.h"

samara::u16 number(samara::Bytes bytes) {
#ifdef MUST_FAIL
  return *reinterpret_cast<const samara::u16*>(bytes.data());
#else
  return samara::load_be16(bytes, 0);
#endif
}
