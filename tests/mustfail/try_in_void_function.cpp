// TRY hands the error to the caller, so there must be a caller who can take it.
// library: dns-core
// expect: void function .* should not return a value
#include "platform/base/byte_reader.h"

#ifdef MUST_FAIL
void step(samara::ByteReader& reader) {
  TRY(reader.skip(2));
}
#else
samara::Result<void, samara::ReadError> step(samara::ByteReader& reader) {
  TRY(reader.skip(2));
  return {};
}
#endif
