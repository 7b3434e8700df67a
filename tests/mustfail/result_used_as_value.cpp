// A Result is not its value.
// library: dns-core
// expect: no viable conversion
#include "platform/base/byte_reader.h"

samara::u16 step(samara::ByteReader& reader) {
#ifdef MUST_FAIL
  return reader.u16();
#else
  return reader.u16().value_or(0);
#endif
}
