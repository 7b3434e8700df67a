// dns-core <- zone, not the other way round.
// library: dns-core
// expect: 'zone/zone\.h' file not found
#include "dns-core/name.h"
#ifdef MUST_FAIL
#include "zone/zone.h"
#endif
