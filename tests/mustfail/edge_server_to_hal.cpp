// What answers questions does not talk to the machine; its composition root does.
// library: server
// expect: 'platform/hal/hal\.h' file not found
#include "zone/zone.h"
#ifdef MUST_FAIL
#include "platform/hal/hal.h"
#endif
