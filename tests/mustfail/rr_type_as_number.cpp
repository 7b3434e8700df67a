// A record type is converted by name, not silently.
// library: dns-core
// expect: no viable conversion|cannot initialize return object
#include "dns-core/types.h"

samara::u16 number(samara::dns::RrType type) {
#ifdef MUST_FAIL
  return type;
#else
  return samara::dns::code(type);
#endif
}
