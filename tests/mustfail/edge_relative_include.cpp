// Nothing includes by a path relative to itself: folders are reached from the root, over a declared edge.
// library: dns-core
// expect: file not found
#include "dns-core/name.h"
#ifdef MUST_FAIL
#include "../zone/zone.h"
#endif
