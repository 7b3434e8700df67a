// Only the runtime and the composition roots talk to the machine.
// library: zone
// expect: 'platform/hal/hal\.h' file not found
#include "dns-core/name.h"
#ifdef MUST_FAIL
#include "platform/hal/hal.h"
#endif
