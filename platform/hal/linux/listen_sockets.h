// The sockets a worker answers on: for each endpoint of the plan one UDP socket and one TCP listener. Every worker has its own
// (SO_REUSEPORT): the kernel spreads clients over them by a hash of addresses and ports, and workers share nothing.
#pragma once

#include <vector>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/descriptor.h"

namespace samara::hal {

struct ListenSocket {
  Descriptor fd;
  Endpoint local;  // with the port the system chose, where the plan said 0
  bool wildcard;   // bound to all addresses of its family: each datagram says which one was asked
};

struct ListenSockets {
  std::vector<ListenSocket> datagram;
  std::vector<ListenSocket> stream;
};

// Binds every endpoint of the plan for every worker. Fails with unavailable when a port is in use (by anybody, another image
// of ours included) or an address is not on this machine, with no_permission when the port needs a privilege.
Result<std::vector<ListenSockets>, Refusal> bind_listen_sockets(const std::vector<Endpoint>& listen, u32 workers);

}  // namespace samara::hal
