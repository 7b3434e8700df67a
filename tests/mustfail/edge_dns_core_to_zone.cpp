// dns-core <- zone, not the other way round.
// library: dns-core
// expect: 'zone/snapshot\.h' file not found
#include "dns-core/name.h"
#ifdef MUST_FAIL
#include "zone/snapshot.h"
#endif
