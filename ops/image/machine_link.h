// How a machine's card is attached to the links of this host, and which address it has there.
#pragma once

#include <string>

#include "ops/deployment.h"
#include "ops/descriptor.h"
#include "ops/exit_code.h"
#include "platform/base/result.h"

namespace samara::ops {

struct LinkError {
  ExitCode code = ExitCode::unavailable;
  std::string problem;  // with what was expected
};

// A tap device, made here, that is up and a port of the bridge; it is gone when its last descriptor is closed. Making it takes
// CAP_NET_ADMIN.
Result<Descriptor, LinkError> open_bridge_port(const std::string& bridge);

// The card's link-layer address: the same at every start, so that neighbours and DHCP servers know it again, and another one
// for every manifest, link (`network`, as on the command line) and host, because two of one address on one bridge hear nothing.
// `source`: the manifest's path.
std::string card_address(const std::string& network, const std::string& source);

// For QEMU's user network: servers at 127.0.0.0/8, which are this host's, become what the machine can reach them by, the host's
// address in that network.
void reach_host_instead_of_loopback(RoleConfig& config);

}  // namespace samara::ops
