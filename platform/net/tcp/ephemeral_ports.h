// Ephemeral ports by RFC 6056 section 3.3.4 (algorithm 4): a counter from where a keyed hash of the two hosts and the peer's
// port points, and of many counters one that the hash chooses. An observer at one server learns nothing of the ports used
// towards another, nor how many connections there are.
#pragma once

#include <array>

#include "platform/net/tcp/flow.h"

namespace samara::net::tcp {

class EphemeralPorts {
 public:
  // Above the ports servers listen at. RFC 6056 section 3.2 asks for as many as possible.
  static constexpr u16 first = 16'384;
  static constexpr u32 count = 65'536 - first;

  explicit EphemeralPorts(Rng& rng) : hash_(rng) {
    for (u16& counter : counters_) counter = rng.u16_value();
  }

  // A port for `flow.local` that `taken(port)` denies; nothing when it denies none.
  template <class Taken>
  std::optional<Port> choose(Flow flow, Taken&& taken) {
    flow.local.port = Port(0);
    const u64 hash = hash_.of(flow);
    const u64 offset = hash >> 16;
    u16& next = counters_[hash % counters_.size()];
    for (u32 i = 0; i < count; ++i) {
      const Port port(static_cast<u16>(first + (offset + next + i) % count));
      if (taken(port)) continue;
      next = static_cast<u16>((next + i + 1) % count);
      return port;
    }
    return std::nullopt;
  }

 private:
  FlowHash hash_;
  std::array<u16, 256> counters_{};
};

}  // namespace samara::net::tcp
