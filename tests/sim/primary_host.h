// PrimaryHost: the whole primary on a machine of the simulated world: the worker, the loop over the in-tree stack, and a small
// zone. And the same worker without any network, which says what the answers should have been.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/hal/sim/random.h"
#include "platform/runtime/frame_loop.h"
#include "server/primary_worker.h"
#include "server/zone_loader.h"

namespace samara::sim {

// The zone "example.": `names` names n0, n1, … with an address each, and three TXT RRsets: `small`, `big` (three thousand
// octets: fragments over UDP) and `huge` (twelve thousand: TCP only).
class ExampleZone {
 public:
  static constexpr u32 names = 100;
  // Loaded once, and never changed.
  static const ExampleZone& instance();
  static std::array<u8, 4> address_of(u32 name) { return {10, 53, static_cast<u8>(name >> 8), static_cast<u8>(name)}; }
  Bytes region() const { return region_; }
  zone::Ref root() const { return root_; }
  const server::PrimaryConfig& config() const { return config_; }

 private:
  ExampleZone();
  std::vector<u8> region_;
  std::string text_;
  server::PrimaryConfig config_;
  server::ZoneLoader loader_;
  zone::Ref root_;
};

class SimulatedWorker : public server::PrimaryWorker {
 public:
  using PrimaryWorker::PrimaryWorker;
  void on_publication(Instant, hal::Publication publication) {
    use_zones(static_cast<zone::Ref>(publication.root), publication.generation);
  }
};

class PrimaryHost {
 public:
  static constexpr u32 streams = 16;
  static constexpr u32 most_connections = streams + 64;  // and the loop's backlog
  static constexpr u32 most_blocks = 256;
  PrimaryHost(const std::vector<runtime::NetworkAddress>& addresses, u64 seed);

  hal::FrameHandler& handler() { return loop_; }
  const net::Stack& stack() const { return loop_.stack(); }

 private:
  hal::sim::SeededRng rng_;
  runtime::NetworkConfig network_;
  SimulatedWorker worker_;
  runtime::FrameLoop loop_;
};

// What the primary answers where nothing gets lost.
class Oracle {
 public:
  Oracle();
  std::vector<u8> by_udp(Bytes query);
  std::vector<u8> by_tcp(Bytes query);

 private:
  SimulatedWorker worker_;
};

}  // namespace samara::sim
