// Every Result is looked at.
// library: dns-core
// expect: ignoring return value .*nodiscard
#include "platform/base/byte_reader.h"

void step(samara::ByteReader& reader) {
#ifdef MUST_FAIL
  reader.skip(2);
#else
  (void)reader.skip(2);
#endif
}
