// The machine knows nothing about DNS.
// library: hal-linux
// expect: 'dns-core/name\.h' file not found
#include "platform/base/result.h"
#ifdef MUST_FAIL
#include "dns-core/name.h"
#endif
