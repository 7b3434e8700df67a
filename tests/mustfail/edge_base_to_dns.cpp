// The base knows nothing about DNS.
// library: base
// expect: 'dns-core/name\.h' file not found
#include "platform/base/result.h"
#ifdef MUST_FAIL
#include "dns-core/name.h"
#endif
