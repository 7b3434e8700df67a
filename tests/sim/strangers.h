// Frames that nobody has asked for: SYNs from addresses that do not exist, and octets that are no packet or almost one.
#pragma once

#include <array>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/hal/sim/random.h"

namespace samara::sim {

struct Victim {
  std::array<u8, 6> mac{};
  Endpoint at;
};

// A SYN from an address of the victim's network that nobody has, with a good checksum.
std::vector<u8> stray_syn(hal::sim::SeededRng& rng, const Victim& victim);
// Random octets, behind headers that are right as far as they go.
std::vector<u8> junk(hal::sim::SeededRng& rng, const Victim& victim);

}  // namespace samara::sim
