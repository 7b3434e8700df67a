// Ephemeral ports by RFC 6056 section 3.3.3 (algorithm 3): a counter from where a keyed hash of the two hosts and the peer's
// port points. An observer at one server learns nothing of the ports used towards another.
#pragma once

#include "platform/net/tcp/flow.h"

namespace samara::net::tcp {

class EphemeralPorts {
 public:
  // Above the ports servers listen at. RFC 6056 section 3.2 asks for as many as possible.
  static constexpr u16 first = 16'384;
  static constexpr u32 count = 65'536 - first;

  explicit EphemeralPorts(Rng& rng) : hash_(rng), next_(rng.u32_value()) {}

  // A port for `flow.local` that `taken(port)` denies; nothing when it denies none.
  template <class Taken>
  std::optional<Port> choose(Flow flow, Taken&& taken) {
    flow.local.port = Port(0);
    const u64 offset = hash_.of(flow);
    for (u32 i = 0; i < count; ++i) {
      const Port port(static_cast<u16>(first + (offset + next_++) % count));
      if (!taken(port)) return port;
    }
    return std::nullopt;
  }

 private:
  FlowHash hash_;
  u32 next_;
};

}  // namespace samara::net::tcp
