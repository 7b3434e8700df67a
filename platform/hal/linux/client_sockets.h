// The sockets a worker asks others with. All are made before its filter is installed, because none can be made afterwards: one
// UDP socket of each family, on a port the kernel chooses, and a pool of TCP sockets that are used again and again
// (connect to AF_UNSPEC takes a socket back to where it was when it was made; what was received, what was to be sent, errors
// and the port are gone, options stay).
#pragma once

#include <vector>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/listen_sockets.h"

namespace samara::hal {

struct ClientSockets {
  std::vector<ListenSocket> datagram;  // of each family this system has
  std::vector<Descriptor> stream_v4;
  std::vector<Descriptor> stream_v6;

  std::vector<Descriptor>& streams_to(const IpAddress& peer) { return peer.is_v4() ? stream_v4 : stream_v6; }
};

// `streams` TCP sockets of each family, so that all may go to the same.
Result<ClientSockets, Refusal> make_client_sockets(u32 streams, bool datagrams);

// Whether `fd` can be used again.
bool recycle_stream(const Descriptor& fd);

}  // namespace samara::hal
