// zone <- server, not the other way round.
// library: zone
// expect: 'server/.*\.h' file not found
#include "dns-core/name.h"
#ifdef MUST_FAIL
#include "server/query.h"
#endif
