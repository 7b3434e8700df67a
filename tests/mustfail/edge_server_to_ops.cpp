// Images do not reach into the tools that build and start them.
// library: server
// expect: 'ops/files\.h' file not found
#include "zone/zone.h"
#ifdef MUST_FAIL
#include "ops/files.h"
#endif
