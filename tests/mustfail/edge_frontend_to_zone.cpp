// The door of every role knows messages, not zones: the resolver has the same door.
// library: frontend
// expect: 'zone/zone\.h' file not found
#include "dns-core/name.h"
#ifdef MUST_FAIL
#include "zone/zone.h"
#endif
