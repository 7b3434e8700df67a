// What a router says to the sender of a packet that is too long for the next link: RFC 1191 section 4, RFC 4443 section 3.2.
#pragma once

#include "platform/hal/sim/world.h"

namespace samara::sim {

// Nothing for packets a router would fragment, and for those that are no IP.
void say_too_big(hal::sim::World& world, hal::sim::HostId sender, Bytes frame);

}  // namespace samara::sim
